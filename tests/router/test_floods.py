"""Slow clients, many connections and cells that are down: all others are answered meanwhile.

Everything is bounded and on loopback; what is opened here is closed at the end of its test.
"""

import json
import re
import select
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from tests.postgres.containers import processes, until
from tests.router.conftest import Fleet
from tests.router.pods import ROOM

pytestmark = pytest.mark.docker

WELL = {"/o/acme/": "alpha-app", "/o/umb/": "beta-app"}
"""Organizations whose cells are up, and who answers for them; /o/globex/ is gamma's."""


def _answer(fleet: Fleet, path: str) -> str:
    """Ask on a new connection; return the name of the app, or the status that is not 200."""
    data = fleet.alpha.raw(f"GET {path} HTTP/1.0\r\nHost: x\r\n\r\n".encode())
    head, _, body = data.partition(b"\r\n\r\n")
    status = head.split(b" ")[1].decode()
    return str(json.loads(body)["app"]) if status == "200" else status


def _ask_the_others(fleet: Fleet, rounds: int = 100) -> None:
    """Each on a new connection and on a kept one, in the clear and over TLS."""
    context = fleet.secret.context()
    bases = (f"http://{fleet.alpha.address}:8080", f"https://{fleet.alpha.address}:8443")
    kept = [httpx.Client(base_url=base, verify=context, timeout=20) for base in bases]
    with ExitStack() as stack:
        for client in kept:
            stack.enter_context(client)
        for number in range(rounds):
            for path, app in WELL.items():
                assert _answer(fleet, path) == app
                answer = kept[number % 2].get(path)
                assert (answer.status_code, answer.json().get("app")) == (200, app), answer.text


@contextmanager
def _connections(
    fleet: Fleet, count: int, port: int, data: bytes = b""
) -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        opened = []
        for _ in range(count):
            one = stack.enter_context(socket.create_connection((fleet.alpha.address, port), 20))
            one.sendall(data)
            opened.append(one)
        yield opened


def _hello(fleet: Fleet) -> bytes:
    """Return the first thing that a client says of TLS."""
    sent = ssl.MemoryBIO()
    one = fleet.secret.context().wrap_bio(ssl.MemoryBIO(), sent)
    with suppress(ssl.SSLWantReadError):
        one.do_handshake()
    return sent.read()


def _memory(fleet: Fleet) -> int:
    """Return the resident memory of HAProxy's processes in MiB."""
    all_ = processes(fleet.alpha.haproxy)
    pages = [int(Path(f"/proc/{one}/statm").read_text().split()[1]) for one in all_]
    return sum(pages) * 4096 // 1024**2


def _open(fleet: Fleet) -> int:
    """Return how many connections HAProxy has."""
    text = httpx.get(f"http://{fleet.alpha.address}:8404/metrics").text
    found = re.search(r"^haproxy_process_current_connections (\d+)$", text, re.MULTILINE)
    assert found
    return int(found[1])


def _at_its_end(connection: socket.socket) -> bytes:
    """Return all that came until the router closed the connection."""
    got = b""
    while part := connection.recv(65536):
        got += part
    return got


def test_slow_clients_keep_nobody_waiting(fleet: Fleet) -> None:
    """2,000 of them: silent before a request, in the middle of a handshake, of headers or a body.

    The router ends what does not get as far as a request; a trickle of bytes helps nobody. With
    all of its connections taken it still answers probes, or it would be restarted.
    """
    before = _memory(fleet)
    hello = _hello(fleet)
    head = b"POST /o/acme/ HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nbody"
    with (
        _connections(fleet, 600, 8080) as silent,
        _connections(fleet, 600, 8443, hello) as without_handshake,
        _connections(fleet, 600, 8080, b"GET /o/acme/ HTTP/1.1\r\nX-Slow: ") as trickling,
        _connections(fleet, 200, 8080, head),
    ):
        until(lambda: _open(fleet) >= 2000, "all are there at once")
        _ask_the_others(fleet)
        assert _memory(fleet) - before < 128
        with _connections(fleet, ROOM.connections + 100, 8080):
            until(lambda: _open(fleet) >= ROOM.connections, "the router has all that it takes")
            health = httpx.get(f"http://{fleet.alpha.address}:8404/healthz")
            assert health.status_code == 200
        ended = threading.Event()

        def trickle() -> None:
            while not ended.wait(1):
                for one in trickling[:20]:
                    with suppress(OSError):  # once it is closed, as it should be
                        one.send(b"a")

        thread = threading.Thread(target=trickle)
        thread.start()
        try:
            for one in without_handshake:
                assert b"HTTP" not in _at_its_end(one)
            for one in (*silent, *trickling):
                assert _at_its_end(one).startswith(b"HTTP/1.1 408 ")
        finally:
            ended.set()
            thread.join()
        _ask_the_others(fleet, 10)


