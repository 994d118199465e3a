"""`rotate` against a stand-in for Pulumi's engine: phases, their order, and what stops them."""

import base64
import json
from collections.abc import Sequence
from typing import Any

import pytest
import yaml

from cellwright.edge.failure import CommandError
from cellwright.edge.settings import read_settings
from cellwright.fleet_secrets import FleetSecrets, read_record, read_secrets
from cellwright.secret_state import State, read_cell_state
from tests.cli.conftest import Program
from tests.cli.standins import World
from tests.cli.ups import Engine, away

CELLS = ("alpha", "beta", "gamma")


def settings(program: Program, stack: str) -> dict[str, Any]:
    file = program.root / f"stacks/Pulumi.{stack}.yaml"
    found: dict[str, Any] = yaml.safe_load(file.read_text())["config"]
    return found


def state(program: Program, stack: str) -> str:
    return str(read_settings(program.root, stack).state)


def states(program: Program) -> list[str]:
    return [state(program, stack) for stack in ("fleet", *CELLS)]


def roots(program: Program) -> FleetSecrets:
    text = settings(program, "fleet")["cellwright:rootSecret"]["secure"]
    return read_secrets(text, read_settings(program.root, "fleet").state or State("1"))


def secret(program: Program, cell: str, name: str) -> list[str]:
    """Return all values of a secret that are valid, as the cell's own settings have them."""
    record = settings(program, cell)["cellwright:cellSecret"]["secure"]
    return read_record(record, "").value(f"cell/{cell}/{name}*").splitlines()


def noted(engine: Engine, cell: str) -> str:
    body = engine.object("Namespace", f"cell-{cell}")
    return str(body["metadata"]["annotations"]["cellwright.dev/secrets"])


def test_a_cells_secrets_change_and_nobody_elses(program: Program, fleet: Engine) -> None:
    before = {cell: secret(program, cell, "postgres-app") for cell in CELLS}
    seen: list[tuple[str, list[str]]] = []

    def look(stack: str) -> None:
        seen.append((state(program, stack), secret(program, stack, "postgres-app")))

    fleet.before = look
    done = program("rotate", "cell", "beta", "--yes")
    assert (done.code, done.out.splitlines()[-1]) == (0, "the secrets of cell beta are new")
    assert fleet.applied == ["beta", "beta", "beta"]
    new = secret(program, "beta", "postgres-app")
    old = before["beta"]
    assert old != new
    assert seen == [
        ("1.1>1.2 accept", old + new),
        ("1.1>1.2 use", new + old),
        ("1.1>1.2 end", new),
    ]
    assert fleet.passwords == ["beta 1.1>1.2 use"]
    assert states(program) == ["1", "1.1", "1.2", "1.1"]
    assert noted(fleet, "beta") == "1.2"
    assert {cell: secret(program, cell, "postgres-app") for cell in ("alpha", "gamma")} == {
        cell: before[cell] for cell in ("alpha", "gamma")
    }
    assert program("up", "--yes").out == "nothing to do: 4 stacks unchanged\n"


def test_the_root_secret_changes_and_everything_with_it(program: Program, fleet: Engine) -> None:
    before = roots(program)
    old = {cell: secret(program, cell, "app-key") for cell in CELLS}
    done = program("rotate", "root", "--yes")
    assert done.code == 0, done.err
    after = roots(program)
    assert after.roots.keys() == {2}
    assert after.roots[2] != before.roots[1]
    assert after.fleet_id == before.fleet_id
    assert states(program) == ["2", "2.2", "2.2", "2.2"]
    assert sorted(fleet.applied) == sorted(3 * ["fleet", *CELLS])
    for cell in CELLS:
        assert secret(program, cell, "app-key") not in (old[cell], [])
        assert noted(fleet, cell) == "2.2"
    assert fleet.passwords == [f"{cell} 1.1>2.2 use" for cell in CELLS]
    assert program("up", "--yes").out == "nothing to do: 4 stacks unchanged\n"
    done = program("rotate", "root", "--yes")
    assert (done.code, states(program)) == (0, ["3", "3.3", "3.3", "3.3"])


def test_cells_go_from_phase_to_phase_together(program: Program, fleet: Engine) -> None:
    """None uses what another one does not accept, or drops what another one uses."""
    seen = []

    def look(_: str) -> None:
        found = [read_cell_state(noted(fleet, cell)) for cell in CELLS]
        seen.append([one.valid for one in found if one])

    fleet.before = look
    assert program("rotate", "root", "--yes").code == 0
    for valid in seen:
        used = {one[0] for one in valid}
        assert used <= set.intersection(*(set(one) for one in valid))


