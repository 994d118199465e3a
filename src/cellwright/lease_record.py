"""The record in the Lease of `cellwright up`: who holds it, and the stacks that pulumi runs.

Anybody who may write a Lease may have written it: what does not have the expected form counts
as absent. Refuses to tell from the times in it whether a holder is alive: clocks of machines
differ, so that they serve for display alone.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cellwright.harmless import harmless

LEASE = "cellwright-up"
"""The name of the Lease, in the directory's namespace."""
STACKS = "cellwright.dev/stacks"
"""The annotation that says for which stacks the holder runs pulumi."""
API_VERSION = "coordination.k8s.io/v1"

_LONGEST_SHOWN = 120  # characters of an identity
_LONGEST_LIST = 256 * 1024  # bytes; the API server takes no larger annotations
_LONGEST_NAME = 400  # characters
_MOST_STACKS = 200  # the newest ones are kept; with the longest names they fit into _LONGEST_LIST
_LONGEST_DURATION = 300  # seconds that a record may ask others to wait
_SUFFIX = re.compile(r" [0-9a-f]{16}$")

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Running:
    """A run of pulumi for one stack, as its holder recorded it before the start.

    `pid` is pulumi's own, None until it is known; `started` is by the clock of `host`.
    """

    stack: str
    holder: str
    host: str
    pid: int | None
    started: datetime


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the lease; the times are by the holder's clock, None if they can't be read."""

    identity: str
    since: datetime | None
    renewed: datetime | None
    running: tuple[Running, ...]

    @property
    def name(self) -> str:
        """The holder for people: `root@build-7 (pid 4711)`."""
        name = harmless(_SUFFIX.sub("", self.identity))
        return name if len(name) <= _LONGEST_SHOWN else f"{name[:_LONGEST_SHOWN]}…"

    def __str__(self) -> str:
        since = shown_time(self.since) if self.since else "an unknown time"
        return f"{self.name}, since {since}"


@dataclass(frozen=True, slots=True)
class Record:
    """What a Lease says; `holder` is empty while nobody holds it.

    `lasts` is the number of seconds without a renewal after which it ends, None if the Lease
    does not say so.
    """

    holder: str
    acquired: datetime | None
    renewed: datetime | None
    lasts: int | None
    transitions: int
    running: tuple[Running, ...] = ()

    @property
    def held_by(self) -> Holder | None:
        """Return the holder, if there is one."""
        if not self.holder:
            return None
        return Holder(self.holder, self.acquired, self.renewed, self.running)


NOBODY = Record("", None, None, None, 0)
"""The record of a Lease that does not exist."""


def identity_of(user: str, host: str, pid: int, random: str) -> str:
    """Return the holderIdentity of one run; `random` is 16 hex characters."""
    name = f"{user}@{host}".encode("ascii", "backslashreplace").decode()
    return f"{name} (pid {pid}) {random}"


def shown_time(time: datetime) -> str:
    """Return a time for people, in UTC."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def parse_time(value: object) -> datetime | None:
    """Return a time that Kubernetes or Pulumi wrote, None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        time = datetime.fromisoformat(value)
        return time.astimezone(UTC) if time.tzinfo else None
    except (ValueError, OverflowError):
        return None


def record_of(body: Body) -> Record:
    """Return the record in a Lease object."""
    spec = _mapping(body.get("spec"))
    annotations = _mapping(_mapping(body.get("metadata")).get("annotations"))
    holder = spec.get("holderIdentity")
    lasts = _number(spec.get("leaseDurationSeconds"))
    return Record(
        holder=holder if isinstance(holder, str) else "",
        acquired=parse_time(spec.get("acquireTime")),
        renewed=parse_time(spec.get("renewTime")),
        lasts=min(lasts, _LONGEST_DURATION) if lasts else None,
        transitions=_number(spec.get("leaseTransitions")) or 0,
        running=_read_running(annotations.get(STACKS)),
    )


def body_of(record: Record, namespace: str, before: Body | None, labels: Mapping[str, str]) -> Body:
    """Return the Lease object of a record.

    `before` is the object that it replaces, whose resourceVersion makes the API server refuse
    it when another has written meanwhile. What others put into its metadata stays.
    """
    metadata = dict(_mapping((before or {}).get("metadata")))
    metadata.pop("managedFields", None)
    annotations = {**_mapping(metadata.get("annotations")), STACKS: _write_running(record.running)}
    metadata |= {"name": LEASE, "namespace": namespace, "annotations": annotations}
    metadata["labels"] = {**_mapping(metadata.get("labels")), **labels}
    spec: dict[str, Any] = {
        "holderIdentity": record.holder,
        "leaseDurationSeconds": record.lasts or 1,
        "leaseTransitions": record.transitions,
    }
    for key, time in (("acquireTime", record.acquired), ("renewTime", record.renewed)):
        if time is not None:
            spec[key] = _micro_time(time)
    return {"apiVersion": API_VERSION, "kind": "Lease", "metadata": metadata, "spec": spec}


def _micro_time(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _write_running(running: Iterable[Running]) -> str:
    stacks = [
        {
            "stack": one.stack,
            "holder": one.holder,
            "host": one.host,
            "pid": one.pid,
            "started": _micro_time(one.started),
        }
        for one in running
    ]
    return json.dumps(stacks, separators=(",", ":"))


def _read_running(text: object) -> tuple[Running, ...]:
    if not isinstance(text, str) or len(text) > _LONGEST_LIST:
        return ()
    try:
        listed = json.loads(text)
    except (ValueError, RecursionError):
        return ()
    if not isinstance(listed, list):
        return ()
    entries = [_read_run(_mapping(entry)) for entry in listed]
    return tuple(entry for entry in entries if entry is not None)[-_MOST_STACKS:]


def _read_run(entry: Body) -> Running | None:
    stack, holder, host = (_text(entry.get(key)) for key in ("stack", "holder", "host"))
    started = parse_time(entry.get("started"))
    pid = _number(entry.get("pid"))
    if not (stack and holder and host and started) or (pid is None) != (entry.get("pid") is None):
        return None
    return Running(stack, holder, host, pid, started)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    """Return a text that is printable and of a length that is possible, or else nothing."""
    if not isinstance(value, str) or len(value) > _LONGEST_NAME:
        return ""
    return value if value.isascii() and value.isprintable() else ""


def _number(value: object) -> int | None:
    """Return a whole number above 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
