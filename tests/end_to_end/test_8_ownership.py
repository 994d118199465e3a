"""What is not this workspace's is left alone, and a fleet comes back after its state was lost."""

import base64
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.workspace import Workspace

CUSTOMERS = "organizations/customers.yaml"


def copy_of(fleet: Workspace, folder: Path) -> Workspace:
    """A second workspace with the same definitions, whose backend and settings are empty."""
    root = folder / "second"
    shutil.copytree(fleet.root, root, symlinks=True, ignore=shutil.ignore_patterns("Pulumi.*.yaml"))
    shutil.copy(fleet.root / "Pulumi.yaml", root)
    (root / "stacks").mkdir(exist_ok=True)
    backend = folder / "state"
    backend.mkdir()
    environment = {**fleet.environment, "PULUMI_BACKEND_URL": f"file://{backend}?metadata=skip"}
    return Workspace(root, environment)


@pytest.fixture
def second(fleet: Workspace, tmp_path: Path) -> Workspace:
    return copy_of(fleet, tmp_path)


def password(fleet: Workspace) -> str:
    held = fleet.kubectl("get", "secret", "postgres-app", "--namespace", "cell-alpha")
    return str(held["data"]["password"])


def root_secret(fleet: Workspace) -> str:
    return fleet.must(
        "pulumi", "config", "get", "cellwright:rootSecret", "--stack", "fleet"
    ).strip()


def test_a_second_workspace_does_not_take_the_fleet_over(
    fleet: Workspace, second: Workspace
) -> None:
    before, pods = password(fleet), fleet.pods("cell-alpha")
    for command in (("check", "--against", "live"), ("up", "--yes"), ("stacks",)):
        done = second.run("cellwright", *command)
        assert done.returncode == 1, command
        assert "CW422" in done.stdout, command
    assert (password(fleet), fleet.pods("cell-alpha")) == (before, pods)


def test_a_typed_run_with_another_root_secret_is_refused(
    fleet: Workspace, second: Workspace
) -> None:
    before = password(fleet)
    second.must("pulumi", "stack", "init", "fleet", "--non-interactive")
    secret = base64.b64encode(os.urandom(32)).decode()
    second.must("pulumi", "config", "set", "--secret", "cellwright:rootSecret", secret)
    done = second.pulumi("up", "--yes", "--skip-preview", "--stack", "fleet")
    assert done.returncode != 0
    assert "CW421" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert password(fleet) == before