@pytest.mark.usefixtures("fleet")
def test_cells_have_nothing_of_the_root_secret(program: Program) -> None:
    root = base64.b64encode(roots(program).root).decode()
    for cell in CELLS:
        assert root not in json.dumps(settings(program, cell))
        record = settings(program, cell)["cellwright:cellSecret"]["secure"]
        for other in set(CELLS) - {cell}:
            assert f"cell/{other}/" not in record


@pytest.mark.parametrize("phase", ["accept", "use", "end"])
@pytest.mark.parametrize("words", [("cell", "beta"), ("root",)])
def test_it_goes_on_where_it_stopped(
    program: Program, fleet: Engine, words: Sequence[str], phase: str
) -> None:
    before = secret(program, "beta", "app-key")

    def fail(stack: str) -> None:
        if stack == "beta" and state(program, stack).endswith(phase):
            raise KeyboardInterrupt

    fleet.before = fail
    stopped = program("rotate", *words, "--yes")
    assert stopped.code in (1, 3, 130)
    assert state(program, "beta").endswith(phase)
    held = secret(program, "beta", "app-key")
    told = program("status")
    assert f"beta: its secrets are rotated, phase {phase}" in told.err
    fleet.before = lambda _: None
    assert program("up", "--yes", "--cell", "beta").code == 0
    assert state(program, "beta").endswith(phase)
    assert secret(program, "beta", "app-key") == held
    done = program("rotate", *words, "--yes")
    assert done.code == 0, done.err
    assert before != secret(program, "beta", "app-key")
    ends = "1.2" if words[0] == "cell" else "2.2"
    assert (state(program, "beta"), noted(fleet, "beta")) == (ends, ends)
    assert program("up", "--yes").out == "nothing to do: 4 stacks unchanged\n"


def test_a_ring_that_fails_stops_it(program: Program, fleet: Engine) -> None:
    fleet.fails["alpha"] = ["Diagnostics:", "  no room", "Resources:"]
    done = program("rotate", "root", "--yes")
    assert done.code == 1
    assert "stopped; the same command goes on from there" in done.err
    assert state(program, "fleet") == "1>2 accept"
    fleet.fails.clear()
    assert program("rotate", "root", "--yes").code == 0
    assert states(program) == ["2", "2.2", "2.2", "2.2"]


@pytest.mark.usefixtures("fleet")
def test_passwords_that_cannot_be_set_stop_it(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_situation: Any, cell: str, _interrupts: Any) -> bool:
        raise CommandError(f"passwords of cell {cell} are not set: away")

    monkeypatch.setattr("cellwright.edge.up.rotating.set_passwords", fails)
    done = program("rotate", "cell", "beta", "--yes")
    assert (done.code, state(program, "beta")) == (1, "1.1>1.2 use")


def test_one_rotation_at_a_time(program: Program, fleet: Engine) -> None:
    fleet.before = away("beta")
    assert program("rotate", "cell", "beta", "--yes").code == 1
    assert state(program, "beta") == "1.1>1.2 accept"
    done = program("rotate", "root", "--yes")
    assert (done.code, "run `cellwright rotate cell beta` to its end" in done.err) == (1, True)
    fleet.before = lambda _: None
    assert program("rotate", "cell", "beta", "--yes").code == 0
    fleet.before = away("beta")
    assert program("rotate", "root", "--yes").code == 1
    done = program("rotate", "cell", "alpha", "--yes")
    assert (done.code, "run `cellwright rotate root` to its end" in done.err) == (1, True)


@pytest.mark.parametrize(
    ("change", "words", "expected"),
    [
        ("", ("cell", "betta"), "no cell 'betta' in the definitions (did you mean 'beta'?)"),
        ("timeout", ("cell", "beta"), "stack beta is not as it was applied last: run"),
        ("timeout", ("root",), "is not as it was applied last: run `cellwright up`"),
        ("away", ("root",), "does not answer"),
        ("not ready", ("cell", "beta"), "cell beta is not ready: no room"),
        ("nothing", ("cell", "beta"), "run `cellwright up` first"),
    ],
)
def test_what_it_refuses(
    program: Program, fleet: Engine, change: str, words: Sequence[str], expected: str
) -> None:
    before = states(program)
    if change == "timeout":
        program.edit("cells/fleet.yaml", "timeout: 3m", "timeout: 4m")
    elif change == "away":
        fleet.cluster.goes_away()
    elif change == "not ready":
        fleet.not_ready["cell-beta"] = ["no room"]
    elif change == "nothing":
        for file in (program.root / "stacks").iterdir():
            file.unlink()
        fleet.world.backend()
    done = program("rotate", *words, "--yes")
    assert (done.code, fleet.applied) == (1, [])
    assert expected in done.err, done.err
    if change != "nothing":
        assert states(program) == before


