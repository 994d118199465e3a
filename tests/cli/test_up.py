"""How `up` plans, asks, goes on and ends, with stand-ins for Pulumi's engine and the cluster."""

import json
from typing import Any

import pytest

from cellwright.edge.routers import Behind
from tests.cli.conftest import Program
from tests.cli.standins import World
from tests.cli.ups import Engine, away


def test_the_first_directory_comes_first_then_rings_in_order(
    program: Program, engine: Engine
) -> None:
    done = program("up", "--yes")
    assert (done.code, engine.applied[:2]) == (0, ["fleet", "alpha"]), done
    assert set(engine.applied[2:]) == {"beta", "gamma"}
    assert "alpha: up in " in done.out


@pytest.mark.parametrize("first", ["fleet", "alpha"])
def test_a_first_run_that_ended_early_is_taken_up(
    program: Program, engine: Engine, first: str
) -> None:
    engine.fails[first] = ("Diagnostics:", "  the disk is full", "")
    assert program("up", "--yes").code == 1
    engine.fails.clear()
    engine.applied.clear()
    assert program("up", "--yes").code == 0
    assert engine.applied[0] == first
    assert {"alpha", "beta", "gamma"} <= set(engine.applied)
    assert program("up", "--yes").out == "nothing to do: 4 stacks unchanged\n"


def test_nothing_to_do_starts_no_run(program: Program, fleet: Engine, world: World) -> None:
    before = len(world.pulumi)
    done = program("up", "--yes")
    assert (done.code, done.out, fleet.applied) == (0, "nothing to do: 4 stacks unchanged\n", [])
    assert len(world.pulumi) - before == 2, world.pulumi[before:]


def test_one_organization_decrypts_the_root_secret_once(
    program: Program, fleet: Engine, world: World
) -> None:
    program.edit("organizations/customers.yaml", "id: 1006", "id: 1006\n  state: suspended")
    before = len(world.pulumi)
    assert program("up", "--yes").code == 0
    assert fleet.applied == ["fleet"]
    asked = [line for line in world.pulumi[before:] if line.startswith("config")]
    assert len(asked) == 1, asked


def test_a_dry_run_touches_nothing(program: Program, engine: Engine, world: World) -> None:
    before = engine.cluster.file.read_text()
    done = program("up", "--dry-run")
    assert (done.code, engine.applied) == (16, [])
    assert "alpha: new, 38 objects" in done.out
    assert engine.cluster.file.read_text() == before
    assert world.pulumi == ["stack ls --json --non-interactive"]
    assert not (program.root / "stacks").exists()


def test_a_dry_run_with_nothing_to_do_ends_with_0(program: Program, fleet: Engine) -> None:
    assert program("up", "--dry-run").code == 0
    assert fleet.applied == []


def test_without_a_terminal_the_answer_must_be_given(program: Program, engine: Engine) -> None:
    done = program("up")
    assert (done.code, engine.applied) == (1, [])
    assert "there is no terminal to ask on: give --yes" in done.err


@pytest.mark.parametrize(("answer", "count"), [("yes\n", 4), ("y\n", 0), ("", 0)])
def test_only_yes_is_an_answer(
    program: Program, engine: Engine, monkeypatch: pytest.MonkeyPatch, answer: str, count: int
) -> None:
    class Terminal:
        def isatty(self) -> bool:
            return True

        def readline(self) -> str:
            return answer

    monkeypatch.setattr("sys.stdin", Terminal())
    assert program("up").code == (0 if count else 1)
    assert len(engine.applied) == count


def test_what_a_preview_refuses_is_told_and_nothing_is_touched(
    program: Program, engine: Engine
) -> None:
    engine.refuses["beta"] = ["beta/app: the quota is exceeded"]
    done = program("up", "--yes")
    assert (done.code, engine.applied) == (1, [])
    assert "refused: beta: beta/app: the quota is exceeded\n" in done.err
    assert done.err.endswith("refused; nothing was touched\n")


def test_only_what_was_named_is_applied(program: Program, fleet: Engine) -> None:
    program.edit("cells/fleet.yaml", "timeout: 3m", "timeout: 4m")
    program("up", "--yes", "--cell", "beta", "--ring", "0")
    assert set(fleet.applied) == {"alpha", "beta"}
    done = program("up", "--yes", "--cell", "bta")
    assert done.code == 1
    assert "no stack 'bta' in the definitions; known: alpha, beta, fleet, gamma" in done.err


