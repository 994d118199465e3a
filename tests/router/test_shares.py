"""What organizations share has a share for each: one that takes all it can harms no other.

Real clients of HTTP/2 and HTTP/1.1 at routers with the demo's own memory. Everything is bounded
and on loopback, and closed at the end of its test.
"""

import re
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from tests.postgres.containers import processes, until
from tests.router.asking import first_bytes
from tests.router.conftest import Fleet
from tests.router.http2 import Client, clients
from tests.router.pods import MEMORY, ROOM, TRUSTED, Pod

pytestmark = pytest.mark.docker

BODY = 1_000_000
STREAMS = 100
"""Of each connection: as many as routers take of one."""
NEIGHBOURS = {"/o/other/": "alpha-app", "/o/umb/": "beta-app", "/o/globex/": "gamma"}
"""Paths of others than the attacker, acme of alpha, and who answers."""


def _assert_served(fleet: Fleet, rounds: int = 8) -> None:
    """Ask for every neighbour through both routers."""
    for _ in range(rounds):
        for router in fleet.routers:
            for path, app in NEIGHBOURS.items():
                assert router.answered_by(path) == app


def _statuses(opened: list[Client]) -> Counter[int]:
    for one in opened:
        one.hear()
    return Counter(status for one in opened for status in one.statuses.values())


def _are_closed(opened: list[Client]) -> bool:
    for one in opened:
        one.hear()
    return any(one.closed for one in opened)


def _memory(router: Pod, field: str) -> int:
    """Return the MiB that HAProxy has now (VmRSS), or the most that it has had (VmHWM)."""
    said = (
        re.search(rf"^{field}:\s+(\d+) kB", Path(f"/proc/{one}/status").read_text(), re.MULTILINE)
        for one in processes(router.haproxy)
    )
    return sum(int(one[1]) for one in said if one) // 1024


def _under_way(router: Pod) -> int:
    """Return how many requests of clients there are."""
    return int(router.ask("show table all").partition("conn_cur=")[2] or 0)


def _busy(router: Pod, code: str) -> int:
    text = httpx.get(f"http://{router.address}:8404/metrics").text
    name = f'haproxy_backend_http_responses_total{{proxy="busy",code="{code}"}} '
    return int(next(line for line in text.splitlines() if line.startswith(name)).split()[-1])


@pytest.mark.parametrize("through", ["alpha", "beta"])
@pytest.mark.parametrize("window", [0, 65_535])
def test_bodies_that_never_end_take_the_share_of_their_organization(
    fleet: Fleet, through: str, window: int
) -> None:
    """2,200 over 22 connections shut down a cell once, also through another cell's router."""
    router = fleet.alpha if through == "alpha" else fleet.beta
    before = _busy(router, "4xx")
    with clients(router.address, 22, window) as opened:
        for one in opened:
            one.ask("/o/acme/", STREAMS, BODY)
            one.hear()
        until(lambda: _under_way(router) > ROOM.share - STREAMS, "no connection more fits")
        _assert_served(fleet)
        assert router.answered_by("/o/acme/") in ("429", "alpha-app")
        if window:  # else not even that can be told
            until(lambda: 429 in _statuses(opened), "what is beyond is told")
            assert _busy(router, "4xx") > before
        for one in opened:
            one.drip()
        _assert_served(fleet, 5)
    until(lambda: router.answered_by("/o/acme/") == "alpha-app", "it is served again")


@pytest.mark.parametrize("path", ["/o/nobody/", "/o/in-suspended/", "/o/in-fenced/"])
def test_who_is_not_served_has_a_share_as_well(fleet: Fleet, path: str) -> None:
    """Answers that nobody takes need memory until somebody does."""
    with clients(fleet.alpha.address, 30, window=0) as opened:
        for one in opened:
            one.ask(path, 100)
        _assert_served(fleet)
        until(lambda: _are_closed(opened), "who asks for far too much is closed")


def test_a_connection_that_carries_requests_of_many_is_not_closed(fleet: Fleet) -> None:
    """A trusted proxy's: one organization's excess is no reason to end what is others'."""
    proxy = TRUSTED[0].replace("0.0/16", "0.1")
    with clients(fleet.alpha.address, 10, window=0, source=proxy) as opened:
        for one in opened:
            one.ask("/o/nobody/", 100)
        until(lambda: _under_way(fleet.alpha) == 1000, "all are there")
        assert not _are_closed(opened)
        _assert_served(fleet, 2)


