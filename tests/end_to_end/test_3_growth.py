"""The fleet grows by a file: nothing that is there already notices."""

import json
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.end_to_end.workspace import Workspace

DELTA = """\
apiVersion: cellwright/v1
kind: Cell
metadata: {name: delta}
spec: {id: 4, ring: 1, region: us, cluster: local, size: small}
"""
RESIZED = f"""{DELTA.strip()[:-1]},
  router: {{replicas: 2}}, app: {{replicas: 2}},
  postgres: {{resources: {{cpu: 50m, memory: 224Mi, memoryLimit: 512Mi}}}}}}
"""
ORGANIZATION = """\
apiVersion: cellwright/v1
kind: Organization
metadata: {name: NAME}
spec: {id: ID, cell: CELL}
"""


@pytest.mark.usefixtures("undisturbed")
def test_a_new_cell_serves_a_new_organization_and_touches_no_other(
    fleet: Workspace, routers: dict[str, str], client: httpx.Client, eventually: Callable[..., Any]
) -> None:
    fleet.write("cells/delta.yaml", DELTA)
    text = ORGANIZATION.replace("NAME", "newcomer").replace("ID", "2001").replace("CELL", "delta")
    fleet.write("organizations/newcomer.yaml", text)
    fleet.must("cellwright", "stacks")
    fleet.up("delta")
    fleet.up("fleet")
    for router in (*routers.values(), fleet.router(30084)):
        url = f"{router}/o/newcomer/notes"
        answer = eventually(lambda url=url: _answered(client, url))
        assert answer.headers["X-Cellwright-Cell"] == "delta"


@pytest.mark.usefixtures("undisturbed")
def test_a_cell_that_is_resized_touches_no_other(
    fleet: Workspace, eventually: Callable[..., Any]
) -> None:
    """To Pulumi's own plugin a Deployment is changed before all its replicas are ready."""
    fleet.write("cells/delta.yaml", RESIZED)
    fleet.up("delta")
    eventually(lambda: _ready(fleet, "cell-delta") == {"app": 2, "placement": 1, "router": 2})
    memory = fleet.kubectl("get", "pod", "postgres-0", "--namespace", "cell-delta")["spec"]
    assert memory["containers"][0]["resources"]["requests"]["memory"] == "224Mi"
    fleet.write("cells/delta.yaml", DELTA)
    fleet.up("delta")


def test_a_new_organization_changes_one_shard_and_no_cells_stack(
    fleet: Workspace, routers: dict[str, str], client: httpx.Client, eventually: Callable[..., Any]
) -> None:
    before = _versions(fleet)
    text = ORGANIZATION.replace("NAME", "latecomer").replace("ID", "2002").replace("CELL", "beta")
    fleet.write("organizations/latecomer.yaml", text)
    for cell in ("alpha", "beta", "gamma"):
        done = fleet.pulumi("preview", "--expect-no-changes", "--stack", cell)
        assert done.returncode == 0, done.stdout
    printed = fleet.up("fleet")
    assert re.search(r"^ +~ 2 updated$", printed, re.MULTILINE), printed
    after = _versions(fleet)
    changed = {name for name in after if after[name] != before.get(name)}
    changed -= {"directory-history"}  # the highest id so far
    assert len(changed) == 1, changed
    assert changed < {f"directory-{number:02d}" for number in range(64)}
    for router in routers.values():
        url = f"{router}/o/latecomer/notes"
        answer = eventually(lambda url=url: _answered(client, url))
        assert answer.headers["X-Cellwright-Cell"] == "beta"


def test_a_new_organization_is_served_as_soon_as_up_is_done(
    fleet: Workspace, routers: dict[str, str], client: httpx.Client
) -> None:
    """No waiting: its cell's routers know it, and its cell was given it. Then all routers do."""
    for number, cell in enumerate(("alpha", "beta"), start=2010):
        name = f"prompt-{cell}"
        text = ORGANIZATION.replace("NAME", name).replace("ID", str(number)).replace("CELL", cell)
        fleet.write(f"organizations/{name}.yaml", text)
        fleet.must("cellwright", "up", "--yes", "--stack", "fleet")
        url = f"{routers[cell]}/o/{name}/notes"
        assert client.post(url, json={"text": "first"}).status_code == 201
        fleet.must("cellwright", "directory", "wait")
        for router in routers.values():
            answer = client.post(f"{router}/o/{name}/notes", json={"text": "next"})
            assert (answer.status_code, answer.headers["X-Cellwright-Cell"]) == (201, cell)