def test_a_stack_that_somebody_else_changed_is_run_again(
    program: Program, fleet: Engine, world: World
) -> None:
    world.updated("beta", "2026-02-02T00:00:00.000Z")
    assert program("up", "--yes").code == 0
    assert fleet.applied == ["beta"]


def test_another_value_of_a_secret_is_applied(program: Program, fleet: Engine) -> None:
    head = "apiVersion: v1\nkind: Secret\nmetadata: {name: own, namespace: {{ cell.namespace }}}\n"
    for value, count in (("a", 3), ("b", 3), ("b", 0)):
        program.write("templates/own.yaml.j2", f"{head}stringData: {{key: {value}}}\n")
        fleet.applied.clear()
        assert program("up", "--yes").code == 0
        assert len(fleet.applied) == count, value


def test_all_runs_unchanged_stacks_with_a_refresh(program: Program, fleet: Engine) -> None:
    assert program("up", "--yes", "--all").code == 0
    assert len(fleet.applied) == 4
    assert all("--refresh" in options for options in fleet.options.values())


def test_what_pulumi_does_not_know_of_is_refreshed(program: Program, fleet: Engine) -> None:
    """As where somebody deleted an object: for Pulumi's state it is there until a refresh."""
    for foreseen, timeout, refreshed in ((1000, "4m", False), (0, "5m", True)):
        program.edit("cells/fleet.yaml", "timeout: ", f"timeout: {timeout} # ")
        fleet.foreseen = foreseen
        assert program("up", "--yes", "--cell", "alpha").code == 0
        assert ("--refresh" in fleet.options["alpha"]) == refreshed


def test_an_object_that_is_missing_is_no_update(program: Program, fleet: Engine) -> None:
    """However many changes Pulumi foresees: what it would not create, its state has."""
    fleet.operation = "update"
    program.edit("cells/fleet.yaml", "timeout: 3m", "timeout: 4m")
    assert program("up", "--yes", "--cell", "alpha").code == 0
    assert "--refresh" in fleet.options["alpha"]


