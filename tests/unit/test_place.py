"""Cells for organizations that have none: who may take them, and who does."""

from collections import Counter
from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from cellwright.model import Accepts, Cell, Fleet, Organization
from cellwright.place import Choice, place
from tests.fleets import cell, fleet, organization

REGIONS, TIERS = ("eu", "us"), ("standard", "gold")
SELDOM = st.sampled_from([False] * 5 + [True])
"""So that most cells may take somebody, and choices have to be made."""


@st.composite
def fleets(draw: st.DrawFn) -> Fleet:
    """Return a fleet of up to six cells, with more or fewer homeless organizations than room."""
    cells = [
        cell(
            f"c{number}",
            number,
            ring=draw(st.sampled_from([1, 0, 1, 0, -1])),
            region=draw(st.sampled_from(REGIONS)),
            capacity=draw(st.integers(0, 6)),
            draining=draw(SELDOM),
            accepts=Accepts(not draw(SELDOM), draw(st.sampled_from([(), TIERS, ("gold",)]))),
        )
        for number in range(1, draw(st.integers(1, 6)) + 1)
    ]
    homes = st.sampled_from([None, *(one.name for one in cells)])
    organizations = [
        organization(
            f"o{number}",
            draw(homes),
            residency=draw(st.sampled_from([(), (), ("eu",), ("us",), REGIONS])),
            tier=draw(st.sampled_from(TIERS)),
            weight=draw(st.integers(1, 9)),
        )
        for number in range(draw(st.integers(0, 20)))
    ]
    return fleet(cells, organizations)


def may_take(home: Cell, one: Organization) -> bool:
    return (
        home.ring >= 0
        and not home.draining
        and home.accepts.new
        and (not one.residency or home.region in one.residency)
        and (not home.accepts.tiers or one.tier in home.accepts.tiers)
    )


def placed(before: Fleet) -> Fleet:
    """Return the fleet after its placement."""
    chosen = {one.organization: one.chosen.cell for one in place(before) if one.chosen}
    return replace(
        before,
        organizations={
            name: replace(one, cell=chosen.get(name, one.cell))
            for name, one in before.organizations.items()
        },
    )


@given(fleets())
def test_nobody_is_moved_and_all_homeless_get_an_answer(before: Fleet) -> None:
    asked = {name for name, one in before.organizations.items() if one.cell is None}
    assert Counter(one.organization for one in place(before)) == Counter(asked)


@given(fleets())
def test_a_chosen_cell_may_take_the_organization_and_has_room(before: Fleet) -> None:
    after = placed(before)
    for name, one in after.organizations.items():
        if before.organizations[name].cell is None and one.cell is not None:
            home = after.cells[one.cell]
            assert may_take(home, one)
            assert len(after.held_by(home.name)) <= home.capacity


@given(fleets())
def test_an_organization_stays_homeless_only_if_no_cell_is_left(before: Fleet) -> None:
    after = placed(before)
    for one in after.organizations.values():
        if one.cell is None:
            for home in after.cells.values():
                is_full = len(after.held_by(home.name)) >= home.capacity
                assert is_full or not may_take(home, one)


@given(fleets(), st.randoms(use_true_random=False))
def test_the_order_of_definitions_does_not_matter(before: Fleet, random: Random) -> None:
    cells, organizations = list(before.cells.items()), list(before.organizations.items())
    random.shuffle(cells)
    random.shuffle(organizations)
    shuffled = replace(before, cells=dict(cells), organizations=dict(organizations))
    assert place(shuffled) == place(before)


@given(fleets())
def test_a_second_run_has_nothing_to_add(before: Fleet) -> None:
    after = placed(before)
    assert all(one.chosen is None for one in place(after))


@given(fleets())
def test_every_cell_is_chosen_or_has_a_reason(before: Fleet) -> None:
    for choice in place(before):
        named = [*choice.fuller, *(name for one in choice.refusals for name in one.cells)]
        named += [choice.chosen.cell] if choice.chosen else []
        assert Counter(named) == Counter(list(before.cells))


@given(fleets())
def test_full_cells_are_called_full(before: Fleet) -> None:
    counts = {name: len(before.held_by(name)) for name in before.cells}
    for choice in place(before):
        named = {name for one in choice.refusals if one.reason == "full" for name in one.cells}
        full = {name for name, cell in before.cells.items() if counts[name] >= cell.capacity}
        assert named <= full
        assert not full & {*choice.fuller, choice.chosen.cell if choice.chosen else ""}
        if choice.chosen:
            counts[choice.chosen.cell] += 1


@given(fleets())
def test_the_chosen_cell_is_the_least_loaded(before: Fleet) -> None:
    weights = {name: sum(o.weight for o in before.held_by(name)) for name in before.cells}
    for choice in place(before):
        if choice.chosen is None:
            continue
        own = choice.chosen.cell
        share = weights[own] / before.cells[own].capacity
        assert all(share <= weights[name] / before.cells[name].capacity for name in choice.fuller)
        weights[own] += before.organizations[choice.organization].weight


def only(before: Fleet) -> Choice:
    (choice,) = place(before)
    return choice


def test_reasons_are_said() -> None:
    cells = [
        cell("quarantined", 1, ring=-1),
        cell("drained", 2, draining=True),
        cell("closed", 3, accepts=Accepts(new=False)),
        cell("far", 4, region="us"),
        cell("golden", 5, accepts=Accepts(tiers=("gold",))),
        cell("full", 6, capacity=1),
        cell("both", 7, region="us", draining=True),
    ]
    held = organization("settled", "full")
    choice = only(fleet(cells, [held, organization("new", None, residency=("eu",))]))
    assert choice.chosen is None
    assert {one.cells: one.reason for one in choice.refusals} == {
        ("quarantined",): "in quarantine",
        ("drained",): "draining",
        ("closed",): "accepts no new organizations",
        ("far",): "in region us, not in eu",
        ("golden",): "takes tier gold, not standard",
        ("both",): "draining, in region us, not in eu",
        ("full",): "full",
    }


def test_load_is_weight_in_relation_to_capacity() -> None:
    cells = [cell("small", 1, capacity=10), cell("large", 2, capacity=100)]
    held = [
        organization("a", "small", weight=2),
        *(organization(f"b{number}", "large", weight=3) for number in range(5)),
    ]
    choice = only(fleet(cells, [*held, organization("new", None)]))
    assert choice.chosen is not None
    assert choice.next is not None
    assert (choice.chosen.cell, choice.chosen.weight, choice.chosen.capacity) == ("large", 15, 100)
    assert choice.next.cell == "small"
    assert choice.fuller == ("small",)


def test_the_lower_id_takes_it_where_loads_are_equal() -> None:
    choice = only(fleet([cell("b", 2), cell("a", 3)], [organization("new", None)]))
    assert choice.chosen is not None
    assert choice.chosen.cell == "b"
