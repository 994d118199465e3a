"""Homes and ids of organizations, and ids of cells, beside what the clusters hold or remember."""

from cellwright.model import Organization
from tests.cli.conftest import Program
from tests.cli.refusals import CALLED, codes, only_asked
from tests.cli.standins import Cluster, World

MOVED = "cell: beta\n  moved: {from: alpha, reason: restored from a dump}"


def test_an_id_of_a_customer_that_is_gone_is_not_used_again(
    program: Program, cluster: Cluster, world: World
) -> None:
    cluster.declared(program.root)
    program.edit("organizations/customers.yaml", "name: acme", "name: emca")
    done = program("up", "--yes")
    assert "CW402 spec.id: the id 1001 belonged to the organization acme" in done.out
    assert only_asked(world)


def test_an_organization_does_not_go_to_another_cell_without_its_rows(
    program: Program, cluster: Cluster, world: World
) -> None:
    cluster.declared(program.root)
    program.edit("organizations/customers.yaml", "cell: alpha", "cell: beta")
    checked = program("check", "--against", "live")
    assert (checked.code, codes(checked)) == (1, ["CW407"])
    assert program("up", "--yes").out == checked.out
    assert "  ~ acme: alpha -> beta\n" in program("diff", "--against", "live").out
    assert only_asked(world)


def test_rows_that_were_moved_are_followed_once(
    program: Program, cluster: Cluster, world: World
) -> None:
    cluster.declared(program.root)
    program.edit("organizations/customers.yaml", "cell: alpha", MOVED)
    assert program("check", "--against", "live").code == 0
    cluster.declared(program.root)
    checked = program("check", "--against", "live")
    assert (checked.code, codes(checked)) == (1, ["CW408"])
    assert CALLED in program("up", "--yes").err, (
        "a second run goes on after one that ended half-way"
    )
    assert world.pulumi
    assert "forbidden" not in program("diff", "--against", "live").out


def test_an_organization_that_is_moved_by_the_ledger_is_seen(
    program: Program, cluster: Cluster
) -> None:
    program.edit("organizations/customers.yaml", "  cell: alpha\n", "")
    program.write("organizations/assignments.csv", "organization,cell\nacme,alpha\n")
    cluster.declared(program.root)
    program.write("organizations/assignments.csv", "organization,cell\nacme,beta\n")
    done = program("check", "--against", "live")
    assert done.out.startswith("organizations/assignments.csv:2:6: CW407 ")


def test_an_override_hides_no_home(program: Program, cluster: Cluster) -> None:
    sent = "cell: alpha\n  override: {cell: beta, reason: a test}"
    cluster.declared(program.root)
    program.edit(
        "organizations/customers.yaml", "cell: alpha\n  hosts: [acme", f"{sent}\n  hosts: [acme"
    )
    assert program("check", "--against", "live").code == 0
    cluster.declared(program.root)
    assert program("check", "--against", "live").code == 0
    program.edit("organizations/customers.yaml", sent, "cell: beta # for good")
    assert codes(program("check", "--against", "live")) == ["CW407"]
    program.edit("organizations/customers.yaml", "cell: beta # for good", "cell: alpha")
    assert program("check", "--against", "live").code == 0


def without_acme(program: Program) -> str:
    """Take acme's definition out, and return it."""
    text = (program.root / "organizations/customers.yaml").read_text("utf-8")
    parts = text.split("---\n")
    (acme,) = [part for part in parts if "name: acme\n" in part]
    program.write("organizations/customers.yaml", "---\n".join(p for p in parts if p != acme))
    return acme


def test_an_organization_is_gone_before_it_is_removed(
    program: Program, cluster: Cluster, world: World
) -> None:
    cluster.declared(program.root)
    without_acme(program)
    for verb in (("check", "--against", "live"), ("up", "--yes")):
        done = program(*verb)
        assert done.out == (
            "organizations:1:1: CW409 the organization acme is removed while it is active on cell "
            "alpha (declare it with state: gone and apply that first)\n"
        ), verb
    assert only_asked(world)


def test_a_removed_organization_leaves_its_id_behind(program: Program, cluster: Cluster) -> None:
    program.edit("organizations/customers.yaml", "cell: alpha", "cell: alpha\n  state: gone")
    cluster.declared(program.root)
    acme = without_acme(program)
    assert program("check", "--against", "live").code == 0
    shown = program("diff", "--against", "live")
    assert "organizations removed: 1\n  - acme\n" in shown.out
    assert "+ retired 1001" in shown.out
    listed = program("diff", "--against", "live", "--format", "json").json["organizations"]
    assert listed["removed"] == {"count": 1, "first": ["acme"]}
    cluster.remembers("retired 1001", program.root)
    program.write("organizations/again.yaml", acme)
    returned = program("check", "--against", "live")
    assert codes(returned) == ["CW402"]
    assert "the id 1001 was given up" in returned.out
    program.edit("organizations/again.yaml", "name: acme", "name: other")
    assert codes(program("up", "--yes")) == ["CW402"]


def test_a_cell_that_is_kept_keeps_its_id_and_range(
    program: Program, cluster: Cluster, world: World
) -> None:
    program("new", "cell", "delta")
    cluster.declared(program.root)
    body = (program.root / "cells/delta.yaml").read_text("utf-8")
    (program.root / "cells/delta.yaml").unlink()
    cluster.keeps("Namespace", "PersistentVolumeClaim")
    program.write("cells/echo.yaml", body.replace("name: delta", "name: echo"))
    done = program("check", "--against", "live")
    assert codes(done) == ["CW411", "CW402", "CW410"]
    assert "the cell delta (Namespace cell-delta in cluster local)" in done.out
    assert codes(program("up", "--yes")) == ["CW402", "CW410"]
    assert only_asked(world)
    (program.root / "cells/echo.yaml").unlink()
    program.write("cells/delta.yaml", body)
    assert program("check", "--against", "live").code == 0
    program.edit("cells/delta.yaml", "id: 4", "id: 5")
    assert codes(program("check", "--against", "live")) == ["CW401"]


def test_the_next_id_is_one_that_nobody_had(program: Program, cluster: Cluster) -> None:
    cluster.declared(program.root)
    cluster.remembers("last-id 7000\ncell old 9 9000000000-9999999999 retired", program.root)
    assert program("new", "organization", "duff").err == ""
    assert "id: 7001" in (program.root / "organizations/duff.yaml").read_text("utf-8")
    assert program("new", "cell", "delta").err == ""
    text = (program.root / "cells/delta.yaml").read_text("utf-8")
    assert "id: 10" in text
    assert "first: 10000000000" in text


def test_the_next_id_by_the_directory_where_nothing_is_remembered_yet(
    program: Program, cluster: Cluster
) -> None:
    cluster.directory([Organization("old", 8000, "alpha", "old", (), (), "gone")])
    program("new", "organization", "duff")
    assert "id: 8001" in (program.root / "organizations/duff.yaml").read_text("utf-8")


def test_a_new_definition_says_that_a_cluster_is_away(program: Program, cluster: Cluster) -> None:
    cluster.goes_away()
    done = program("new", "organization", "duff")
    assert (done.code, done.out) == (0, "organizations/duff.yaml\n")
    assert done.err.startswith("cellwright new: ids that were used before are not known: cluster ")
    assert done.err.count("\n") == 1