def test_a_dry_run_says_whether_anything_would_change(
    program: Program, fleet: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cellwright.edge.up.preview.changes", lambda *_: ())
    for foreseen, code in ((0, 0), (1, 16)):
        fleet.foreseen = foreseen
        assert program("up", "--all", "--dry-run").code == code
    assert fleet.applied == []


def test_the_reason_of_a_failure_is_no_heading(program: Program, fleet: Engine) -> None:
    program.edit("cells/fleet.yaml", "timeout: 3m", "timeout: 4m")
    fleet.fails["alpha"] = ("Diagnostics:", "  pulumi:pulumi:Stack (x):", "    * full", "")
    assert "alpha: not done: full\n" in program("up", "--yes", "--cell", "alpha").err


def test_the_directory_is_no_cell(program: Program) -> None:
    done = program("up", "--cell", "fleet")
    assert (done.code, "give --stack fleet" in done.err) == (2, True)


def test_a_failure_stops_later_rings_but_not_the_directory(program: Program, fleet: Engine) -> None:
    program.edit("cells/fleet.yaml", "timeout: 3m", "timeout: 4m")
    program.edit("organizations/customers.yaml", "name: stark", "name: starks")
    program.edit("organizations/customers.yaml", "id: 1006", "id: 2006\n  state: suspended")
    program.write("organizations/stark.yaml", _GONE)
    fleet.fails["alpha"] = ("Diagnostics:", "  it is full", "Resources:")
    done = program("up", "--yes")
    assert (done.code, fleet.applied) == (1, ["alpha", "fleet"]), done
    assert "  it is full" in done.err
    assert "beta: not begun: ring 0 failed\n" in done.err
    assert done.err.endswith("re-run `cellwright up` to resume\n")
    fleet.fails.clear()
    fleet.applied.clear()
    assert program("up", "--yes").code == 0
    assert fleet.applied[0] == "alpha"
    assert set(fleet.applied) == {"alpha", "beta", "gamma"}


_GONE = """\
apiVersion: cellwright/v1
kind: Organization
metadata: {name: stark}
spec: {id: 1006, cell: gamma, state: gone}
"""


def newcomer(program: Program, cell: str, more: str = "") -> None:
    program.write(
        "organizations/newcomer.yaml",
        "apiVersion: cellwright/v1\nkind: Organization\nmetadata: {name: newcomer}\n"
        f"spec: {{id: 7777, cell: {cell}{more}}}\n",
    )


def test_it_ends_when_the_cells_that_get_organizations_have_the_directory(
    program: Program, engine: Engine
) -> None:
    """The first directory comes before any cell; their readiness says that they have it."""
    assert program("up", "--yes").code == 0
    assert engine.asked == []
    newcomer(program, "alpha")
    assert program("up", "--yes").code == 0
    assert engine.asked == [["alpha"]]
    for override in (", override: {cell: beta, reason: a test}", ""):
        engine.asked.clear()
        newcomer(program, "alpha", override)
        assert program("up", "--yes").code == 0
        assert engine.asked == [["alpha", "beta"] if override else ["alpha"]]


def test_a_cell_that_does_not_have_the_directory_is_named_and_waited_for_again(
    program: Program, fleet: Engine
) -> None:
    newcomer(program, "beta")
    said = "has version 1 in the database: the disk is full"
    fleet.behind = [Behind("local", "beta", "placement-x", 1, said)]
    done = program("up", "--yes")
    assert done.code == 1
    named = "cell beta, pod placement-x, cluster local"
    assert f"fleet: not done: published, but not everywhere yet: {named}: {said}" in done.err
    assert fleet.asked == [["beta"]]
    everybody = ["alpha", "beta", "gamma"]
    assert program("up", "--yes").code == 1, "the directory says no more that beta waits"
    fleet.behind = []
    fleet.applied.clear()
    assert program("up", "--yes").code == 0
    assert fleet.applied == ["fleet"], "it was not noted as applied"
    assert fleet.asked == [["beta"], everybody, everybody]
    assert program("up", "--yes").out.startswith("nothing to do: ")


def test_a_directory_that_a_typed_pulumi_up_has_published_is_waited_for(
    program: Program, fleet: Engine, world: World
) -> None:
    world.updated("fleet", "2026-02-02T00:00:00.000Z")
    assert program("up", "--yes").code == 0
    assert fleet.asked == [["alpha", "beta", "gamma"]]


def test_a_cell_that_has_failed_is_not_waited_for(program: Program, fleet: Engine) -> None:
    program.edit("cells/fleet.yaml", "timeout: 3m", "timeout: 4m")
    newcomer(program, "beta")
    fleet.fails["beta"] = ("error: no",)
    assert program("up", "--yes").code == 1
    assert fleet.asked == []


def test_quarantine_comes_last_and_stops_nothing(program: Program, engine: Engine) -> None:
    cell = (program.root / "cells" / "gamma.yaml").read_text()
    for old, new in (("name: gamma", "name: delta"), ("id: 3", "id: 4"), ("ring: 1", "ring: -1")):
        cell = cell.replace(old, new)
    cell = cell.replace("first: 3", "first: 4").replace("last: 3", "last: 4")
    program.write("cells/delta.yaml", cell)
    engine.fails["delta"] = ("Diagnostics:", "  broken", "")
    done = program("up", "--yes")
    assert (done.code, engine.applied[-1]) == (1, "delta"), done
    assert "fleet" in engine.applied
    assert len(engine.applied) == 5


def test_every_failure_of_a_ring_is_told(program: Program, fleet: Engine) -> None:
    program.edit("cells/fleet.yaml", "timeout: 3m", "timeout: 4m")
    fleet.before = away("beta")
    fleet.fails["gamma"] = ("Diagnostics:", "  another reason", "")
    done = program("up", "--yes")
    assert done.code == 1
    assert "  pulumi can't read beta\n" in done.err
    assert "  another reason\n" in done.err


def test_a_cell_that_does_not_become_ready_has_failed(program: Program, engine: Engine) -> None:
    program.edit("cells/fleet.yaml", "timeout: 3m", "timeout: 1s")
    engine.not_ready["cell-alpha"] = ["Deployment app: ImagePullBackOff"]
    done = program("up", "--yes")
    assert (done.code, engine.applied) == (1, ["fleet", "alpha"])
    assert "  Deployment app: ImagePullBackOff\n" in done.err


def test_the_last_run_is_noted_on_the_namespace(program: Program, fleet: Engine) -> None:
    def noted(cell: str) -> Any:
        annotations = fleet.object("Namespace", cell)["metadata"]["annotations"]
        return json.loads(annotations["cellwright.dev/last-run"])["result"]

    assert noted("cell-alpha") == "succeeded"
    program.edit("cells/fleet.yaml", "timeout: 3m", "timeout: 4m")
    fleet.fails["alpha"] = ("Diagnostics:", "  no", "")
    program("up", "--yes")
    assert noted("cell-alpha") == "failed"