@pytest.fixture
def crowd(fleet: Fleet) -> Iterator[list[str]]:
    """Add attackers that together may have more than a router has; half of them live elsewhere."""
    names = [f"attacker-{number}" for number in range(24)]
    for number, name in enumerate(names):
        fleet.directory.add(name, ("alpha", "beta")[number % 2])
    fleet.publish()
    yield names
    for name in names:
        del fleet.directory.organizations[name]
    fleet.publish()


def test_no_flood_needs_more_than_the_memory_that_the_cell_declares(
    fleet: Fleet, crowd: list[str]
) -> None:
    """420 connections of 100 streams that take no answer, some with bodies, some with long answers.

    As many organizations as it needs to take all that there is: nobody is served then, but the
    router lives, and serves as soon as they are gone.
    """
    for app in fleet.apps.values():
        app.release.clear()
    before, most = _memory(fleet.alpha, "VmRSS"), 0
    with clients(fleet.alpha.address, 420, window=0) as opened:
        for number, one in enumerate(opened):
            path = f"/o/{crowd[number % len(crowd)]}/"
            one.ask(path, 100, BODY * (number // 2 % 2), "" if number % 3 else "x-test-parts")
            one.hear()
            most = max(most, _under_way(fleet.alpha)) if number % 60 == 59 else most
        for one in opened:
            one.drip()
        assert httpx.get(f"http://{fleet.alpha.address}:8404/healthz").status_code == 200
        for app in fleet.apps.values():
            app.release.set()
    assert most > ROOM.connections // 2
    peak, traffic = _memory(fleet.alpha, "VmHWM"), int(MEMORY.removesuffix("Mi")) / 2
    assert peak - before < traffic, "half of it is for the table"
    until(lambda: fleet.alpha.answered_by("/o/acme/") == "alpha-app", "it is served again")
    _assert_served(fleet, 1)


@contextmanager
def _held(router: Pod, path: str, count: int) -> Iterator[list[socket.socket]]:
    """Ask so many times over HTTP/1.1 for what the app answers later."""
    request = f"GET {path} HTTP/1.1\r\nHost: x\r\nX-Test-Hold: 1\r\n\r\n".encode()
    with ExitStack() as stack:
        opened = []
        for _ in range(count):
            one = stack.enter_context(socket.create_connection((router.address, 8080), timeout=20))
            one.sendall(request)
            opened.append(one)
        yield opened


def _wait_for_refusals(opened: list[socket.socket], count: int) -> None:
    """Wait until just so many were told that their organization has too many."""
    until(
        lambda: sum(one.startswith(b"HTTP/1.1 429 ") for one in first_bytes(opened)) == count,
        f"{count} beyond the share are told",
    )


def test_a_share_is_a_number_of_requests(fleet: Fleet) -> None:
    app = fleet.apps["alpha"]
    app.release.clear()
    try:
        with _held(fleet.alpha, "/o/acme/", ROOM.share + 20) as opened:
            _wait_for_refusals(opened, 20)
            answer = fleet.alpha.get("/o/acme/")
            assert answer.status_code == 429
            assert answer.headers["Retry-After"] == "1"
            assert fleet.alpha.answered_by("/o/other/") == "alpha-app"
    finally:
        app.release.set()


def test_an_organization_with_limits_of_its_own_has_these(fleet: Fleet) -> None:
    more = ROOM.share + 30
    fleet.directory.change("acme", limits=f"/{more}")
    fleet.publish()
    app = fleet.apps["alpha"]
    app.release.clear()
    before = len(app.requests)
    try:
        with _held(fleet.alpha, "/o/acme/", more) as opened:
            until(lambda: len(app.requests) == before + more, "all are under way")
            assert set(first_bytes(opened)) == {b"-"}
            assert fleet.alpha.answered_by("/o/acme/") == "429"
    finally:
        app.release.set()
        fleet.directory.change("acme", limits="")
        fleet.publish()


def test_a_rate_alone_leaves_the_share(fleet: Fleet) -> None:
    fleet.directory.change("acme", limits="100000/")
    fleet.publish()
    app = fleet.apps["alpha"]
    app.release.clear()
    try:
        with _held(fleet.alpha, "/o/acme/", ROOM.share + 5) as opened:
            _wait_for_refusals(opened, 5)
    finally:
        app.release.set()
        fleet.directory.change("acme", limits="")
        fleet.publish()
