"""What the agent refuses though it is well-formed: what is older, and what loses too much.

Which changes are losses: `test_guard_sets.py`.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from agent.config_map import CELLS
from agent.guard import read_rules
from agent.status import Status
from agent.table import Table

from tests.router.said import Said, kinds


def test_a_version_that_goes_backwards_is_refused_also_after_a_restart(
    table: Table, restarted: Callable[[], Table], said: Said
) -> None:
    table.take([said.shard(0, 30, said.without(1))], 30)
    mark = table.mark
    for one in (table, restarted()):
        one.take([said.shard(0, 29, said.without(2)), said.cells(9, port=81)], 29)
        assert kinds(one) == {"directory-00": "version", CELLS: "version"}
        assert "29 is before 30" in one.refused["directory-00"].reason
        assert one.mark == mark
        assert one.resource_version == 8, "what is refused is not served"
    table.take([said.shard(0, 31, said.without(2)), said.cells(32, port=81)], 32)
    assert (table.refused, table.resource_version) == ({}, 32)


def test_what_is_equal_is_not_refused_however_old(table: Table, said: Said) -> None:
    """A backup that lacks no change of the directory does no harm, and its version counts."""
    table.take([said.cells(5), *said.all(6)], 7, present=[CELLS])
    assert (table.refused, table.version, table.resource_version) == ({}, 6, 7)
    table.take([said.shard(0, 8, said.without(1))], 8)
    assert table.refused == {}


def test_a_higher_epoch_lets_versions_begin_anew(
    table: Table, restarted: Callable[[], Table], said: Said
) -> None:
    before = table.rules
    table.take([said.shard(0, 3, said.without(1))], 3)
    assert kinds(table) == {"directory-00": "version"}
    said.rules["epoch"] = "2"
    table.take([said.cells(4)], 4)
    assert table.rules != before, "the agent lists again"
    table.take([said.cells(4), *said.all(3, said.without(1))], 5)
    assert (table.refused, table.version, table.resource_version) == ({}, 4, 5)
    again = restarted()
    again.take([said.shard(0, 2)], 6)
    assert kinds(again) == {"directory-00": "version"}


def test_a_lower_epoch_is_followed_and_can_be_raised_again(table: Table, said: Said) -> None:
    for epoch, version in (("2", 12), ("1", 13)):
        said.rules["epoch"] = epoch
        table.take([said.cells(version)])
    said.rules["epoch"] = "2"
    table.take([said.cells(1), *said.all(1, said.without(1))])
    assert table.refused == {}


def test_losses_add_up_over_all_shards(table: Table, said: Said) -> None:
    """Each shard loses little; the last ones would lose the table too much."""
    left = [name for number, name in enumerate(said.names) if number % 4]
    for number in range(4):
        table.take([said.shard(number, 30 + number, left)], 30 + number)
    assert set(kinds(table).values()) == {"loss"}
    assert table.entries("path") >= 80
    first = min(table.refused)
    assert "25 of the 100 organizations" in table.refused[first].reason
    assert table.resource_version == table.refused[first].version - 1


def test_a_table_that_shrinks_at_once_is_refused_from_its_first_shard_on(
    restarted: Callable[[], Table],
) -> None:
    """A shard is a sample: nobody is lost before it is noticed."""
    table, said = restarted(), Said(count=4000, shards=8)
    table.take([said.cells(1), *said.all(1)], 1)
    table.take(said.all(2, said.names[:2000]), 2)
    assert len(table.refused) == 8
    assert table.entries("path") == 4000


def test_a_share_that_may_be_lost_is_lost(restarted: Callable[[], Table]) -> None:
    table, said = restarted(), Said(count=4000, shards=8)
    table.take([said.cells(1), *said.all(1)], 1)
    table.take(said.all(2, said.names[: int(4000 * 0.81)]), 2)
    assert (table.refused, table.entries("path")) == ({}, 3240)


def test_few_entries_may_always_be_lost(restarted: Callable[[], Table]) -> None:
    table, said = restarted(), Said(count=8, shards=1)
    table.take([said.cells(1), *said.all(1)])
    table.take(said.all(2, said.names[:3]))
    assert table.entries("path") == 3
    table.take(said.all(3, said.names[:2]))
    assert kinds(table) == {"directory-00": "loss"}


def test_a_higher_share_lets_the_loss_in_and_begins_the_hour_anew(table: Table, said: Said) -> None:
    few = said.names[:10]
    table.take(said.all(30, few), 30)
    assert len(table.refused) == 4
    said.rules["maximum_loss"] = "95"
    before = table.rules
    table.take([said.cells(31)], 31)
    assert table.rules != before
    table.take([said.cells(31), *said.all(30, few)], 31)
    assert (table.refused, table.entries("path"), table.resource_version) == ({}, 10, 31)
    said.rules["maximum_loss"] = "20"
    table.take([said.cells(32), *said.all(33, few[1:])], 33)
    assert (table.refused, table.entries("path")) == ({}, 9)


def test_an_agent_that_starts_again_remembers_the_hour(
    table: Table, restarted: Callable[[], Table], said: Said
) -> None:
    table.take(said.all(30, said.names[15:]), 30)
    assert table.refused == {}
    again = restarted()
    again.take(said.all(31, said.names[30:]), 31)
    assert "loss" in kinds(again).values()


def test_an_agent_that_starts_from_nothing_takes_what_there_is(
    restarted: Callable[[], Table],
) -> None:
    table, said = restarted(), Said(count=3)
    for page in ([said.cells(1)], said.all(1)[:2], said.all(1)[2:]):
        table.take(page)
    assert table.complete
    assert table.refused == {}


def test_a_refusal_ends_with_its_config_map(table: Table, said: Said) -> None:
    for ending in ({"gone": {"directory-00"}}, {"present": {CELLS}}):
        table.take([said.shard(0, 3, said.without(1))], 40)
        assert table.refused
        table.take([], 41, **ending)
        assert (table.refused, table.resource_version) == ({}, 41)


def test_nothing_is_served_up_to_anywhere_without_a_table(
    restarted: Callable[[], Table], said: Said
) -> None:
    table = restarted()
    table.take([], 40, present=[])
    assert table.resource_version == 0
    table.take([said.cells(41), *said.all(42)], 42)
    assert table.resource_version == 42


def test_a_damaged_shard_has_no_version(
    table: Table, restarted: Callable[[], Table], said: Said, tmp_path: Path
) -> None:
    assert table.complete
    (tmp_path / "shards-4" / "00").write_bytes(b"")
    again = restarted()
    again.take(said.all(3), 3)
    assert again.complete


@pytest.mark.parametrize(("epoch", "loss"), [("0", ""), ("x", ""), ("", "101"), ("", "-1")])
def test_rules_that_make_no_sense_are_refused(
    table: Table, said: Said, epoch: str, loss: str
) -> None:
    with pytest.raises(ValueError, match="is not"):
        read_rules(epoch, loss)
    said.rules = {"epoch": epoch, "maximum_loss": loss}
    table.take([said.cells(30)])
    assert kinds(table) == {CELLS: "malformed"}


def test_refusals_are_in_the_metrics_and_in_the_table(table: Table, said: Said) -> None:
    table.take([said.shard(0, 3, said.without(1))])
    status = Status(refused=dict(table.refused), version=11, resource_version=2)
    line = 'cellwright_table_refused{configmap="directory-00",kind="version"} 1'
    assert line in status.metrics().splitlines()
    told = status.table()
    assert (told["version"], told["resource_version"]) == ("11", "2")
    assert told["refused"] == {"directory-00": table.refused["directory-00"].reason}
