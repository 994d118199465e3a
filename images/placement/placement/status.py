"""What the placement tells about itself: as JSON for people and tools, as metrics for Prometheus.

Refuses to compute anything about the directory; it holds what the main loop last said.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice

from agent.metrics import metric
from agent.table import Refusal

from placement.wanted import Organization

STUCK = 120.0
"""Seconds without a turn of the main loop after which the placement is to be restarted."""
GRACE = 30.0
"""Seconds for which a placement that was ready stays so while the database lacks something."""
MOST_NAMED = 20
"""Organizations that are told by name; the rest is counted."""


@dataclass(slots=True)
class Status:
    """Written by the main loop, read by the server; each field is replaced whole."""

    checksum: str = ""
    """That of the directory that is in the database as a whole; empty before the first one."""
    version: int = 0
    resource_version: int = 0
    placed: bool = False
    behind: float | None = field(default_factory=time.monotonic)
    """Since when the database lacks something, by the monotonic clock; None if it does not."""
    problem: str = ""
    """Why it does."""
    shards: int = 0
    organizations: int = 0
    visitors: int = 0
    refused: dict[str, Refusal] = field(default_factory=dict)
    owners: Mapping[Organization, str] = field(default_factory=dict)
    rows_refused: Mapping[Organization, str] = field(default_factory=dict)
    inactive: Mapping[Organization, str] = field(default_factory=dict)
    heard: float | None = None
    turn: float = field(default_factory=time.monotonic)
    added: int = 0
    named: int = 0
    visits: int = 0
    comparisons: int = 0
    failures: int = 0
    refusals: int = 0
    odd_answers: int = 0

    @property
    def alive(self) -> bool:
        """Whether the main loop still turns."""
        return time.monotonic() - self.turn < STUCK

    @property
    def can_start(self) -> bool:
        """Whether the database has what the directory says, or had it just now."""
        since = self.behind
        return self.checksum != "" and (since is None or time.monotonic() - since < GRACE)

    def table(self) -> dict[str, object]:
        """Return the answer of `/table`."""
        # Read before `placed`: the main loop sets it after that.
        resource_version = self.resource_version
        return {
            "checksum": self.checksum,
            "served": self.placed,
            "shards": self.shards,
            "organizations": self.organizations,
            "visitors": self.visitors,
            "version": str(self.version or ""),
            "resource_version": str(resource_version or ""),
            "age_seconds": None if self.heard is None else _age(self.heard),
            "refused": {name: one.reason for name, one in self.refused.items()},
            "problem": self.problem,
            "wrong_names": {
                one.name: f"its id {one.id} belongs to {owner} in the database"
                for one, owner in _some(self.owners)
            },
            "rows_refused": {one.name: why for one, why in _some(self.rows_refused)},
            "rows_not_active": {one.name: state for one, state in _some(self.inactive)},
        }

    def metrics(self) -> str:
        """Return the answer of `/metrics`, in Prometheus' text format."""
        lines: list[str] = []
        for kind, told in (("gauge", self._gauges()), ("counter", self._counters())):
            for name, (text, value) in told.items():
                lines += metric(f"placement_{name}", kind, text, {"": value})
        return "\n".join(lines) + "\n"

    def _gauges(self) -> dict[str, tuple[str, object]]:
        behind = self.behind  # read once: the main loop may end it
        wrong = "organizations whose id belongs to another name in the database"
        return {
            "placed": ("the database has what the directory says", int(self.placed)),
            "behind_seconds": (
                "time since the database lacks something that the directory says, 0 if it does not",
                0 if behind is None else _age(behind),
            ),
            "organizations": ("organizations that the cell is given", self.organizations),
            "visitors": ("organizations that visit the cell", self.visitors),
            "wrong_names": (wrong, len(self.owners)),
            "rows_refused": (
                "organizations whose row the database refuses",
                len(self.rows_refused),
            ),
            "rows_not_active": (
                "organizations that the cell is given and whose row is fenced or moved",
                len(self.inactive),
            ),
            "shards": ("shards of the directory", self.shards),
            "shards_refused": ("ConfigMaps refused in their newest form", len(self.refused)),
            "age_seconds": (
                "time since the API server last said something",
                "NaN" if self.heard is None else _age(self.heard),
            ),
            "resource_version": (
                "everything up to this resourceVersion of the directory is in the database",
                self.resource_version,
            ),
        }

    def _counters(self) -> dict[str, tuple[str, object]]:
        odd = "answers of the API server that could not be used"
        return {
            "rows_added_total": ("rows added to organizations", self.added),
            "names_added_total": ("rows that got their name", self.named),
            "visits_changed_total": ("visits that began or ended", self.visits),
            "comparisons_total": ("comparisons of everything", self.comparisons),
            "failures_total": ("times the database was away or refused", self.failures),
            "refusals_total": ("ConfigMaps refused", self.refusals),
            "odd_answers_total": (odd, self.odd_answers),
        }


def _some(told: Mapping[Organization, str]) -> list[tuple[Organization, str]]:
    return [*islice(told.items(), MOST_NAMED)]


def _age(since: float) -> float:
    return round(time.monotonic() - since, 3)
