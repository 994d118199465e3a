"""Routers answer when everything else is away; runs last, for it stops the API server.

kubelet runs the API server as long as its manifest lies in a folder of the node.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.end_to_end.workspace import Workspace

MANIFEST = "/etc/kubernetes/manifests/kube-apiserver.yaml"
ASIDE = "/etc/kubernetes/kube-apiserver.yaml"
CONTAINERD = ("ctr", "--namespace", "k8s.io")
LATE_RISER = """\
apiVersion: cellwright/v1
kind: Organization
metadata: {name: late-riser}
spec: {id: 7001, cell: gamma}
"""


@pytest.fixture
def node(fleet: Workspace) -> str:
    found: str = fleet.kubectl("get", "nodes")["items"][0]["metadata"]["name"]
    return found


@pytest.fixture
def told(fleet: Workspace, routers: dict[str, str]) -> dict[str, tuple[str, str]]:
    """The path and cell of every active organization that all routers serve."""
    assert routers
    fleet.must("cellwright", "up", "--yes", timeout=900)
    fleet.must("cellwright", "directory", "wait")
    found = json.loads(fleet.must("cellwright", "directory", "get", "--format", "json"))
    assert len(found) >= 10
    return {
        one["organization"]: (one["path"], one["cell"]) for one in found if one["state"] == "active"
    }


@pytest.fixture
def no_directory(fleet: Workspace, told: dict[str, tuple[str, str]]) -> None:
    """Without the fleet's stack, once all routers serve the same; what it remembers stays."""
    assert told
    destroyed = fleet.pulumi("destroy", "--yes", "--stack", "fleet")
    assert destroyed.returncode == 0, destroyed.stdout + destroyed.stderr
    held = fleet.kubectl("get", "configmaps", "--namespace", "cellwright-directory")["items"]
    names = [one["metadata"]["name"] for one in held]
    left = {name for name in names if name.startswith("directory-")}
    assert "directory-history" in left
    assert all(name.startswith("directory-history") for name in left)


@pytest.fixture
def no_api_server(
    fleet: Workspace, node: str, no_directory: None, eventually: Callable[..., Any]
) -> Iterator[Callable[[], None]]:
    """Without the directory and without the API server, until what is yielded is called."""
    assert no_directory is None

    def answers() -> bool:
        return fleet.run("kubectl", "get", "--raw", "/readyz", timeout=60).returncode == 0

    def bring_back() -> None:
        on_node(fleet, node, "sh", "-c", f"[ ! -e {ASIDE} ] || mv {ASIDE} {MANIFEST}")
        eventually(answers, 180)

    on_node(fleet, node, "mv", MANIFEST, ASIDE)
    try:
        eventually(lambda: not running(fleet, node, "kube-apiserver"), 120)
        assert not answers()
        yield bring_back
    finally:
        bring_back()


def on_node(fleet: Workspace, node: str, *command: str) -> str:
    return fleet.must("docker", "exec", node, *command)


def running(fleet: Workspace, node: str, container: str) -> list[str]:
    """Return the ids of the containers of that name that run."""
    named = f'labels."io.kubernetes.container.name"=={container}'
    found = on_node(fleet, node, *CONTAINERD, "containers", "list", "--quiet", named).split()
    tasks = on_node(fleet, node, *CONTAINERD, "tasks", "list").splitlines()
    return [one for one in found if any(t.startswith(one) and "RUNNING" in t for t in tasks)]


def wrong_answers(
    client: httpx.Client, routers: dict[str, str], told: dict[str, tuple[str, str]]
) -> Iterator[tuple[str, str, object]]:
    """Yield router, organization, and what came instead of an answer of its own cell."""
    for router in routers.values():
        for name, (path, cell) in told.items():
            try:
                answer = client.get(f"{router}/o/{path}/notes")
            except httpx.TransportError as error:
                yield router, name, repr(error)
                continue
            seen = (answer.status_code, answer.headers.get("X-Cellwright-Cell"))
            if seen != (200, cell):
                yield router, name, seen


@pytest.fixture
def unanswered(
    routers: dict[str, str], client: httpx.Client, told: dict[str, tuple[str, str]]
) -> Callable[[], list[tuple[str, str, object]]]:
    """Return what says who is not answered by its own cell, through which router."""
    return lambda: list(wrong_answers(client, routers, told))


@pytest.mark.timeout(1800)
def test_every_organization_is_answered_while_everything_is_away(
    fleet: Workspace,
    node: str,
    unanswered: Callable[[], list[tuple[str, str, object]]],
    eventually: Callable[..., Any],
    no_api_server: Callable[[], None],
) -> None:
    assert unanswered() == []
    for container in ("agent", "haproxy"):
        before = running(fleet, node, container)
        assert len(before) >= 3
        for one in before:
            on_node(fleet, node, *CONTAINERD, "tasks", "kill", "--signal", "SIGKILL", one)

        def restarted(container: str = container, before: list[str] = before) -> bool:
            now = running(fleet, node, container)
            return len(now) == len(before) and not set(now) & set(before)

        if container == "agent":
            assert unanswered() == []
        eventually(restarted, 400)  # kubelet waits longer after each crash
        eventually(lambda: unanswered() == [], 120)
    assert not running(fleet, node, "kube-apiserver"), "it was away all the time"
    done = fleet.run("cellwright", "directory", "wait", "--timeout", "1s")
    assert done.returncode == 1
    assert "cluster local: kubectl" in done.stdout

    no_api_server()
    assert unanswered() == [], "nothing is forgotten with the directory away"
    comes_back(fleet)
    assert unanswered() == []
    fleet.write("organizations/late-riser.yaml", LATE_RISER)
    fleet.up("fleet")
    done = fleet.run("cellwright", "directory", "wait", "--timeout", "2m")
    assert done.returncode == 0, done.stdout + done.stderr
    assert unanswered() == []
    found = json.loads(fleet.must("cellwright", "directory", "get", "--format", "json"))
    assert "late-riser" in {one["organization"] for one in found}


def comes_back(fleet: Workspace) -> None:
    """A directory that is lost is not made by itself: nobody could tell who had moved."""
    for command in (("cellwright", "up", "--yes"), ("cellwright", "check", "--against", "live")):
        refused = fleet.run(*command)
        assert (refused.returncode, "CW413" in refused.stdout) == (1, True), command
    typed = fleet.pulumi("up", "--yes", "--skip-preview", "--stack", "fleet")
    assert typed.returncode != 0
    assert "CW413" in typed.stdout + typed.stderr
    assert "of the directory in cluster local" in fleet.must("cellwright", "adopt", "--yes")
    fleet.must("cellwright", "check", "--against", "live")
