"""Who comes, goes and changes the cell."""

from cellwright.directory import Value
from cellwright.fixed import Fixed
from cellwright.roster import RosterChanges, homes_after, homes_before, roster_changes
from tests.fleets import fleet, organization


def test_each_change_is_in_its_part_by_name() -> None:
    before = {"b": "alpha", "a": "alpha", "stays": "beta", "moves": "alpha"}
    after = {"d": "alpha", "c": "alpha", "stays": "beta", "moves": "beta"}
    assert roster_changes(before, after) == RosterChanges(
        ("c", "d"), ("a", "b"), (("moves", "alpha", "beta"),)
    )


def test_nothing_changes() -> None:
    assert roster_changes({"a": "alpha"}, {"a": "alpha"}) == RosterChanges()


def test_who_has_no_home_is_in_no_assignment() -> None:
    one = fleet([], [organization("a", "alpha", override="beta"), organization("b", None)])
    assert homes_after(one) == {"a": "alpha"}
    held = Fixed({}, {"a": Value("active", "alpha", 1, "a")})
    assert homes_before(held) == {"a": "alpha"}
