"""`rotate` against a stand-in for Pulumi's engine: phases, their order, and what it refuses."""

import base64
import json
from collections.abc import Iterator, Sequence

import pytest

from cellwright.secret_state import read_cell_state
from tests.cli.conftest import Program
from tests.cli.rotations import CELLS, noted, roots, secret, settings, state, states
from tests.cli.standins import World
from tests.cli.ups import Engine, away


def test_a_cells_secrets_change_and_nobody_elses(program: Program, fleet: Engine) -> None:
    before = {cell: secret(program, cell, "postgres-app") for cell in CELLS}
    seen: list[tuple[str, list[str]]] = []

    def look(stack: str) -> None:
        seen.append((state(program, stack), secret(program, stack, "postgres-app")))

    fleet.before = look
    done = program("rotate", "cell", "beta", "--yes")
    assert (done.code, done.out.splitlines()[-1]) == (
        0,
        "the secrets of cell beta are new: commit stacks/",
    )
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
    assert "commit stacks/, and make a new copy of the\nroot secret" in done.out
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


def test_no_cell_is_left_with_old_secrets(program: Program, fleet: Engine) -> None:
    fleet.world.updated("delta", "2026-01-01T00:00:00.000Z")  # it is there, and not declared
    done = program("rotate", "root", "--yes")
    assert (done.code, fleet.applied) == (1, [])
    assert "cell delta is there and declared no more" in done.err


def test_it_asks(program: Program, fleet: Engine) -> None:
    done = program("rotate", "cell", "beta")
    assert (done.code, "there is no terminal to ask on: give --yes" in done.err) == (1, True)
    assert fleet.applied == []


def hidden(program: Program) -> Iterator[str]:
    """Yield everything of the settings that nobody may see, certificates left out."""
    yield from roots(program).text().split()
    yield from (base64.b64encode(one).decode() for one in roots(program).roots.values())
    for cell in CELLS:
        record = json.loads(settings(program, cell)["cellwright:cellSecret"]["secure"])
        yield from (one["secret"] for one in record["valid"])
        for name in ("postgres-owner", "postgres-app", "postgres-replication", "app-key"):
            yield from secret(program, cell, name)
        for part in ("router", "app"):
            lines = secret(program, cell, f"{part}-ca.key")
            yield from (line for line in lines if "PRIVATE KEY" not in line)


@pytest.mark.usefixtures("fleet")
def test_no_secret_is_an_argument_or_printed(program: Program, world: World) -> None:
    secrets = set(hidden(program))
    done = program("rotate", "root", "--yes")
    secrets |= set(hidden(program))
    assert len(secrets) > 2 * len(CELLS) * 7
    said = done.out + done.err + "\n".join(world.pulumi)
    assert not [one for one in secrets if one in said]
