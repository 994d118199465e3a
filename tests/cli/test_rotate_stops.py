"""`rotate` that stops, fails or is killed at some place, and goes on from there."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from cellwright.edge import stack_settings
from cellwright.edge.failure import CommandError
from cellwright.edge.process import Interrupts
from cellwright.edge.up import rotating
from cellwright.edge.up.apply import Applier
from cellwright.edge.up.reading import Situation
from tests.cli.conftest import Program
from tests.cli.rotations import noted, roots, secret, state, states
from tests.cli.ups import Engine, away

INTERRUPTED: dict[str, tuple[Any, str, Callable[..., bool]]] = {
    "new root secret": (stack_settings, "_set_plain", lambda *given: given[1] == "fleet"),
    "applied": (Applier, "stamp", lambda *given: "beta" in {one.stack for one in given[1]}),
    "passwords": (rotating, "set_passwords", lambda *given: given[1] == "beta"),
    "finish": (rotating, "ensure", lambda *given: given[1] == "beta"),
}
"""Functions that are interrupted as they begin, and with what they are given then."""


def stop(place: str, fleet: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Interrupt the run at a place: before beta is applied in a phase, or as it is named."""
    if place in INTERRUPTED:
        where, name, condition = INTERRUPTED[place]
        real = getattr(where, name)

        def instead(*given: Any) -> Any:
            if condition(*given):
                raise KeyboardInterrupt
            return real(*given)

        monkeypatch.setattr(where, name, instead)
        return

    def before_beta(stack: str) -> None:
        if stack == "beta" and state(fleet.program, stack).endswith(place):
            raise KeyboardInterrupt

    fleet.before = before_beta


@pytest.mark.parametrize(
    ("words", "place", "expected"),
    [
        (("cell", "beta"), "use", ("1", "1.1>1.2 use")),
        (("root",), "new root secret", ("1", "1.1")),
        (("root",), "accept", ("1>2 accept", "1.1>2.2 accept")),
        (("root",), "applied", ("1>2 accept", "1.1>2.2 accept")),
        (("root",), "passwords", ("1>2 use", "1.1>2.2 use")),
        (("root",), "end", ("1>2 end", "1.1>2.2 end")),
        (("root",), "finish", ("1>2 end", "1.1>2.2 end")),
    ],
)
def test_it_goes_on_where_it_stopped(
    program: Program, fleet: Engine, words: Sequence[str], place: str, expected: tuple[str, str]
) -> None:
    fleets, betas = expected
    before = secret(program, "beta", "app-key")
    with pytest.MonkeyPatch.context() as patch:
        stop(place, fleet, patch)
        stopped = program("rotate", *words, "--yes")
    fleet.before = lambda _: None
    assert (stopped.code, state(program, "fleet"), state(program, "beta")) == (130, fleets, betas)
    held = roots(program).roots.items()
    if " " in betas:
        told = program("status")
        assert f"beta: its secrets are rotated, phase {betas.split()[1]}" in told.err
        now = secret(program, "beta", "app-key")
        assert program("up", "--yes", "--cell", "beta").code == 0
        assert (state(program, "beta"), secret(program, "beta", "app-key")) == (betas, now)
    done = program("rotate", *words, "--yes")
    assert done.code == 0, done.err
    assert before != secret(program, "beta", "app-key")
    assert roots(program).roots.items() <= held
    ends = "1.2" if words[0] == "cell" else "2.2"
    assert (state(program, "beta"), noted(fleet, "beta")) == (ends, ends)
    assert {one.split()[0] for one in fleet.passwords} >= {"beta"}
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


def test_a_new_cell_takes_part_in_what_is_under_way(program: Program, fleet: Engine) -> None:
    fleet.before = away("beta")
    assert program("rotate", "root", "--yes").code == 1
    fleet.before = lambda _: None
    assert program("new", "cell", "delta", "--ring", "1").code == 0
    fleet.applied.clear()
    done = program("rotate", "root", "--yes")
    assert (done.code, fleet.applied) == (1, [])
    assert "are not those that were applied last: run `cellwright up`" in done.err
    assert program("up", "--yes").code == 0
    assert state(program, "delta") == "1.1>2.1 accept"
    assert program("rotate", "root", "--yes").code == 0
    assert [state(program, one) for one in ("fleet", "beta", "delta")] == ["2", "2.2", "2.1"]


def test_a_cell_that_comes_late_goes_through_all_phases(program: Program, fleet: Engine) -> None:
    """As one that was declared no more when the rotation began."""
    beta = (program.root / "stacks/Pulumi.beta.yaml").read_text()
    namespace = fleet.object("Namespace", "cell-beta")
    fleet.before = lambda stack: (
        away("beta")(stack) if state(program, stack)[-3:] == "use" else None
    )
    assert program("rotate", "root", "--yes").code == 1
    (program.root / "stacks/Pulumi.beta.yaml").write_text(beta)
    fleet.put(namespace)
    seen = []
    fleet.before = lambda stack: seen.append(f"{stack} {state(program, stack)}")
    done = program("rotate", "root", "--yes")
    assert done.code == 0, done.err
    assert [one for one in seen if one.startswith("beta ")] == [
        "beta 1.1>2.2 accept",
        "beta 1.1>2.2 use",
        "beta 1.1>2.2 end",
    ]


def test_no_password_is_set_once_it_is_interrupted(
    program: Program, fleet: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as by a lost lease, when another run may have begun."""

    def interrupts(situation: Situation, cell: str, interrupts: Interrupts) -> bool:
        interrupts.interrupt()
        return fleet.set_passwords(situation, cell, interrupts)

    monkeypatch.setattr(rotating, "set_passwords", interrupts)
    assert program("rotate", "root", "--yes").code == 130
    assert fleet.passwords == ["alpha 1.1>2.2 use"]
