"""A request's body has to come at some rate: a trickle keeps no place for ever."""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from agent.bodies import RATE, WINDOW, Bodies

from tests.postgres.containers import until
from tests.router.asking import first_bytes
from tests.router.conftest import Fleet

pytestmark = pytest.mark.docker


def _post(fleet: Fleet, size: int, path: str = "/o/acme/", more: str = "") -> socket.socket:
    opened = socket.create_connection((fleet.alpha.address, 8080), timeout=30)
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n{more}\r\n"
    opened.sendall(head.encode() + b"x")
    return opened


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


def test_a_trickle_is_ended_and_nothing_else(fleet: Fleet) -> None:
    """Beside it: a body at twice the rate, an app that does not read, a WebSocket, events."""
    before = _ended(fleet)
    app = fleet.apps["alpha"]
    app.release.clear()
    upgrade = (
        b"GET /o/acme/ HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Key: eA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    events = b"GET /o/acme/ HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n"
    slow, enough = _post(fleet, 10_000_000), _post(fleet, 10_000_000)
    unread = _post(fleet, 10_000_000, more="X-Test-Hold: 1\r\n")
    _fill(unread)
    quiet = []
    for request in (upgrade, events):
        one = socket.create_connection((fleet.alpha.address, 8080), timeout=30)
        one.sendall(request)
        assert one.recv(4096).startswith((b"HTTP/1.1 101", b"HTTP/1.1 200"))
        quiet.append(one)
    stop = threading.Event()

    def send() -> None:
        while not stop.wait(0.5):
            enough.sendall(b"x" * RATE)
            if first_bytes([slow]) == [b"-"]:
                slow.send(b"x")

    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(send)
        until(lambda: _ended(fleet) > before, "the trickle was ended")
        until(lambda: first_bytes([slow]) != [b"-"], "and its client told")
        time.sleep(WINDOW / 2)
        stop.set()
        sending.result()
    assert _ended(fleet) == before + 1
    assert first_bytes([enough, unread, *quiet])[0:2] == [b"-", b"-"]
    app.release.set()
    quiet[0].sendall(b"echo")
    assert quiet[0].recv(4096) == b"echo"
    for one in (slow, enough, unread, *quiet):
        one.close()


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
