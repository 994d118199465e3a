"""Kubernetes events by the object that they are about, the newest first.

Refuses to take an event for the present: whoever asks compares its time with what came after.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

Body = Mapping[str, Any]


class Event(NamedTuple):
    """What was last said, and when, as RFC 3339 in UTC: such times can be compared as text."""

    time: str
    reason: str
    message: str


class Events:
    """The events of one namespace."""

    def __init__(self, events: Iterable[Body]) -> None:
        """Take events of core/v1."""
        self._by_uid: dict[str, list[Event]] = defaultdict(list)
        for body in events:
            uid = str((body.get("involvedObject") or {}).get("uid", ""))
            message = " ".join(str(body.get("message") or "").split())
            self._by_uid[uid].append(Event(_time(body), str(body.get("reason")), message))

    def newest(self, body: Body, *wanted: str, containing: str = "") -> Event | None:
        """Return the newest event of some reasons about an object, whose message has a text."""
        about = self._by_uid.get(str(body["metadata"].get("uid")), ())
        fitting = (each for each in about if each.reason in wanted and containing in each.message)
        return max(fitting, default=None)


def _time(event: Body) -> str:
    """Return when an event was last seen, to the second."""
    series = event.get("series") or {}
    times = (
        series.get("lastObservedTime"),
        event.get("lastTimestamp"),
        event.get("eventTime"),
        event["metadata"].get("creationTimestamp"),
    )
    return next((f"{str(each)[:19]}Z" for each in times if each), "")
