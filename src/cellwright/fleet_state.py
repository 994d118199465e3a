"""The state of each stack of a fleet in one cluster, in a few words.

`ready` is said of a cell alone that is there as a whole, as declared, and runs. Refuses to read
the clock: what depends on it is decided by whoever reads the lease.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cellwright.comparison import Differences
from cellwright.identity import LAST_RUN_ANNOTATION
from cellwright.lease_record import parse_time, record_of
from cellwright.reasons import Reason

Body = Mapping[str, Any]

FULL = 85
"""Percent of a volume from which on it is nearly full."""


@dataclass(frozen=True, slots=True)
class LastRun:
    """How the last `up` of a stack went, as it noted itself: succeeded, failed or running."""

    result: str
    at: datetime | None
    by: str

    def since(self) -> str:
        """Return its time for people."""
        return f"{self.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if self.at else "an unknown time"


@dataclass(frozen=True, slots=True)
class Volume:
    """How full the volume of a cell's database is, in percent; or why that could not be told."""

    percent: int | None
    note: str = ""

    @property
    def is_nearly_full(self) -> bool:
        """Whether it needs someone to act."""
        return self.percent is not None and self.percent >= FULL


@dataclass(frozen=True, slots=True)
class StackState:
    """What a cluster says of one stack. `away` is why it says nothing; `is_there` at all.
    `growing` is what a volume waits for that does not have its size yet.

    `is_applying` tells whether an `up` holds the lease since before the last run began.
    """

    stack: str
    cluster: str
    away: str = ""
    is_there: bool = True
    keeps_volume: bool = False
    reasons: tuple[Reason, ...] = ()
    differences: Differences = field(default_factory=Differences)
    last_run: LastRun | None = None
    is_applying: bool = False
    volume: Volume | None = None
    growing: str = ""
    node_port: int | None = None
    is_draining: bool = False

    @property
    def state(self) -> str:
        """The most important thing that is to be said."""
        if self.away:
            what = "refuses to tell" if "forbidden" in self.away.lower() else "does not answer"
            return f"unknown: cluster {self.cluster} {what}"
        if not self.is_there:
            return "absent, its volume is kept" if self.keeps_volume else "absent"
        if self.reasons:
            more = len(self.reasons) - 1
            return f"not ready: {self.reasons[0]}" + (f" (and {more} more)" if more else "")
        if self.differences:
            return f"different: {self.differences}"
        known = self.run or self.growing or self.fullness
        return known or ("draining" if self.is_draining else "ready")

    @property
    def is_good(self) -> bool:
        """Whether it is as declared, and ready."""
        return self.state in ("ready", "draining")

    @property
    def run(self) -> str:
        """What is to be said of the last run, if anything."""
        last = self.last_run
        if last is None or last.result == "succeeded":
            return ""
        if last.result == "running" and self.is_applying:
            return f"an up is running since {last.since()}"
        if last.result in ("running", "interrupted"):
            return f"an up was interrupted at {last.since()}"
        return f"last up failed at {last.since()}"

    @property
    def fullness(self) -> str:
        """What is to be said of the volume, if anything."""
        full = self.volume is not None and self.volume.is_nearly_full
        return f"volume {self.volume.percent} % full" if self.volume and full else ""


@dataclass(frozen=True, slots=True)
class Undeclared:
    """A cell whose namespace is in a cluster where no definition has it."""

    cell: str
    cluster: str
    namespace: str
    is_running: bool
    keeps_volume: bool
    is_going: bool

    @property
    def state(self) -> str:
        """What is left of it."""
        if self.is_going:
            return "undeclared, being deleted"
        if self.is_running:
            return "undeclared, still running"
        return "undeclared, its volume is kept" if self.keeps_volume else "undeclared"


def last_run(namespace: Body) -> LastRun | None:
    """Return what the last `up` noted on a stack's namespace, None if nothing can be read."""
    text = (namespace["metadata"].get("annotations") or {}).get(LAST_RUN_ANNOTATION)
    try:
        said = json.loads(str(text))
        result = str(said["result"])
        at, by = parse_time(said.get("at")), str(said.get("by") or "")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return LastRun(result, at, by)


def holds_since(lease: Body, now: datetime) -> datetime | None:
    """Return since when a Lease is held, None if nobody holds it any more.

    Where it does not say since when, that is when it was last renewed.
    """
    record = record_of(lease)
    if not record.holder or record.renewed is None or record.lasts is None:
        return None
    if record.renewed + timedelta(seconds=record.lasts) <= now:
        return None
    return record.acquired or record.renewed


def is_of(run: LastRun | None, held_since: datetime | None) -> bool:
    """Return whether a run that says it is running is that of the lease's holder.

    Times in annotations have whole seconds, those in a Lease have more.
    """
    if run is None or held_since is None:
        return False
    return run.at is None or run.at >= held_since.replace(microsecond=0)
