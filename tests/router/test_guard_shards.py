"""What the agent refuses while the number of shards changes."""

from collections.abc import Callable
from pathlib import Path

import pytest
from agent.config_map import CELLS
from agent.store import Store
from agent.table import WHOLE, Table

from tests.router.said import Said, config_map, kinds, table_in


def test_another_number_of_shards_may_not_lose_more(
    table: Table, restarted: Callable[[], Table], said: Said
) -> None:
    said.shards = 7
    table.take([said.cells(30)], 30)
    assert table.resource_version == 20, "the old table is served meanwhile"
    table.take(said.all(31, said.names[:50]), 31)
    assert kinds(table) == {WHOLE: "loss"}
    assert (table.count, table.resource_version) == (4, 20)
    again = restarted()
    again.take([said.cells(30), *said.all(32)], 32, present=[CELLS])
    assert (again.count, again.refused, again.resource_version) == (7, {}, 32)


def test_as_many_strangers_do_not_make_up_for_who_is_lost(
    table: Table, restarted: Callable[[], Table], said: Said
) -> None:
    said.shards = 7
    strangers = [f"n{number}" for number in range(1000, 1110)]
    table.take([said.cells(30), *said.all(31, strangers)], 31)
    assert kinds(table) == {WHOLE: "loss"}
    assert "vanish or become another's" in table.refused[WHOLE].reason
    table.take([], 32, present=[CELLS])
    assert kinds(table) == {WHOLE: "loss"}, "a list without news does not make it good"
    again = restarted()
    again.take([said.cells(33), *said.all(34)], 34, present=[CELLS])
    assert (again.count, again.refused) == (7, {})


@pytest.mark.parametrize("shards", [1, 2, 3, 4, 5, 8, 9, 64])
def test_any_number_of_shards_is_compared_with_any_other(
    table: Table, said: Said, shards: int
) -> None:
    table.take([said.cells(29)], 29)
    for count in (shards, 4):
        said.shards = count
        table.take([said.cells(30), *said.all(31)], 31)
        assert (table.count, table.refused) == (count, {}), "nobody is lost"


def test_what_hides_a_loss_is_malformed_in_another_number_of_shards_too(
    table: Table, said: Said
) -> None:
    said.shards = 1
    text = said.shard(0).text
    line = next(one for one in text.split(b"\n") if b",n7=" in one)
    entry = next(one for one in line.split(b",") if one.startswith(b"n7="))
    twice = line.replace(entry, entry.replace(b":alpha:", b":beta:") + b"," + entry)
    shard = config_map("directory-00", text.replace(line, twice).decode(), 31)
    table.take([said.cells(30), shard], 31)
    assert kinds(table) == {WHOLE: "malformed"}


def test_a_shard_that_stays_the_same_is_one_of_another_number_too(
    restarted: Callable[[], Table], said: Said
) -> None:
    """An empty one, for example: its ConfigMap is not touched, so its version is what it was."""
    table, said.names = restarted(), ["n1"]
    table.take([said.cells(10), *said.all(11)], 11)
    said.shards = 7
    table.take([said.cells(30), *said.all(11)], 30)
    assert (table.count, table.refused, table.resource_version) == (7, {}, 30)


def test_the_hour_goes_on_with_another_number_of_shards(table: Table, said: Said) -> None:
    said.shards = 7
    table.take([said.cells(30), *said.all(31, said.names[15:])], 31)
    assert (table.count, table.entries("path")) == (7, 85)
    table.take(said.all(32, said.names[25:]), 32)
    assert "21 of the 100 organizations" in next(iter(table.refused.values())).reason


def test_a_share_said_later_lets_another_number_of_shards_in(table: Table, said: Said) -> None:
    said.shards = 7
    table.take([said.cells(30), *said.all(31, said.names[:50])], 31)
    said.rules["maximum_loss"] = "60"
    table.take([said.cells(32)], 32)
    assert (table.count, table.refused, table.entries("path")) == (7, {}, 50)


def test_shards_of_a_table_that_is_refused_stay_for_later(
    restarted: Callable[[], Table], said: Said, tmp_path: Path
) -> None:
    """The files that HAProxy reads are written meanwhile, and what is old goes then."""
    store = Store(tmp_path)
    table = table_in(store)
    table.take([said.cells(10), *said.all(11)], 20)
    said.shards = 7
    table.take([said.cells(30), *said.all(31, said.names[:50])], 31)
    assert (table.version, table.resource_version) == (11, 20), "what is served, not what came"
    assert (restarted().version, restarted().resource_version) == (11, 20)
    store.drop_shards()
    said.rules["maximum_loss"] = "60"
    table.take([said.cells(32)], 32)
    assert (table.count, table.version, len(table.checksums)) == (7, 32, 7)
    assert store.text(7, 0)
    store.drop_shards()
    assert [folder.name for folder in tmp_path.glob("shards-*")] == ["shards-7"]
