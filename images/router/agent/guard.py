"""Whether what the directory says may take the place of what is served.

A ConfigMap that is older than the one that is served comes from an API server that was restored
from a backup; a table in which many organizations vanish, change their cell or are served no more
comes from a mistake, or from somebody who is not the fleet. Both are refused until the fleet says
otherwise: with a higher epoch, or a higher share that may be lost. Refuses to look into a shard,
and to judge a table that has nothing to be compared with.
"""

import math
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from agent.hour import Counts, Fresh, Hour
from agent.losses import Losses

FEW = 5
"""As many organizations, and as many hosts, may always be lost."""

_ALL = 100

_EPOCH = re.compile(r"[1-9][0-9]{0,8}")
_PERCENT = re.compile(r"100|[1-9]?[0-9]")


class Rules(NamedTuple):
    """What the fleet says about changes; `maximum_loss` is a percentage."""

    epoch: int = 1
    maximum_loss: int = 20


class RefusedError(Exception):
    """Well-formed, and still not to be served.

    Its `kind` is what is wrong: the `fleet`, the `signature`, the `version`, or a `loss`.
    """

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
        self.rules = Rules(*kept.get("rules", Rules()))
        self.versions: dict[str, int] = dict(kept.get("versions", {}))
        """The resourceVersion of each ConfigMap as it is served, by name."""
        self.hour = Hour(kept.get("hour", ()), clock)

    def to_keep(self) -> dict[str, Any]:
        """Return what a later Guard is to begin with."""
        return {
            "rules": list(self.rules),
            "versions": dict(self.versions),
            "hour": self.hour.to_keep(),
        }

    @property
    def permits_all(self) -> bool:
        """Whether everything may be lost, so that nothing need be compared."""
        return self.rules.maximum_loss == _ALL

    def adopt(self, rules: Rules) -> None:
        """Follow new rules: a higher epoch lets versions begin anew, another share the hour."""
        if rules.epoch > self.rules.epoch:
            self.versions.clear()
        if rules.maximum_loss != self.rules.maximum_loss:
            self.hour.clear()
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

    def check_loss(self, present: Counts, fresh: Fresh, losses: Losses) -> None:
        """Raise RefusedError if a table with so much `present` would lose too much in the hour.

        `losses` say why; `fresh` is what of them the hour does not know yet.
        """
        known, before = self.hour.known(present), self.hour.lost()
        for kind, number in fresh.counts._asdict().items():
            most, lost = getattr(known, kind), getattr(before, kind) + number
            if number and lost > max(FEW, most * self.rules.maximum_loss / 100):
                self._refuse(
                    f"{lost} of the {most} {kind} that were known an hour ago would have lost "
                    f"their place within the hour",
                    getattr(losses, kind),
                )

    def check_sample(self, present: Counts, fresh: Fresh, losses: Losses) -> None:
        """Raise RefusedError if one shard loses what the table may not.

        Shards are chosen by a hash, so each is a sample of the whole and the first to arrive tells
        what the others will lose; four standard deviations are allowed for chance.
        """
        share = self.rules.maximum_loss / 100
        for kind, lost in fresh.counts._asdict().items():
            entries = getattr(present, kind)
            chance = 4 * math.sqrt(share * (1 - share) * entries)
            if lost > FEW + share * entries + chance:
                self._refuse(
                    f"{lost} of the shard's {entries} {kind} would lose their place",
                    getattr(losses, kind),
                )

    def _refuse(self, what: str, reasons: Mapping[bytes, str]) -> None:
        examples = {reasons[key]: key.decode() for key in sorted(reasons, reverse=True)}
        told = ", ".join(
            f"{number} {reason} (such as {examples[reason]})"
            for reason, number in sorted(Counter(reasons.values()).items())
        )
        raise RefusedError(
            "loss",
            f"{what}, more than {self.rules.maximum_loss} %: in this change {told}; if this is "
            "meant, raise spec.directory.maximumLoss",
        )
