"""What was lost within the hour: which organizations and hosts, each counted once.

A key that is lost, comes back and is lost again counts once. Eight bytes stand for each, so that a
fifth of a million organizations is small. Refuses to judge how much may be lost (`guard`).
"""

import base64
import math
import time
from array import array
from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b
from typing import Any, NamedTuple

from agent.losses import Losses

WINDOW = 3600.0
"""Seconds within which losses are added up."""

_MINUTE = 60.0


class Counts(NamedTuple):
    """How many organizations and hosts a table or a shard has, or loses."""

    organizations: int = 0
    hosts: int = 0


class Fresh(NamedTuple):
    """What a change loses that the hour does not know yet: numbers that stand for keys."""

    organizations: set[int]
    hosts: set[int]

    @property
    def counts(self) -> Counts:
        """How many there are of each."""
        return Counts(len(self.organizations), len(self.hosts))

    def join(self, other: "Fresh") -> None:
        """Take in what else is lost."""
        self.organizations.update(other.organizations)
        self.hosts.update(other.hosts)


class _Minute(NamedTuple):
    """What was lost until a time, and how much the table had before this minute's changes."""

    until: float
    before: Counts
    lost: tuple["array[int]", "array[int]"]


class Hour:
    """The minutes of the last hour; `clock` is the wall clock, since it outlives the agent."""

    def __init__(self, kept: Iterable[Any] = (), clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        latest = clock() + _MINUTE
        self._minutes = [_recalled(one, latest) for one in kept]

    def to_keep(self) -> list[dict[str, Any]]:
        """Return what a later Hour is to begin with."""
        return [
            {
                "until": one.until,
                "before": list(one.before),
                "lost": [base64.b64encode(lost.tobytes()).decode() for lost in one.lost],
            }
            for one in self._minutes
        ]

    def clear(self) -> None:
        """Begin anew with the table as it is."""
        self._minutes = []

    def known(self, present: Counts) -> Counts:
        """Return how many there were an hour ago; who came since then is no one's loss yet."""
        self._forget()
        return self._minutes[0].before if self._minutes else present

    def lost(self) -> Counts:
        """Return how many were lost within the hour."""
        self._forget()
        return Counts(*(sum(len(one.lost[kind]) for one in self._minutes) for kind in range(2)))

    def fresh(self, losses: Losses) -> Fresh:
        """Return what of these losses is not counted yet."""
        found = Fresh(_numbers(losses.organizations), _numbers(losses.hosts))
        self._forget()
        for one in self._minutes:
            for numbers, lost in zip(found, one.lost, strict=True):
                numbers.difference_update(lost)
        return found

    def note(self, before: Counts, fresh: Fresh) -> None:
        """Remember how much the table has had up to now, and what it loses."""
        self._forget()
        until = math.ceil(self._clock() / _MINUTE) * _MINUTE
        if not self._minutes or self._minutes[-1].until != until:
            self._minutes.append(_Minute(until, before, (array("Q"), array("Q"))))
        for lost, numbers in zip(self._minutes[-1].lost, fresh, strict=True):
            lost.extend(numbers)

    def _forget(self) -> None:
        begin = self._clock() - WINDOW
        self._minutes = [one for one in self._minutes if one.until >= begin]


def _recalled(kept: Mapping[str, Any], latest: float) -> _Minute:
    organizations, hosts = (array("Q", base64.b64decode(text)) for text in kept["lost"])
    return _Minute(min(kept["until"], latest), Counts(*kept["before"]), (organizations, hosts))


def _numbers(keys: Iterable[bytes]) -> set[int]:
    return {int.from_bytes(blake2b(key, digest_size=8).digest(), "little") for key in keys}