ASK = """
import http.client, re, ssl, sys
method, number, name, cell = sys.argv[1:]
secrets = "/var/run/secrets/cellwright/"
(key,) = re.findall(r"str\\(([^)]+)\\)", open(secrets + "app-key.cfg").read())
headers = {"X-Cellwright-Key": key.strip("'\\""), "X-Cellwright-Cell": cell}
headers |= {"X-Cellwright-Organization": name, "X-Cellwright-Organization-Id": number}
headers["Content-Type"] = "application/json"
context = ssl.create_default_context(cafile=secrets + "ca.crt")
context.check_hostname = False
connection = http.client.HTTPSConnection("app", 8080, timeout=10, context=context)
connection.request(method, "/notes", '{"text": "x"}' if method == "POST" else None, headers)
print(connection.getresponse().status)
"""


def _asked(fleet: Workspace, cell: str, method: str, number: int, name: str) -> int:
    """Return the app's answer to whoever has taken over its router, with its key."""
    inside = ("--namespace", f"cell-{cell}", "--container", "haproxy", "deployment/router")
    told = (method, str(number), name, cell)
    return int(fleet.must("kubectl", "exec", *inside, "--", "python3", "-c", ASK, *told))


@pytest.mark.usefixtures("routers")
def test_a_router_that_is_taken_over_makes_its_cell_serve_no_stranger(fleet: Workspace) -> None:
    assert _asked(fleet, "alpha", "POST", 1001, "acme") == 201, "one of its own"
    for method in ("GET", "POST"):
        assert _asked(fleet, "alpha", method, 999_999, "nobody") == 421
        assert _asked(fleet, "alpha", method, 1001, "nobody") == 421, "another name"
    hooli = next(one for one in _ids(fleet) if one["organization"] == "hooli")
    assert hooli["cell"] == "gamma"
    for method in ("GET", "POST"):
        assert _asked(fleet, "alpha", method, hooli["id"], "hooli") == 421, "another cell's"


def test_an_override_shows_no_rows_and_takes_none_unless_it_forks(
    fleet: Workspace, routers: dict[str, str], client: httpx.Client
) -> None:
    def texts(expected: str) -> list[str]:
        """Return what each router shows, all the same, from the cell that is expected."""
        found = []
        for router in routers.values():
            answer = client.get(f"{router}/o/sent/notes")
            assert (answer.status_code, answer.headers["X-Cellwright-Cell"]) == (200, expected)
            found.append([one["text"] for one in answer.json()["notes"]])
        assert found.count(found[0]) == len(found)
        return list(found[0])

    def write(text: str) -> int:
        return client.post(f"{routers['gamma']}/o/sent/notes", json={"text": text}).status_code

    def apply(override: str) -> None:
        text = ORGANIZATION.replace("NAME", "sent").replace("ID", "2020").replace("CELL", "alpha")
        fleet.write("organizations/sent.yaml", text.replace("alpha}", f"alpha{override}}}"))
        fleet.must("cellwright", "up", "--yes", "--stack", "fleet")
        fleet.must("cellwright", "directory", "wait")

    apply("")
    assert write("at home") == 201
    assert texts("alpha") == ["at home"]
    apply(", override: {cell: beta, reason: a test}")
    assert texts("beta") == []
    assert write("refused") == 409
    apply(", override: {cell: beta, reason: a test, writes: fork}")
    assert write("forked") == 201
    assert texts("beta") == ["forked"]
    apply(", override: {cell: gamma, reason: a test}")
    assert texts("gamma") == []
    apply("")
    assert texts("alpha") == ["at home"]
    assert _asked(fleet, "gamma", "GET", 2020, "sent") == 421, "no visit stays behind"


def _ids(fleet: Workspace) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(
        fleet.must("cellwright", "directory", "get", "--format", "json")
    )
    return found


def _ready(fleet: Workspace, namespace: str) -> dict[str, int | None]:
    listed = fleet.kubectl("get", "deployments", "--namespace", namespace)["items"]
    return {one["metadata"]["name"]: one["status"].get("readyReplicas") for one in listed}


def _answered(client: httpx.Client, url: str) -> httpx.Response | None:
    answer = client.get(url)
    return answer if answer.status_code == 200 else None


def _versions(fleet: Workspace) -> dict[str, str]:
    listed = fleet.kubectl("get", "configmaps", "--namespace", "cellwright-directory")["items"]
    return {one["metadata"]["name"]: one["metadata"]["resourceVersion"] for one in listed}
