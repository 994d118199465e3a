"""The agent looks at who is lost, not at how many are left: what was well-formed and accepted."""

from collections.abc import Callable

import pytest
from agent.table import Table

from tests.router.said import Said, kinds


@pytest.fixture
def said() -> Said:
    return Said(count=300)


def test_as_many_strangers_do_not_make_up_for_who_is_lost(table: Table, said: Said) -> None:
    mark = table.mark
    table.take(said.all(30, [f"n{number}" for number in range(1000, 1310)]), 30)
    assert set(kinds(table).values()) == {"loss"}
    assert len(table.refused) == 4
    assert table.mark == mark
    reason = table.refused["directory-00"].reason
    assert "of the 300 organizations that were known an hour ago" in reason
    assert "vanish or become another's (such as n" in reason
    assert "raise spec.directory.maximumLoss" in reason


def test_strangers_that_came_before_do_not_count_as_known(table: Table, said: Said) -> None:
    """Else a thousand new ones would let all others go."""
    more = [*said.names, *(f"n{number}" for number in range(1000, 3000))]
    table.take(said.all(30, more), 30)
    assert (table.refused, table.entries("path")) == ({}, 2300)
    table.take(said.all(31, [name for name in more if name not in said.names[:150]]), 31)
    assert "of the 300 organizations" in next(iter(table.refused.values())).reason
    assert table.entries("path") >= 2300 - 60


@pytest.mark.parametrize(
    ("home", "why"),
    [
        ("active:beta", "change their cell"),
        ("suspended:alpha", "are served no more"),
        ("gone:alpha", "are served no more"),
        ("maintenance:alpha", "are served no more"),
        ("maintenance-60:alpha", "are served no more"),
        ("fenced:alpha", "are served no more"),
    ],
)
def test_nobody_vanishes_and_all_lose_their_place(
    table: Table, said: Said, home: str, why: str
) -> None:
    mark = table.mark
    said.changed = dict.fromkeys(said.names, home)
    table.take(said.all(30), 30)
    assert (len(table.refused), table.mark) == (4, mark)
    assert f"{why} (such as n" in table.refused["directory-00"].reason
    said.rules["maximum_loss"] = "100"
    table.take([said.cells(31), *said.all(30)], 31)
    assert table.refused == {}


def test_all_kinds_are_one_count(table: Table, said: Said) -> None:
    said.changed = {
        **dict.fromkeys(said.names[:20], "active:beta"),
        **dict.fromkeys(said.names[20:40], "suspended:alpha"),
    }
    table.take(said.all(30, said.names[:280]), 30)
    assert table.refused == {}, "60 of 300"
    said.changed[said.names[40]] = "fenced:alpha"
    table.take(said.all(31, said.names[:280]), 31)
    ((_, refusal),) = table.refused.items()
    assert "61 of the 300 organizations" in refusal.reason
    assert "1 are served no more (such as n40)" in refusal.reason


def test_coming_back_and_going_again_is_counted_once(
    table: Table, restarted: Callable[[], Table], said: Said
) -> None:
    for version, home in enumerate(("suspended:alpha", "active:alpha") * 5, 30):
        said.changed = dict.fromkeys(said.names[:50], home)
        table.take(said.all(version), version)
        assert table.refused == {}
    again = restarted()
    said.changed = dict.fromkeys(said.names[:50], "fenced:alpha")
    again.take(said.all(50), 50)
    said.changed = dict.fromkeys(said.names[:50], "active:beta")
    again.take(said.all(51), 51)
    assert again.refused == {}, "a move is one change of place, also after a restart"
    said.changed |= dict.fromkeys(said.names[50:61], "active:beta")
    again.take(said.all(52), 52)
    assert "loss" in kinds(again).values()


def test_hosts_have_a_count_of_their_own(table: Table, said: Said) -> None:
    """They are few beside the organizations, and could all be given to another one."""
    said.hosts = {f"h{number}.example.com": f"n{number}" for number in range(20)}
    table.take(said.all(30), 30)
    said.rules["maximum_loss"] = "21"  # the hour begins with them
    table.take([said.cells(31)], 31)
    said.hosts = dict.fromkeys(said.hosts, "n299")
    table.take(said.all(32), 32)
    assert "of the 20 hosts that were known" in next(iter(table.refused.values())).reason
    assert table.entries("host") == 20


def test_a_few_of_a_small_fleet_may_always_be_lost(restarted: Callable[[], Table]) -> None:
    table, said = restarted(), Said(count=6)
    table.take([said.cells(1), *said.all(1)])
    said.changed = dict.fromkeys(said.names[:5], "maintenance:alpha")
    table.take(said.all(2))
    assert table.refused == {}
    said.changed = dict.fromkeys(said.names, "maintenance:alpha")
    table.take(said.all(3))
    assert set(kinds(table).values()) == {"loss"}


def test_the_order_in_which_a_refused_change_is_mended(table: Table, said: Said) -> None:
    """What was taken of it before counts in the hour, and its shards are good as they were."""
    said.changed = dict.fromkeys(said.names, "suspended:alpha")
    table.take(said.all(30), 30)
    assert table.refused
    said.changed = {}
    table.take(said.all(31), 31)
    assert (table.refused, table.resource_version) == ({}, 31)
