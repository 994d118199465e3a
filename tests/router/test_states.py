"""Organizations by state, and fences, as the agent counts them from its shards."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from agent import states
from agent.states import STATES, States
from agent.store import Shard, Store

from tests.router.directory import Organization, shard_texts


class Shards:
    """Shards on disk, by each organization's state. Some have another path, and all a host."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(folder)
        self.checksums: list[str] = []
        self.read: list[int] = []
        self.alone = b""

    def put(self, number: int, **state: str) -> None:
        paths = {name: f"x-{name}" if name in "bf" else "" for name in state}
        organizations = [
            Organization(name, 1, "alpha", said, paths[name], (f"{name}.example.com",))
            for name, said in state.items()
        ]
        entries = [pair for one in organizations for pair in one.entries.items()]
        text = shard_texts(entries, 1)[0].encode() + self.alone
        self.checksums[number : number + 1] = [f"{hash(text)}"]
        self.store.put_shard(2, number, Shard(self.checksums[number], (1, 0, 0)), text)

    def text(self, _: int, number: int) -> bytes:
        self.read.append(number)
        return self.store.text(2, number)

    def look(self, found: States) -> None:
        found.look(self, self.checksums)  # type: ignore[arg-type]


@pytest.fixture
def shards(tmp_path: Path) -> Shards:
    made = Shards(tmp_path)
    made.put(0, a="active", b="fenced", c="gone", d="gone", fenced="active", h="maintenance")
    made.put(1, e="maintenance-60", f="suspended", g="active")
    return made


def test_every_state_is_counted(shards: Shards) -> None:
    found = States()
    shards.look(found)
    assert found.counts(9) == {
        "active": 3,
        "maintenance": 2,
        "fenced": 1,
        "suspended": 1,
        "gone": 2,
    }
    assert tuple(found.counts(9)) == STATES


def test_only_shards_that_changed_are_read(shards: Shards) -> None:
    found = States()
    shards.look(found)
    shards.put(1, e="active")
    shards.look(found)
    shards.look(found)
    assert shards.read == [0, 1, 1]
    assert found.counts(7)["maintenance"] == 1
    del shards.checksums[1]
    shards.look(found)
    assert found.counts(6) == {
        **dict.fromkeys(STATES, 0),
        "active": 2,
        "maintenance": 1,
        "fenced": 1,
        "gone": 2,
    }


def test_the_oldest_fence_counts_from_when_it_was_first_seen(
    shards: Shards, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter((10.0, 20.0, 30.0, 40.0, 50.0))
    monkeypatch.setattr(states, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    found = States()
    assert found.oldest_fence() is None
    shards.look(found)
    assert found.oldest_fence() == 10
    shards.put(1, e="fenced")
    shards.look(found)
    shards.put(0, a="fenced")
    shards.look(found)
    assert found.oldest_fence() == 20  # b's has ended, a's began at 30
    shards.put(1)
    shards.look(found)
    assert found.oldest_fence() == 30
    shards.put(0)
    shards.look(found)
    assert found.oldest_fence() is None


def test_lines_of_one_entry_count_too(tmp_path: Path) -> None:
    found, shards = States(), Shards(tmp_path)
    shards.alone = b"=x fenced:alpha:1:x\n=@y gone:alpha:2:y:/5\n=z.example.com gone\n=p @gone\n"
    shards.put(0, a="active")
    shards.look(found)
    assert found.counts(3) == {
        "active": 1,
        "maintenance": 0,
        "fenced": 1,
        "suspended": 0,
        "gone": 1,
    }
    assert found.oldest_fence() is not None
