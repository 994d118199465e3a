"""What the agent refuses though it is well-formed: what is older, and what loses too much."""

import hashlib
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from agent.guard import read_rules
from agent.status import Status
from agent.store import Store
from agent.table import CELLS, WHOLE, ConfigMap, Table


class Said:
    """A directory of organizations by name; each `line` is one, made where it is asked for."""

    def __init__(self, count: int = 100, shards: int = 4) -> None:
        self.names = [f"n{number}" for number in range(count)]
        self.shards = shards
        self.rules = {"epoch": "1", "maximum_loss": "20"}

    def of(self, name: str) -> int:
        """Return the number of a name's shard."""
        return zlib.crc32(name.encode()) % self.shards

    def held(self, number: int, names: Iterable[str] | None = None) -> list[str]:
        """Return the names in a shard, sorted."""
        return sorted(
            name for name in (self.names if names is None else names) if self.of(name) == number
        )

    def shard(self, number: int, version: int = 0, names: Iterable[str] | None = None) -> ConfigMap:
        lines = (
            f"{name}\t{int(name[1:]) + 1}\talpha\tactive\t{name}\t\t\n"
            for name in self.held(number, names)
        )
        return config_map(f"directory-{number:02d}", "".join(lines), version)

    def without(self, count: int) -> list[str]:
        """Return the names but for some of the first shard's."""
        lost = self.held(0)[:count]
        return [name for name in self.names if name not in lost]

    def all(self, version: int = 0, names: Iterable[str] | None = None) -> list[ConfigMap]:
        kept = None if names is None else list(names)
        return [self.shard(number, version, kept) for number in range(self.shards)]

    def cells(self, version: int = 0, port: int = 80) -> ConfigMap:
        text = f"alpha\t1\thost\t{port}\n"
        return config_map(CELLS, text, version, shards=str(self.shards), **self.rules)


def config_map(name: str, text: str, version: int, **more: str) -> ConfigMap:
    data = text.encode()
    return ConfigMap(name, data, hashlib.sha256(data).hexdigest(), version=version, **more)


@pytest.fixture
def said() -> Said:
    return Said()


@pytest.fixture
def restarted(tmp_path: Path) -> Callable[[], Table]:
    """Return what makes a table from what is on disk, as an agent that starts does."""
    return lambda: Table(Store(tmp_path))


@pytest.fixture
def table(restarted: Callable[[], Table], said: Said) -> Table:
    made = restarted()
    made.take([said.cells(10), *said.all(11)], 20)
    assert made.complete
    return made


def kinds(table: Table) -> dict[str, str]:
    return {name: one.kind for name, one in table.refused.items()}


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
    assert "of the 100 entries" in table.refused[first].reason
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


def test_who_grows_counts_before_who_shrinks(table: Table, said: Said) -> None:
    """Organizations get other names, all in the last shard: as many come as go."""
    lost = [name for number in range(3) for name in said.held(number)[:8]]
    new = [name for number in range(1000, 1200) if said.of(name := f"n{number}") == 3][: len(lost)]
    assert len(new) == len(lost) == 24
    table.take(said.all(30, [*(name for name in said.names if name not in lost), *new]))
    assert (table.refused, table.entries("path")) == ({}, 100)


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
    assert "of the 100 entries" in next(iter(table.refused.values())).reason


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
    table = Table(store)
    table.take([said.cells(10), *said.all(11)], 20)
    said.shards = 7
    table.take([said.cells(30), *said.all(31, said.names[:50])], 31)
    assert (table.version, table.resource_version) == (11, 20), "what is served, not what came"
    assert (restarted().version, restarted().resource_version) == (11, 20)
    store.drop_shards()
    said.rules["maximum_loss"] = "60"
    table.take([said.cells(32)], 32)
    assert (table.count, table.version, len(table.checksums)) == (7, 32, 7)
    assert store.section(7, 0)
    store.drop_shards()
    assert [folder.name for folder in tmp_path.glob("shards-*")] == ["shards-7"]


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
