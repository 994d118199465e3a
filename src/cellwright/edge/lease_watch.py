"""Tells whether the holder of a lease is alive, from outside, as client-go does.

A holder is dead if its Lease was read twice without a change, so many seconds apart by this
process' own clock. Refuses to compare clocks of two machines.
"""

import math
import time

from cellwright.edge.failure import CommandError
from cellwright.edge.kubectl import Body
from cellwright.edge.lease_object import LeaseObject
from cellwright.lease_record import NOBODY, Holder, Record, record_of


class Watch:
    """Measures by this process' own clock for how long the Lease stays as it is."""

    def __init__(self, stored: LeaseObject, duration: int) -> None:
        """Take where the Lease is, and the shortest time that it lasts."""
        self._stored, self._duration = stored, duration
        self.body: Body | None = None
        """The Lease as last read, None if there is none."""
        self.record = NOBODY
        """What it says."""
        self._first = self._last = -math.inf  # when the record was read

    @property
    def lasts(self) -> int:
        """The seconds after which a holder that has written nothing is dead."""
        return max(self._duration, self.record.lasts or 0)

    @property
    def is_over(self) -> bool:
        """Whether the holder has written nothing for that long."""
        return self._last - self._first >= self.lasts

    def look(self) -> None:
        """Read the Lease; a server that is away for a short time is asked again by the next call.

        Raises CommandError for one that does not answer at first, or for long.
        """
        asked = time.monotonic()
        try:
            body = self._stored.read()
        except CommandError:
            if asked - self._last > self._duration:
                raise
            return
        record = record_of(body) if body is not None else NOBODY
        if _election(record) != _election(self.record) or self._first == -math.inf:
            self._first = time.monotonic()
        self.body, self.record, self._last = body, record, asked


def refusal(holder: Holder, lasts: int, wait: float) -> str:
    """Return the sentence for who does not wait, or no longer; `wait` is in seconds."""
    if wait > 0:
        return f"another `cellwright up` is running still, after {wait:.0f} s: {holder}"
    return (
        f"another `cellwright up` is running: {holder}; wait for it with --wait "
        f"(the lease of one that was killed ends within {lasts} s)"
    )


def _election(record: Record) -> tuple[object, ...]:
    """Return what a living holder changes; other edits of the Lease keep nobody alive."""
    return record.holder, record.acquired, record.renewed, record.transitions
