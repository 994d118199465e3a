"""How many organizations are in which state, and how long the oldest fence has lasted.

Read from the shards, in which every organization has one entry that says its state, and only from
those that have changed; after the change is served, so that no request waits for it.
Refuses to follow single organizations, but for those that are fenced.
"""

import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from agent.store import Store

ACTIVE = "active"
OTHERS = ("maintenance", "fenced", "suspended", "gone")
STATES = (ACTIVE, *OTHERS)

_OTHER = tuple(
    re.compile(rb"%s(?!active:)([a-z]++)(?:-[0-9]++)?:[^:]++:[^:]++:([a-z0-9-]++)" % before)
    for before in (b"=", b" ")
)
"""State and organization of those that are not active, in lines of many entries and in own ones. A
host's value is a name, which may be such a word too."""


@dataclass(slots=True)
class _Shard:
    checksum: str
    others: tuple[int, ...]
    fenced: frozenset[bytes]


@dataclass(slots=True)
class States:
    """What was counted last, by shard."""

    _shards: dict[int, _Shard] = field(default_factory=dict)
    _fences: dict[bytes, float] = field(default_factory=dict)
    """When each fence was first seen, by the monotonic clock."""

    def look(self, store: Store, checksums: Sequence[str]) -> None:
        """Count again where the checksum of a shard is another than when it was counted."""
        count = len(checksums)
        self._shards = {n: one for n, one in self._shards.items() if n < count}
        for number, checksum in enumerate(checksums):
            known = self._shards.get(number)
            if known is None or known.checksum != checksum:
                self._shards[number] = _counted(store.text(count, number), checksum)
        now = time.monotonic()
        fenced = frozenset().union(*(one.fenced for one in self._shards.values()))
        self._fences = {one: self._fences.get(one, now) for one in fenced}

    def counts(self, entries: int) -> dict[str, int]:
        """Return the number of organizations by state; `entries` is that of all."""
        found = dict.fromkeys(OTHERS, 0)
        for shard in self._shards.values():
            for state, number in zip(OTHERS, shard.others, strict=True):
                found[state] += number
        return {ACTIVE: entries - sum(found.values()), **found}

    def oldest_fence(self) -> float | None:
        """Return when the oldest fence was first seen, by the monotonic clock."""
        return min(self._fences.values(), default=None)


def _counted(text: bytes, checksum: str) -> _Shard:
    found = [one for value in _OTHER for one in value.findall(text)]
    counted = Counter(state.decode() for state, _ in found)
    fenced = frozenset(organization for state, organization in found if state == b"fenced")
    return _Shard(checksum, tuple(counted[state] for state in OTHERS), fenced)
