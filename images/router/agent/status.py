"""What the agent tells about itself: as JSON for people and tools, as metrics for Prometheus.

Refuses to compute anything about the table; it holds what the main loop last said.
"""

import time
from dataclasses import dataclass, field

from agent.bodies import Bodies
from agent.certificate import Certified, certificate_metrics
from agent.directory import KINDS
from agent.metrics import metric
from agent.states import STATES
from agent.table import Refusal

STUCK = 120.0
"""Seconds without a turn of the main loop after which the agent is to be restarted. Building the
map of a million organizations takes about one."""


@dataclass(slots=True)
class Status:
    """Written by the main loop, read by the server; each field is replaced whole."""

    checksum: str = ""
    served: bool = False
    entries: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    shards: int = 0
    cells: int = 0
    unresolved: tuple[str, ...] = ()
    refused: dict[str, Refusal] = field(default_factory=dict)
    organizations: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STATES, 0))
    oldest_fence: float | None = None
    version: int = 0
    resource_version: int = 0
    heard: float | None = None
    ready: bool = False
    turn: float = field(default_factory=time.monotonic)
    updates: int = 0
    rebuilds: int = 0
    refusals: int = 0
    failures: int = 0
    odd_answers: int = 0
    certificates: dict[str, Certified] = field(default_factory=dict)
    bodies: Bodies | None = None

    @property
    def alive(self) -> bool:
        """Whether the main loop still turns."""
        return time.monotonic() - self.turn < STUCK

    @property
    def can_start(self) -> bool:
        """Whether all is on disk that HAProxy needs to start."""
        return self.ready and all(one.kept for one in self.certificates.values())

    def table(self) -> dict[str, object]:
        """Return the answer of `/table`."""
        # Read before `served`: the main loop sets it after that.
        resource_version = self.resource_version
        return {
            "checksum": self.checksum,
            "served": self.served,
            "entries": self.entries["path"],
            "keys": self.entries,
            "shards": self.shards,
            "cells": self.cells,
            "version": str(self.version or ""),
            "resource_version": str(resource_version or ""),
            "age_seconds": None if self.heard is None else _age(self.heard),
            "unresolved": self.unresolved,
            "refused": {name: one.reason for name, one in self.refused.items()},
            "certificates": {key: one.told() for key, one in self.certificates.items()},
        }

    def metrics(self) -> str:
        """Return the answer of `/metrics`, in Prometheus' text format."""
        fence = self.oldest_fence  # read once: the main loop may end the fence
        lines = [
            line
            for name, kind, text, value in (
                ("served", "gauge", "HAProxy serves the agent's table", int(self.served)),
                ("shards", "gauge", "shards in the table", self.shards),
                ("cells", "gauge", "cells in the directory", self.cells),
                ("cells_unresolved", "gauge", "cells without an address", len(self.unresolved)),
                (
                    "shards_refused",
                    "gauge",
                    "ConfigMaps refused in their newest form",
                    len(self.refused),
                ),
                (
                    "age_seconds",
                    "gauge",
                    "time since the API server last said something",
                    "NaN" if self.heard is None else _age(self.heard),
                ),
                (
                    "version",
                    "gauge",
                    "the largest resourceVersion of the ConfigMaps in the table",
                    self.version,
                ),
                (
                    "resource_version",
                    "gauge",
                    "everything up to this resourceVersion of the directory is in the table",
                    self.resource_version,
                ),
                (
                    "oldest_fence_seconds",
                    "gauge",
                    "time since the oldest present fence was first seen, 0 without any",
                    0 if fence is None else _age(fence),
                ),
                ("updates_total", "counter", "lines changed in HAProxy's map", self.updates),
                (
                    "rebuilds_total",
                    "counter",
                    "times HAProxy's map was built anew",
                    self.rebuilds,
                ),
                ("refusals_total", "counter", "ConfigMaps refused", self.refusals),
                ("failures_total", "counter", "changes that HAProxy did not take", self.failures),
                (
                    "odd_answers_total",
                    "counter",
                    "answers of the API server that could not be used",
                    self.odd_answers,
                ),
            )
            for line in metric(f"table_{name}", kind, text, {"": value})
        ]
        return "\n".join([*lines, *self._by_label()]) + "\n"

    def _by_label(self) -> list[str]:
        entries = {f'{{key="{one}"}}': count for one, count in self.entries.items()}
        states = {f'{{state="{one}"}}': count for one, count in self.organizations.items()}
        refused = {
            f'{{configmap="{name}",kind="{one.kind}"}}': 1 for name, one in self.refused.items()
        }
        ended = {"": self.bodies.ended if self.bodies else 0}
        slow = "requests ended since their body came too slowly"
        reason = "a ConfigMap that is refused, and the kind of reason"
        return [
            *metric("table_entries", "gauge", "entries by the kind of their key", entries),
            *metric("table_organizations", "gauge", "organizations by state", states),
            *metric("table_refused", "gauge", reason, refused),
            *metric("slow_bodies_total", "counter", slow, ended),
            *certificate_metrics(self.certificates),
        ]


def _age(since: float) -> float:
    return round(time.monotonic() - since, 3)
