"""Cells' host names to addresses, looked up beside the main loop.

HAProxy is given addresses only, and keeps the last ones when names can no longer be resolved.
Refuses to forget an address because a look-up failed, and to change it while it is still among
the answers.
"""

import socket
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from agent.directory import Endpoint
from agent.log import log

Addresses = Mapping[str, str | None]
"""Address and port of each cell, as `address/port`, which suits both families; None if unknown."""

PERIOD = 30.0
"""Seconds between look-ups while every name has an address; a new cell's has none yet."""

HOLD_OFF = 2.0
"""Seconds after a look-up before a name without address or a failed connection causes the next."""


def resolve(endpoint: Endpoint, known: str | None) -> str | None:
    """Return the address, the known one if it is still among the answers; None without answer."""
    try:
        answers = socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return None
    answers.sort(key=lambda answer: answer[0] != socket.AF_INET)
    found = [f"{answer[4][0]}/{endpoint.port}" for answer in answers]
    return known if known in found else found[0]


class Resolver:
    """Looks up the names that it was given last, now and then and when told to hurry."""

    def __init__(self, known: Addresses, report: Callable[[Addresses], None]) -> None:
        self._known = known
        self._report = report
        self._wanted: Mapping[str, Endpoint] = {}
        self._failing: set[str] = set()
        self._now = threading.Event()
        self._looked = 0.0
        self._pool = ThreadPoolExecutor(max_workers=8, thread_name_prefix="resolve")

    def follow(self, wanted: Mapping[str, Endpoint]) -> None:
        """Look up these from now on, at once if they are not the same as before."""
        if wanted != self._wanted:
            self._wanted = dict(wanted)
            self._now.set()

    def hurry(self) -> None:
        """Look up all names if that was not just done: one of them may have moved."""
        if time.monotonic() - self._looked > HOLD_OFF:
            self._now.set()

    def run(self) -> None:
        """Never returns."""
        while True:
            whole = all(self._known.get(name) for name in self._wanted)
            self._now.wait(PERIOD if whole else HOLD_OFF)
            self._now.clear()
            self.look_up()

    def look_up(self) -> None:
        """Look up all names once and report the outcome."""
        wanted = self._wanted
        answers = self._pool.map(resolve, wanted.values(), map(self._known.get, wanted))
        found = dict(zip(wanted, answers, strict=True))
        failing = {name for name, address in found.items() if address is None}
        if failing != self._failing:
            hosts = sorted(wanted[name].host for name in failing)
            log("names that can't be resolved", hosts=", ".join(hosts))
        self._failing = failing
        self._known = {name: address or self._known.get(name) for name, address in found.items()}
        self._looked = time.monotonic()
        self._report(self._known)
