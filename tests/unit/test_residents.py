"""Which changes of organizations can't be made, decided by a directory or by a commit."""

from dataclasses import replace

import pytest

from cellwright.directory import Value
from cellwright.fixed import Finding, Fixed, fixed
from cellwright.history import History
from cellwright.model import Organization
from cellwright.problem import Place, Problem, refusing
from cellwright.residents import resident_problems
from tests.fleets import fleet, organization

LIVES = Value("active", "alpha", 1001, "acme")
ACME = organization("acme", "alpha", id=1001)
MOVED = replace(ACME, cell="beta", moved="alpha")


def live(*entries: Value, history: History | None = None) -> Fixed:
    return Fixed({}, {one.organization: one for one in entries}, history)


def found(before: Fixed, *after: Organization) -> list[Finding]:
    return list(resident_problems(before, fleet([], list(after))))


def codes(before: Fixed, *after: Organization) -> list[str]:
    return [one.code for one in found(before, *after)]


def test_nothing_changes() -> None:
    assert codes(live(LIVES), ACME) == []
    assert codes(fixed(fleet([], [ACME])), ACME) == []


@pytest.mark.parametrize("state", ["active", "gone", "maintenance-60"])
@pytest.mark.parametrize("new", ["active", "gone"])
def test_a_change_of_home_is_refused_in_every_state(state: str, new: str) -> None:
    (one,) = found(live(LIVES._replace(state=state)), replace(ACME, cell="beta", state=new))
    assert (one.code, one.path) == ("CW407", ("spec", "cell"))
    assert one.message == "the cell goes from alpha to beta; its rows would stay on alpha"


def test_rows_that_were_moved_allow_it_from_exactly_that_cell() -> None:
    assert codes(live(LIVES), MOVED) == []
    assert codes(live(LIVES), replace(MOVED, moved="gamma")) == ["CW407"]


def test_a_move_that_is_over_is_a_problem_that_stops_no_up() -> None:
    (one,) = found(live(LIVES._replace(cell="beta")), MOVED)
    assert (one.code, one.path) == ("CW408", ("spec", "moved"))
    problem = Problem(Place("f"), "", one.code, one.message)
    assert refusing([problem, problem._replace(code="CW407")]) == [problem._replace(code="CW407")]


def test_a_move_that_half_of_the_clusters_have_is_neither_over_nor_refused() -> None:
    new = LIVES._replace(cell="beta")
    for first, second in ((LIVES, new), (new, LIVES)):
        before = live(first)._replace(elsewhere={"acme": (second,)})
        assert codes(before, MOVED) == []
        assert codes(before, replace(MOVED, moved=None)) == ["CW407"]


def test_by_a_commit_a_move_is_over_only_if_it_was_not_declared_there() -> None:
    before = fixed(fleet([], [MOVED]))
    assert codes(before, MOVED) == []
    there = fixed(fleet([], [replace(MOVED, moved=None)]))
    assert codes(there, MOVED) == ["CW408"]


def test_who_had_no_home_may_get_any() -> None:
    before = fixed(fleet([], [replace(ACME, cell=None)]))
    assert codes(before, ACME) == []


def test_who_loses_its_home_is_told() -> None:
    (one,) = found(live(LIVES), replace(ACME, cell=None))
    assert one.message == "the cell is not alpha any more; its rows would stay on alpha"


def test_an_override_is_no_change_of_home() -> None:
    sent = LIVES._replace(cell="beta")
    assert codes(live(LIVES), replace(ACME, override="beta")) == []
    assert codes(live(sent), replace(ACME, override="beta")) == [], "nothing is remembered yet"
    assert codes(live(sent, history=History()), replace(ACME, override="beta")) == ["CW407"]


def test_a_removal_is_refused_unless_the_organization_was_gone() -> None:
    gone = LIVES._replace(state="gone")
    assert codes(live(gone)) == []
    assert codes(live(gone)._replace(elsewhere={"acme": (LIVES,)})) == ["CW409"]
    (one,) = found(live(LIVES._replace(state="maintenance-60")))
    assert (one.kind, one.name, one.code) == ("", "organizations", "CW409")
    assert one.message == "the organization acme is removed while it is maintenance on cell alpha"


def test_of_many_removals_the_first_are_named() -> None:
    everyone = [Value("active", "alpha", n, f"o{n:04d}") for n in range(1, 1001)]
    named = found(live(*everyone))
    assert len(named) == 20
    assert named[-1].message.endswith("on cell alpha, as for 980 more organizations")
    assert len(found(live(*everyone[:20]))) == 20
    assert found(live(*everyone[:21]))[-1].message.endswith("as for 1 more organization")


def test_an_id_that_was_given_up_is_not_taken_again_by_anybody() -> None:
    history = History(2000, (((1001, 1001),),))
    for name in ("acme", "other"):
        (one,) = found(live(history=history), replace(ACME, name=name))
        assert one.message == "the id 1001 was given up: the organization that had it was removed"
        assert one.hint == "take an id that nobody had, from 2001 on"
    assert codes(live(history=history), replace(ACME, id=1002)) == []


def test_an_organization_that_the_directory_still_has_was_not_removed() -> None:
    """Its removal was tried by a run that ended early, and taken back."""
    history = History(2000, (((1001, 1001),),))
    assert codes(live(LIVES._replace(state="gone"), history=history), ACME) == []


def test_ids_of_others() -> None:
    assert codes(live(LIVES), replace(ACME, id=7)) == ["CW401"]
    taken = found(live(LIVES._replace(state="gone")), replace(ACME, name="new"))
    assert [one.code for one in taken] == ["CW402"]
    assert "keeps name acme" in taken[0].hint