def test_after_a_rotation_the_new_root_secret_brings_a_lost_workspace_back(
    program: Program, fleet: Engine
) -> None:
    """It has signed the directory; the old one, from which the fleet's id comes, proves nothing."""
    old = roots(program).text()
    assert program("rotate", "cell", "beta", "--yes").code == 0
    assert program("rotate", "root", "--yes").code == 0
    text, held = roots(program).text(), [secret(program, cell, "app-key") for cell in CELLS]
    for file in (program.root / "stacks").iterdir():
        file.unlink()
    fleet.world.backend()
    for given, code in ((old, 1), (text.replace("2.", "3.", 1), 1), (text, 0)):
        program.write("root-secret.txt", f"{given}\n")
        done = program("adopt", "--root-secret-file", "root-secret.txt", "--yes")
        assert done.code == code, done
    assert states(program) == ["2", "2.2", "2.3", "2.2"]
    assert [secret(program, cell, "app-key") for cell in CELLS] == held


def test_it_asks(program: Program, fleet: Engine) -> None:
    done = program("rotate", "cell", "beta")
    assert (done.code, "there is no terminal to ask on: give --yes" in done.err) == (1, True)
    assert fleet.applied == []


def test_a_new_cell_takes_part_in_what_is_under_way(program: Program, fleet: Engine) -> None:
    fleet.before = away("beta")
    assert program("rotate", "root", "--yes").code == 1
    fleet.before = lambda _: None
    assert program("new", "cell", "delta", "--ring", "1").code == 0
    assert program("up", "--yes").code == 0
    assert state(program, "delta") == "1.1>2.1 accept"
    assert program("rotate", "root", "--yes").code == 0
    assert [state(program, one) for one in ("fleet", "beta", "delta")] == ["2", "2.2", "2.1"]


def test_what_an_older_release_has_made_keeps_its_passwords(
    program: Program, fleet: Engine
) -> None:
    """The root secret was in the settings of each stack, and everything followed from it."""
    root = roots(program)
    text = base64.b64encode(root.root).decode()
    for stack in ("fleet", *CELLS):
        old = {
            "cellwright:rootSecret": {"secure": text},
            "cellwright:fleetId": root.fleet_id,
            "cellwright:clusters": settings(program, stack)["cellwright:clusters"],
        }
        program.write(f"stacks/Pulumi.{stack}.yaml", json.dumps({"config": old}))
        fleet.cluster.forgets("cellwright.dev/secrets")
    program.edit("cells/fleet.yaml", "timeout: 3m", "timeout: 4m")
    assert program("up", "--yes").code == 0
    assert states(program) == ["1", "1.0", "1.0", "1.0"]
    for cell in CELLS:
        assert set(settings(program, cell)) == {
            "cellwright:cellSecret",
            "cellwright:clusters",
            "cellwright:fleetId",
            "cellwright:secretVersion",
        }
        value = root.of_cell(cell, State("1.0")).value
        for name in ("postgres-owner", "postgres-app", "postgres-replication", "app-key"):
            assert secret(program, cell, name) == [value(f"cell/{cell}/{name}")]
    assert program("rotate", "cell", "beta", "--yes").code == 0
    assert states(program) == ["1", "1.0", "1.1", "1.0"]
    assert program("rotate", "root", "--yes").code == 0
    assert states(program) == ["2", "2.1", "2.2", "2.1"]
    assert text not in "".join(json.dumps(settings(program, one)) for one in ("fleet", *CELLS))


@pytest.mark.usefixtures("fleet")
def test_no_secret_is_an_argument_or_printed(program: Program, world: World) -> None:
    done = program("rotate", "root", "--yes")
    said = done.out + done.err + "\n".join(world.pulumi)
    hidden = [base64.b64encode(roots(program).root).decode()]
    hidden += [one for cell in CELLS for one in secret(program, cell, "postgres-owner")]
    assert not [one for one in hidden if one in said]
