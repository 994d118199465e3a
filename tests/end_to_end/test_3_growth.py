"""The fleet grows by a file: nothing that is there already notices."""

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
    eventually(lambda: _ready(fleet, "cell-delta") == {"app": 2, "router": 2})
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


def _ready(fleet: Workspace, namespace: str) -> dict[str, int | None]:
    listed = fleet.kubectl("get", "deployments", "--namespace", namespace)["items"]
    return {one["metadata"]["name"]: one["status"].get("readyReplicas") for one in listed}


def _answered(client: httpx.Client, url: str) -> httpx.Response | None:
    answer = client.get(url)
    return answer if answer.status_code == 200 else None


def _versions(fleet: Workspace) -> dict[str, str]:
    listed = fleet.kubectl("get", "configmaps", "--namespace", "cellwright-directory")["items"]
    return {one["metadata"]["name"]: one["metadata"]["resourceVersion"] for one in listed}
