"""Ends requests whose body comes too slowly; HAProxy's own time-outs know pauses alone.

A body has to come at `RATE` on average in each `WINDOW`, as with Apache's mod_reqtimeout. Only the
time counts in which HAProxy waits for the client: an app that reads slowly is not the client's
fault, and a WebSocket is no body. What is looked at are the requests that HAProxy lists (`show
sess`, 9.3 of its management guide); refuses to look at what any of them says.
"""

import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from agent.haproxy import AwayError, RuntimeApiError, Session, session
from agent.log import log

RATE = 500
"""Bytes per second."""

WINDOW = 20.0
"""Seconds over which the rate is taken."""

PAUSE = 5.0
"""Seconds between two looks."""

_BATCH = 100
"""Commands in one line."""

# The body is under way (AN_REQ_HTTP_XFER_BODY), its end has not come (SC_FL_EOI), and the client's
# time runs (rex).
_LISTED = re.compile(
    r"(0x[0-9a-f]+): .* fe=router .* rq\[f=[0-9a-f]+h,i=[0-9]+,an=([0-9a-f]+)h.*?\]"
    r".* scf=\[[0-9]+,([0-9a-f]+)h,fd=-?[0-9]+,rex=([^,]*),"
)
_BODY, _END = 0x8000, 0x2
_SHOWN = re.compile(
    r"(0x[0-9a-f]+): \[[^]]*\] id=([0-9]+) .*? req=\S+ \(.*? total=([0-9]+)\)", re.DOTALL
)


class Bodies:
    """What is known of the requests whose body is awaited; `clock` is monotonic."""

    def __init__(self, socket: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._socket, self._clock = socket, clock
        self._since: dict[tuple[str, str], tuple[float, int]] = {}
        self.ended = 0
        """How many were ended."""

    def run(self) -> None:
        """Look for ever."""
        pause = threading.Event()
        while not pause.wait(PAUSE):
            try:
                with session(self._socket) as opened:
                    self.look(opened)
            except AwayError:
                self._since.clear()
            except RuntimeApiError as error:
                log("HAProxy did not tell of its requests", error=str(error))

    def look(self, opened: Session) -> None:
        """Look once, and end what has been too slow since `WINDOW` seconds."""
        now = self._clock()
        before, self._since = self._since, {}
        for key, total in _awaited(opened):
            since, then = before.get(key, (now, total))
            if now - since < WINDOW:
                self._since[key] = since, then
            elif total - then >= RATE * (now - since):
                self._since[key] = now, total
            else:
                opened.ask(f"shutdown session {key[0]}")
                self.ended += 1
                log("a body came too slowly; its request was ended", bytes=total - then)


def _awaited(opened: Session) -> Iterator[tuple[tuple[str, str], int]]:
    """Yield the requests whose body is awaited, by place and number, with their bytes so far."""
    listed = (_LISTED.match(line) for line in opened.ask("show sess")[0].splitlines())
    places = [
        one[1]
        for one in listed
        if one and int(one[2], 16) & _BODY and not int(one[3], 16) & _END and one[4]
    ]
    for start in range(0, len(places), _BATCH):
        commands = (f"show sess {place}" for place in places[start : start + _BATCH])
        for said in opened.ask(*commands):
            shown = _SHOWN.match(said)
            if shown:
                yield (shown[1], shown[2]), int(shown[3])
