"""Data is not destroyed by accident."""

import hashlib
import json
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
  draining: true
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
    fleet.must("cellwright", "up", "--yes", timeout=600)
    yield fleet
    if fleet.kubectl("get", "namespaces", "--field-selector", "metadata.name=cell-delta")["items"]:
        # The test has failed before its own end.
        declare(fleet, "-1", "delete-volume")
        fleet.must("cellwright", "up", "--yes", "--cell", "delta")
        fleet.must("cellwright", "retire", "delta", "--without-backup", "--confirm", "delta")
    (fleet.root / "cells" / "delta.yaml").unlink(missing_ok=True)
    fleet.must("cellwright", "up", "--yes")


def declare(fleet: Workspace, ring: str, on_delete: str) -> None:
    text = CELL.replace("RING", ring).replace("ON_DELETE", on_delete)
    fleet.write("cells/delta.yaml", text)


def test_a_cell_that_holds_organizations_is_not_destroyed(fleet: Workspace) -> None:
    before = fleet.pods("cell-alpha")
    done = fleet.pulumi("destroy", "--yes", "--stack", "alpha")
    assert done.returncode != 0
    assert "protect" in done.stdout + done.stderr
    assert fleet.pods("cell-alpha") == before


CLAIM = ("get", "persistentvolumeclaim", "data-postgres-0", "--namespace", "cell-delta")
SQL = ("exec", "--namespace", "cell-delta", "postgres-0", "--container", "postgres", "--", "psql")
SQL = (*SQL, "--username", "postgres", "--dbname", "cell", "--tuples-only", "--no-align")


def retire(fleet: Workspace, *options: str) -> tuple[int, str]:
    done = fleet.run("cellwright", "retire", "delta", *options)
    return done.returncode, done.stdout + done.stderr


HISTORY = ("configmap", "directory-history", "--namespace", "cellwright-directory")


def history(fleet: Workspace) -> str:
    return str(fleet.kubectl("get", *HISTORY)["data"]["history"])


def forget(fleet: Workspace, begin: str) -> None:
    """Take lines out of the history, as if no run of the fleet's stack had written them yet."""
    kept = [line for line in history(fleet).splitlines() if not line.startswith(begin)]
    text = "".join(f"{line}\n" for line in kept)
    checksum = hashlib.sha256(text.encode()).hexdigest()
    metadata = {"annotations": {"cellwright.dev/checksum": checksum}}
    patch = json.dumps({"data": {"history": text}, "metadata": metadata})
    fleet.must("kubectl", "patch", *HISTORY, "--type=merge", "--patch", patch)


@pytest.mark.usefixtures("undisturbed")
def test_an_empty_cell_in_quarantine_is_retired_and_comes_back_on_its_volume(
    delta: Workspace,
) -> None:
    refused = delta.pulumi("destroy", "--yes", "--stack", "delta")
    assert refused.returncode != 0
    code, said = retire(delta, "--without-backup", "--confirm", "delta")
    assert (code, "next  2 in quarantine" in said) == (1, True), said
    before = delta.kubectl(*CLAIM)
    delta.must("kubectl", *SQL, "--command", "CREATE TABLE kept AS SELECT 42 AS answer")
    declare(delta, "-1", "keep-volume")
    delta.must("cellwright", "up", "--yes", "--cell", "delta")
    code, said = retire(delta, "--confirm", "delta")
    assert (code, "next  3 backed up" in said) == (1, True), said
    code, said = retire(delta, "--backup-taken", "s3://backups/delta", "--confirm", "gamma")
    assert (code, "nothing was destroyed" in said) == (1, True), said
    assert delta.pods("cell-delta")
    code, said = retire(delta, "--confirm", "delta")  # the note of the run before counts
    assert code == 0, said
    assert delta.pods("cell-delta") == {}
    kept = delta.kubectl(*CLAIM)
    assert kept["metadata"]["uid"] == before["metadata"]["uid"]
    assert kept["status"]["phase"] == "Bound"
    assert "delta" not in delta.must("pulumi", "stack", "ls", "--json")
    assert not (delta.root / "stacks" / "Pulumi.delta.yaml").exists()
    assert retire(delta)[0] == 0  # once more: all is done
    declare(delta, "-1", "delete-volume")
    delta.must("cellwright", "up", "--yes", "--cell", "delta")
    assert delta.must("kubectl", *SQL, "--command", "TABLE kept") == "42\n"
    code, said = retire(delta, "--confirm", "delta")
    assert (code, "next  3 backed up" in said) == (1, True), said  # it has come back since
    # Its definition is deleted before it is retired: it is shown until nothing is left of it.
    (delta.root / "cells" / "delta.yaml").unlink()
    checked = delta.run("cellwright", "check", "--against", "live")
    assert (checked.returncode, "CW411 cell delta" in checked.stdout) == (1, True)
    shown = delta.run("cellwright", "diff", "--against", "live")
    assert (shown.returncode, "cells no longer declared: 1" in shown.stdout) == (16, True)
    delta.must("cellwright", "up", "--yes")
    forget(delta, "cell delta")
    code, said = retire(delta, "--without-backup", "--confirm", "delta")
    assert code == 0, said
    assert "cell delta 4 " in history(delta), "it is noted before its last trace goes"
    delta.must("cellwright", "check", "--against", "live")
    assert "NotFound" in delta.run("kubectl", "get", "namespace", "cell-delta").stderr