def _load(fleet: Fleet, path: str, done: threading.Event, found: Counter[str]) -> None:
    """Ask, each time on a new connection: HAProxy ends a kept one instead of a second answer."""
    while not done.is_set():
        found[_answer(fleet, path)] += 1


def _answers_of_a_cell_that_is_down(fleet: Fleet) -> Counter[str]:
    """Ask for gamma's organization without pause while the others are asked for."""
    done, found = threading.Event(), Counter[str]()
    threads = [
        threading.Thread(target=_load, args=(fleet, "/o/globex/", done, found)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    try:
        _ask_the_others(fleet)
    finally:
        done.set()
        for thread in threads:
            thread.join()
    return found


@pytest.fixture
def gamma_is_down(fleet: Fleet) -> Iterator[None]:
    fleet.gamma.__exit__()
    yield
    fleet.gamma.__enter__()
    until(lambda: fleet.alpha.answered_by("/o/globex/") == "gamma", "gamma is back")


@pytest.mark.usefixtures("gamma_is_down")
def test_a_cell_that_refuses_connections_harms_no_other(fleet: Fleet) -> None:
    assert _answers_of_a_cell_that_is_down(fleet).keys() == {"503"}


@pytest.mark.usefixtures("gamma_is_down")
def test_a_cell_that_takes_no_connections_harms_no_other(fleet: Fleet) -> None:
    """Its host drops what comes: here, since nobody accepts and the queue is full."""
    with socket.socket() as listening, ExitStack() as stack:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((fleet.gamma.address, 8444))
        listening.listen(0)
        for _ in range(4):
            one = stack.enter_context(socket.socket())
            one.settimeout(0)
            one.connect_ex((fleet.gamma.address, 8444))
        assert _answers_of_a_cell_that_is_down(fleet).keys() == {"503"}


@pytest.fixture
def many_of_gamma(fleet: Fleet) -> Iterator[list[str]]:
    """Add organizations of gamma that together may have more requests than a cell."""
    names = [f"of-gamma-{number}" for number in range(4)]
    for name in names:
        fleet.directory.add(name, "gamma")
    fleet.publish()
    yield names
    for name in names:
        del fleet.directory.organizations[name]
    fleet.publish()


def test_a_cell_that_hangs_harms_no_other(fleet: Fleet, many_of_gamma: list[str]) -> None:
    """It takes requests and says nothing: so many requests wait for it, more are refused."""
    most = ROOM.connections // 4
    gamma = fleet.gamma
    gamma.release.clear()
    with ExitStack() as stack:
        stack.callback(gamma.release.set)
        each = (most + 48) // len(many_of_gamma)
        opened: list[socket.socket] = []
        asked = len(gamma.requests)
        for name in many_of_gamma:
            get = f"GET /o/{name}/ HTTP/1.1\r\nHost: x\r\nX-Test-Hold: 1\r\n\r\n".encode()
            opened += stack.enter_context(_connections(fleet, each, 8080, get))
            # Not all handshakes at once: the stub is slower than a router.
            there = asked + min(len(opened), most)
            until(lambda there=there: len(gamma.requests) >= there, f"{there} requests are there")
        over = len(opened) - most
        answers: list[bytes] = []
        waiting = select.poll()
        by_number = {one.fileno(): one for one in opened}
        for number in by_number:
            waiting.register(number, select.POLLIN)

        def refused() -> bool:
            for number, _ in waiting.poll(0):
                answers.append(by_number[number].recv(65536))
                waiting.unregister(number)
            return len(answers) >= over

        until(refused, f"{over} are refused")
        assert all(b"the cell is busy" in one for one in answers)
        _ask_the_others(fleet)
        refused()
        assert len(answers) == over
