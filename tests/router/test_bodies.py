"""A request's body has to come at some rate: a trickle keeps no place for ever."""

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from agent.bodies import RATE, Bodies

from tests.postgres.containers import until
from tests.router.asking import first_bytes
from tests.router.conftest import Fleet

pytestmark = pytest.mark.docker


@pytest.fixture
def connect(fleet: Fleet) -> Iterator[Callable[[bytes], socket.socket]]:
    """Return what opens a connection to alpha's router and sends something."""
    with ExitStack() as stack:

        def opened(data: bytes) -> socket.socket:
            one = socket.create_connection((fleet.alpha.address, 8080), timeout=30)
            stack.enter_context(one).sendall(data)
            return one

        yield opened


def _fill(opened: socket.socket) -> None:
    """Send until nobody takes any more."""
    opened.settimeout(0.2)
    with suppress(TimeoutError):
        while True:
            opened.send(b"x" * 65536)


def _ended(fleet: Fleet) -> int:
    name = "cellwright_slow_bodies_total "
    lines = fleet.alpha.agent_metrics().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1])


POST = b"POST /o/acme/ HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n%s\r\nx"
WEBSOCKET = (
    b"GET /o/acme/ HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
EVENTS = b"GET /o/acme/ HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n"


def test_a_trickle_is_ended_and_nothing_else(
    fleet: Fleet, connect: Callable[[bytes], socket.socket]
) -> None:
    """Beside it: a body at twice the rate, an app that does not read, a WebSocket, events."""
    before = _ended(fleet)
    app = fleet.apps["alpha"]
    app.release.clear()
    slow, enough, unread = (connect(POST % more) for more in (b"", b"", b"X-Test-Hold: 1\r\n"))
    _fill(unread)
    websocket, events = connect(WEBSOCKET), connect(EVENTS)
    assert websocket.recv(4096).startswith(b"HTTP/1.1 101")
    assert events.recv(4096).startswith(b"HTTP/1.1 200")
    stop = threading.Event()

    def send() -> None:
        while not stop.wait(0.5):
            enough.sendall(b"x" * RATE)
            if first_bytes([slow]) == [b"-"]:
                slow.send(b"x")

    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(send)
        try:
            until(lambda: first_bytes([slow]) != [b"-"], "the trickle is ended")
        finally:
            stop.set()
        sending.result()
    assert _ended(fleet) == before + 1
    assert first_bytes([enough, unread]) == [b"-", b"-"]
    app.release.set()
    websocket.sendall(b"echo")
    assert websocket.recv(4096) == b"echo"
    until(lambda: b"data: second" in first_bytes([events])[0], "events go on")


class _Said:
    """HAProxy's answers, as in the lines that it really gives."""

    def __init__(self) -> None:
        self.total = 0
        self.shut: list[str] = []

    def ask(self, *commands: str) -> list[str]:
        return [self._one(command) for command in commands]

    def _one(self, command: str) -> str:
        if command == "show sess":
            begin = "0x1: proto=tcpv4 src=1.2.3.4:5 fe=router be=app srv=app ts=00 epoch=0 age=4s "
            work = "calls=3 rate=0 cpu=0 lat=0 rq[f=840000h,i=0,an=8000h,ax=] "
            return (
                begin
                + work
                + (
                    "rp[f=80000000h,i=0,an=1400000h,ax=] scf=[8,400h,fd=12,rex=56s,wex=] "
                    "scb=[8,401h,fd=13,rex=,wex=] exp=56s rc=0 c_exp="
                )
            )
        if command.startswith("shutdown"):
            self.shut.append(command)
            return ""
        return (
            "0x1: [28/Nov/2026:12:49:19.443455] id=7 proto=tcpv4 source=1.2.3.4:5\n"
            f"  req=0x7f71f5655c28 (f=0x840000 an=0x8000 tofwd=-1 total={self.total})\n"
            "  res=0x7f71f5655c70 (f=0x80000000 an=0x1400000 tofwd=0 total=0)\n"
        )


@pytest.mark.parametrize(("rate", "ended"), [(0, 1), (RATE - 1, 1), (RATE, 0), (10 * RATE, 0)])
def test_the_rate_counts_in_each_window(tmp_path: Path, rate: int, ended: int) -> None:
    clock = [0.0]
    bodies, said = Bodies(tmp_path, lambda: clock[0]), _Said()
    for second in range(0, 101, 5):
        clock[0] = float(second)
        # All that came in the first window does not help in the ones after it.
        said.total = 10_000_000 + rate * second
        bodies.look(said)  # type: ignore[arg-type]
    assert bool(said.shut) is bool(ended)
    assert bodies.ended == len(said.shut)