def test_a_lost_state_is_recovered_with_the_root_secret(
    fleet: Workspace, second: Workspace, undisturbed: None
) -> None:
    del undisturbed
    second.write("root-secret.txt", root_secret(fleet))
    before = password(fleet)
    taken = second.must("cellwright", "adopt", "--root-secret-file", "root-secret.txt", "--yes")
    assert "next: cellwright up --all" in taken
    done = second.run("cellwright", "up", "--yes", "--all", timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    assert password(fleet) == before
    again = second.run("cellwright", "up", "--yes")
    assert again.stdout.startswith("nothing to do: "), again.stdout + again.stderr
    assert second.run("cellwright", "check", "--against", "live").returncode == 0
    fleet.must("cellwright", "up", "--yes", "--all", timeout=900)


@pytest.fixture
def somebodys(fleet: Workspace) -> Iterator[None]:
    """A ConfigMap that somebody made by hand where a template of the workspace has one."""
    inside = ("--namespace", "cell-alpha")
    fleet.must("kubectl", "create", "configmap", "own", "--from-literal=a=by-hand", *inside)
    (fleet.root / "templates").mkdir(exist_ok=True)
    fleet.write(
        "templates/own.yaml.j2",
        "apiVersion: v1\nkind: ConfigMap\n"
        "metadata: {name: own, namespace: {{ cell.namespace }}}\ndata: {a: declared}\n",
    )
    yield
    (fleet.root / "templates" / "own.yaml.j2").unlink()
    fleet.must("kubectl", "delete", "configmap", "own", *inside, "--ignore-not-found")
    fleet.must("cellwright", "up", "--yes", timeout=600)


@pytest.mark.usefixtures("somebodys")
def test_what_belongs_to_nobody_is_not_taken_on_by_itself(fleet: Workspace) -> None:
    done = fleet.run("cellwright", "up", "--yes", "--cell", "alpha")
    assert done.returncode == 1
    assert "ConfigMap cell-alpha/own in cluster local exists and belongs to no fleet" in done.stdout
    typed = fleet.pulumi("up", "--yes", "--skip-preview", "--stack", "alpha")
    assert typed.returncode != 0
    assert "CW421" in typed.stdout + typed.stderr
    own = fleet.kubectl("get", "configmap", "own", "--namespace", "cell-alpha")
    assert own["data"] == {"a": "by-hand"}
    taken = fleet.must("cellwright", "adopt", "--yes")
    assert "ConfigMap cell-alpha/own in cluster local" in taken
    fleet.must("cellwright", "up", "--yes", "--cell", "alpha", timeout=600)
    own = fleet.kubectl("get", "configmap", "own", "--namespace", "cell-alpha")
    assert own["data"] == {"a": "declared"}


def test_a_changed_home_is_refused_everywhere(fleet: Workspace) -> None:
    kept = (fleet.root / CUSTOMERS).read_text()
    fleet.write(CUSTOMERS, kept.replace("cell: alpha", "cell: beta", 1))
    try:
        for command in (("check", "--against", "live"), ("up", "--yes")):
            done = fleet.run("cellwright", *command)
            assert (done.returncode, "CW407" in done.stdout) == (1, True), command
        typed = fleet.pulumi("up", "--yes", "--skip-preview", "--stack", "fleet")
        assert typed.returncode != 0
        assert "CW407" in typed.stdout + typed.stderr
    finally:
        fleet.write(CUSTOMERS, kept)
    assert fleet.run("cellwright", "check", "--against", "live").returncode == 0


def test_changes_by_hand_are_mended_by_all(fleet: Workspace) -> None:
    inside = ("--namespace", "cell-beta")
    fleet.must("cellwright", "up", "--yes", timeout=600)
    fleet.must("kubectl", "scale", "deployment", "app", "--replicas=1", *inside)
    fleet.must("kubectl", "delete", "networkpolicy", "default-deny", *inside)
    assert fleet.must("cellwright", "up", "--yes").startswith("nothing to do: ")
    fleet.must("cellwright", "up", "--yes", "--all", timeout=900)
    assert fleet.kubectl("get", "deployment", "app", *inside)["spec"]["replicas"] == 2
    fleet.kubectl("get", "networkpolicy", "default-deny", *inside)


def test_two_fleets_share_a_cluster(fleet: Workspace, second: Workspace) -> None:
    """The second one's directory stands beside the first one's; neither touches the other."""
    file = second.root / "cells" / "fleet.yaml"
    text = file.read_text().replace("name: demo", "name: shop", 1)
    file.write_text(text.replace("  rings:", "  namespacePrefix: shop\n  rings:", 1))
    listed = ("get", "configmaps", "--namespace", "cellwright-directory")
    before = fleet.kubectl(*listed)
    try:
        second.must("cellwright", "up", "--yes", "--stack", "fleet", timeout=600)
        held = second.kubectl("get", "configmaps", "--namespace", "shop-cellwright-directory")
        assert any(one["metadata"]["name"] == "directory-cells" for one in held["items"])
        assert fleet.kubectl(*listed) == before
        for workspace in (fleet, second):
            done = workspace.run("cellwright", "check", "--against", "live")
            assert done.returncode == 0, done.stdout + done.stderr
    finally:
        gone = ("namespace", "shop-cellwright-directory", "--ignore-not-found")
        fleet.must("kubectl", "delete", *gone, "--timeout=120s")
