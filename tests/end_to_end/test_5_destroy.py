"""Data is not destroyed by accident."""

from collections.abc import Iterator

import pytest

from tests.end_to_end.workspace import Workspace

CELL = """\
apiVersion: cellwright/v1
kind: Cell
metadata: {name: delta}
spec:
  id: 4
  ring: RING
  region: us
  cluster: local
  size: small
  postgres: {onDelete: ON_DELETE}
"""


@pytest.fixture
def delta(fleet: Workspace) -> Iterator[Workspace]:
    """A cell that no organization lives on, up, in ring 1."""
    newcomer = fleet.root / "organizations" / "newcomer.yaml"
    if newcomer.exists():
        newcomer.write_text(newcomer.read_text().replace("cell: delta", "cell: delta, state: gone"))
        fleet.up("fleet")
        newcomer.unlink()
    declare(fleet, "1", "keep-volume")
    fleet.must("cellwright", "stacks")
    fleet.up("delta")
    yield fleet
    if fleet.kubectl("get", "namespaces", "--field-selector", "metadata.name=cell-delta")["items"]:
        # The test has failed before its own end.
        declare(fleet, "-1", "delete-volume")
        fleet.up("delta")
        fleet.pulumi("destroy", "--yes", "--stack", "delta")
    (fleet.root / "cells" / "delta.yaml").unlink()
    fleet.must("cellwright", "up", "--all")


def declare(fleet: Workspace, ring: str, on_delete: str) -> None:
    text = CELL.replace("RING", ring).replace("ON_DELETE", on_delete)
    fleet.write("cells/delta.yaml", text)


def test_a_cell_that_holds_organizations_is_not_destroyed(fleet: Workspace) -> None:
    before = fleet.pods("cell-alpha")
    done = fleet.pulumi("destroy", "--yes", "--stack", "alpha")
    assert done.returncode != 0
    assert "protect" in done.stdout + done.stderr
    assert fleet.pods("cell-alpha") == before


@pytest.mark.usefixtures("undisturbed")
def test_an_empty_cell_in_quarantine_is_destroyed_and_its_volume_kept(delta: Workspace) -> None:
    refused = delta.pulumi("destroy", "--yes", "--stack", "delta")
    assert refused.returncode != 0
    claim = ("get", "persistentvolumeclaim", "data-postgres-0", "--namespace", "cell-delta")
    before = delta.kubectl(*claim)
    declare(delta, "-1", "keep-volume")
    delta.up("delta")
    destroyed = delta.pulumi("destroy", "--yes", "--stack", "delta")
    assert destroyed.returncode == 0, destroyed.stdout + destroyed.stderr
    assert delta.pods("cell-delta") == {}
    kept = delta.kubectl(*claim)
    assert kept["metadata"]["uid"] == before["metadata"]["uid"]
    assert kept["status"]["phase"] == "Bound"
    # The cell comes back on the volume that was kept; then it goes with it.
    declare(delta, "-1", "delete-volume")
    delta.up("delta")
    assert delta.kubectl(*claim)["metadata"]["uid"] == before["metadata"]["uid"]
    destroyed = delta.pulumi("destroy", "--yes", "--stack", "delta")
    assert destroyed.returncode == 0, destroyed.stdout + destroyed.stderr
    gone = delta.run("kubectl", "get", "namespace", "cell-delta")
    assert "NotFound" in gone.stderr
