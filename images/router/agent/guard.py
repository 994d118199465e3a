"""Whether what the directory says may take the place of what is served.

A ConfigMap that is older than the one that is served comes from an API server that was restored
from a backup; a table that loses many organizations at once comes from a mistake. Both are refused
until the fleet says otherwise: with a higher epoch, or a higher share that may be lost. Refuses to
look into a shard, and to judge a table that has nothing to be compared with.
"""

import math
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

WINDOW = 3600.0
"""Seconds within which losses are added up."""

FEW = 5
"""As many entries may always be lost."""

_MINUTE = 60.0
_EPOCH = re.compile(r"[1-9][0-9]{0,8}")
_PERCENT = re.compile(r"100|[1-9]?[0-9]")


class Rules(NamedTuple):
    """What the fleet says about changes; `maximum_loss` is a percentage."""

    epoch: int = 1
    maximum_loss: int = 20


class RefusedError(Exception):
    """Well-formed, and still not to be served: for its `version`, or for a `loss`."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


def read_rules(epoch: str, maximum_loss: str) -> Rules:
    """Return what two annotations say, empty ones the default; raises ValueError."""
    if epoch and not _EPOCH.fullmatch(epoch):
        raise ValueError(f"{epoch!r} is not an epoch")
    if maximum_loss and not _PERCENT.fullmatch(maximum_loss):
        raise ValueError(f"{maximum_loss!r} is not a percentage")
    default = Rules()
    return Rules(
        int(epoch) if epoch else default.epoch,
        int(maximum_loss) if maximum_loss else default.maximum_loss,
    )


class Guard:
    """What it has to know of the past; `clock` is the wall clock, since it outlives the agent."""

    def __init__(self, kept: Mapping[str, Any], clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self.rules = Rules(*kept.get("rules", Rules()))
        self.versions: dict[str, int] = dict(kept.get("versions", {}))
        """The resourceVersion of each ConfigMap as it is served, by name."""
        now = clock()
        self._past = [(min(until, now + _MINUTE), count) for until, count in kept.get("past", [])]
        """Numbers of entries that were more than all later ones, and until when they were."""

    def to_keep(self) -> dict[str, Any]:
        """Return what a later Guard is to begin with."""
        return {
            "rules": list(self.rules),
            "versions": dict(self.versions),
            "past": [list(one) for one in self._past],
        }

    def adopt(self, rules: Rules) -> None:
        """Follow new rules: a higher epoch lets versions begin anew, another share the hour."""
        if rules.epoch > self.rules.epoch:
            self.versions.clear()
        if rules.maximum_loss != self.rules.maximum_loss:
            self._past.clear()
        self.rules = rules

    def check_version(self, name: str, version: int) -> None:
        """Raise RefusedError for a ConfigMap that is older than the one that is served."""
        served = self.versions.get(name, 0)
        if 0 < version < served:
            raise RefusedError(
                "version",
                f"its resourceVersion {version} is before {served}, which is served: if the API "
                "server was restored on purpose, raise spec.directory.epoch",
            )

    def check_loss(self, entries: int, left: int) -> None:
        """Raise RefusedError if going from `entries` to `left` of the whole table is too much."""
        most = max([entries, *(count for _, count in self._recent())])
        if left < entries and most - left > self._bearable(most):
            raise RefusedError(
                "loss",
                f"{left} would be left of the {most} entries that there were within the hour: "
                f"{self._advice()}",
            )

    def check_sample(self, entries: int, left: int) -> None:
        """Raise RefusedError if one shard loses what the table may not.

        Shards are chosen by a hash, so each is a sample of the whole and the first to arrive tells
        what the others will lose; four standard deviations are allowed for chance.
        """
        share = self.rules.maximum_loss / 100
        chance = 4 * math.sqrt(share * (1 - share) * entries)
        if entries - left > FEW + share * entries + chance:
            raise RefusedError(
                "loss", f"{left} would be left of the shard's {entries} entries: {self._advice()}"
            )

    def note(self, entries: int) -> None:
        """Remember that up to now the table had as many entries."""
        until = math.ceil(self._clock() / _MINUTE) * _MINUTE
        self._past = [one for one in self._recent() if one[1] > entries]
        if not self._past or self._past[-1][0] != until:
            self._past.append((until, entries))

    def _recent(self) -> list[tuple[float, int]]:
        begin = self._clock() - WINDOW
        return [one for one in self._past if one[0] >= begin]

    def _bearable(self, entries: int) -> float:
        return max(FEW, entries * self.rules.maximum_loss / 100)

    def _advice(self) -> str:
        return (
            f"more than {self.rules.maximum_loss} % are lost; if this is meant, raise "
            "spec.directory.maximumLoss"
        )
