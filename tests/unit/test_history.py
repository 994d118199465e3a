"""What is remembered of ids: as text and back, in pieces, from one state to the next."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellwright.directory import Value
from cellwright.history import (
    History,
    UsedCell,
    at_worst,
    history_after,
    history_of,
    pieces_named_in,
    pieces_of,
)
from cellwright.model import IdRange
from tests.fleets import cell, fleet, organization

BOTH = fleet(
    [cell("alpha", 1, id_range=IdRange(1, 9)), cell("beta", 2, id_range=None)],
    [organization("acme", "alpha", id=1001), organization("hooli", "beta", id=1007)],
)
DECLARED = (UsedCell("alpha", 1, IdRange(1, 9)), UsedCell("beta", 2, None))


def read(history: History) -> History | None:
    return history_of((one.kind, one.text) for one in pieces_of(history))


def entry(name: str, number: int, home: str = "alpha", state: str = "gone") -> Value:
    return Value(state, home, number, name)


def retired(history: History, *ids: int) -> History:
    """Return the history once these organizations have come and were removed."""
    held = {f"o{number}": entry(f"o{number}", number) for number in ids}
    return history_after(history, held, (), BOTH)


def test_of_definitions_alone() -> None:
    assert history_after(None, {}, (), BOTH) == History(1007, (), DECLARED, {})


def test_nothing_is_remembered_where_nothing_was_written() -> None:
    assert history_of([]) is None
    assert history_of([("0", "")]) == History()


def test_the_text() -> None:
    history = replace(retired(History(), 5, 9, 10, 11), homes={"acme": "alpha"})
    (first, homes) = pieces_of(history)
    text = f"last-id 1007\ncell alpha 1 1-9\ncell beta 2 -\nwith {homes.name}\nretired 5,9-11\n"
    assert first == ("directory-history", "0", text)
    assert homes == ("directory-history-homes-0", "homes", "home acme alpha\n")
    assert pieces_named_in(first.text) == ["directory-history-homes-0"]


def test_of_a_lost_history_every_id_that_nobody_has_counts_as_retired() -> None:
    known = history_after(None, {}, (), BOTH)
    owned = {one.id for one in BOTH.organizations.values()}
    guessed = at_worst(known, BOTH)
    assert guessed.retired_of(range(1, 1010)) == set(range(1, max(owned))) - owned
    assert at_worst(guessed, BOTH) == guessed
    assert history_of([(one.kind, one.text) for one in pieces_of(guessed)]) == guessed


def test_who_is_removed_is_retired_for_good() -> None:
    held = {"acme": entry("acme", 1001), "old": entry("old", 2000)}
    once = history_after(None, held, (), BOTH)
    assert (once.last_id, once.retired) == (2000, (((2000, 2000),),))
    assert once.retired_of([2000]) == {2000}
    assert not once.retired_of([1001])
    again = history_after(once, {}, (), BOTH)
    assert again == once


def test_the_highest_id_stays_though_nobody_has_it() -> None:
    assert history_after(History(9000), {}, (), BOTH).last_id == 9000


def test_a_cell_that_is_declared_no_more_is_retired_with_its_range() -> None:
    first = history_after(None, {}, (), BOTH)
    fewer = replace(BOTH, cells={"beta": BOTH.cells["beta"]})
    assert history_after(first, {}, (), fewer).cells == (
        UsedCell("alpha", 1, IdRange(1, 9), retired=True),
        UsedCell("beta", 2, None),
    )


def test_a_cell_that_stands_is_remembered_and_comes_back() -> None:
    stands = [UsedCell("gamma", 3, IdRange(30, 39))]
    known = history_after(None, {}, stands, BOTH)
    assert known.cells[2] == UsedCell("gamma", 3, IdRange(30, 39), retired=True)
    gamma = cell("gamma", 3, id_range=IdRange(30, 39))
    back = history_after(known, {}, stands, replace(BOTH, cells={**BOTH.cells, "gamma": gamma}))
    assert back.cells[2] == UsedCell("gamma", 3, IdRange(30, 39))


def test_a_range_that_a_cell_had_is_remembered() -> None:
    first = history_after(None, {}, (), BOTH)
    alpha = replace(BOTH.cells["alpha"], id_range=IdRange(100, 199))
    second = history_after(first, {}, (), replace(BOTH, cells={**BOTH.cells, "alpha": alpha}))
    ranges = [one.id_range for one in second.cells if one.name == "alpha"]
    assert ranges == [IdRange(1, 9), IdRange(100, 199)]


def test_homes_of_overridden_organizations_are_remembered_and_stay() -> None:
    acme = organization("acme", "alpha", id=1001, override="beta")
    first = history_after(None, {}, (), fleet([], [acme]))
    assert first.homes == {"acme": "alpha"}
    back = history_after(first, {}, (), fleet([], [organization("acme", "alpha", id=1001)]))
    assert back.homes == {"acme": "alpha"}
    gone = {"acme": entry("acme", 1001, "beta")}
    assert history_after(back, gone, (), fleet([], [])).homes == {}


def test_many_retired_ids_are_in_pieces_that_never_change_once_they_are_full() -> None:
    first = retired(History(), *range(1, 300_000, 2))
    pieces = pieces_of(first)
    assert len(pieces) > 2
    assert max(len(one.text) for one in pieces) < 500_000
    assert len({one.name for one in pieces}) == len(pieces)
    second = retired(first, 2, 300_004)
    assert second.retired[:-1] == first.retired[:-1]
    assert pieces_of(second)[1:-1] == pieces[1:-1]
    assert second.retired_of([2]) == {2}
    assert second.retired_of([299_999]) == {299_999}
    assert not second.retired_of([4])
    assert read(second) == second
    assert retired(second, 1) == second, "it is in the first piece already"


def test_many_homes_are_in_pieces() -> None:
    homes = {f"organization-{number:06d}": "alpha" for number in range(30_000)}
    pieces = pieces_of(History(homes=homes))
    assert len(pieces) > 3
    assert max(len(one.text) for one in pieces) < 500_000
    assert read(History(homes=homes)) == History(homes=homes)


def test_pieces_of_two_clusters_are_united() -> None:
    one, other = retired(History(), 5, 6), retired(History(2000), 7, 90)
    pieces = [(piece.kind, piece.text) for both in (one, other) for piece in pieces_of(both)]
    found = history_of(pieces)
    assert found is not None
    assert (found.last_id, found.retired) == (2000, (((5, 7), (90, 90)),))
    assert found.cells == DECLARED


@pytest.mark.parametrize(
    "line", ["retired", "retired 1,", "retired x", "cell a", "last-id -1", "home a", "other 1"]
)
def test_a_line_that_tells_nothing_is_an_error(line: str) -> None:
    with pytest.raises(ValueError, match="no line of the directory's history: "):
        history_of([("0", f"last-id 7\n{line}\n")])


@given(st.lists(st.sets(st.integers(1, 60)), max_size=6))
def test_whoever_is_removed_whenever_is_retired_and_nobody_else(rounds: list[set[int]]) -> None:
    history: History | None = None
    for ids in rounds:
        history = read(retired(history or History(), *ids))
    everyone = set().union(*rounds)
    assert history is None or history.retired_of(range(70)) == everyone
