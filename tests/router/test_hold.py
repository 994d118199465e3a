"""Requests of an organization that is being moved: held, then sent to wherever it is."""

import selectors
import socket
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import pytest

from tests.postgres.containers import until
from tests.router.conftest import Fleet
from tests.router.pods import ROOM, Pod

pytestmark = pytest.mark.docker

WAYS = {
    "path": ("/o/moving-path/", {}),
    "host": ("/notes", {"Host": "moving.example.com"}),
    "name": ("/notes", {"X-Organization": "moving"}),
}
PLACES = ROOM.connections // 16
"""For the held requests of one organization, half of them in each of two threads."""
GET = b"GET /o/moving-path/ HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def fleet(fleet: Fleet) -> Iterator[Fleet]:
    hosts = ("moving.example.com",)
    fleet.directory.add("moving", "alpha", state="fenced", path="moving-path", hosts=hosts)
    fleet.publish()
    yield fleet
    del fleet.directory.organizations["moving"]
    fleet.publish()


@contextmanager
def _asked(fleet: Fleet) -> Iterator[dict[str, "Future[Any]"]]:
    """Ask both routers in every way, and yield once all are held."""
    before = [_requests(router) for router in fleet.routers]
    with ThreadPoolExecutor(6) as pool:
        asked = {
            f"{way} through {router.cell}": pool.submit(
                router.get, path, headers, method="POST", content=b"x" * 100_000, timeout=30
            )
            for router in fleet.routers
            for way, (path, headers) in WAYS.items()
        }
        for router, count in zip(fleet.routers, before, strict=True):
            until(
                lambda router=router, count=count: _requests(router) >= count + len(WAYS),
                "all wait",
            )
        yield asked


def _requests(router: Pod) -> int:
    """Return how many requests clients have begun so far; those of a fenced organization wait."""
    metrics = httpx.get(f"http://{router.address}:8404/metrics").text
    name = 'haproxy_frontend_http_requests_total{proxy="router"} '
    return int(next(line for line in metrics.splitlines() if line.startswith(name)).split()[1])


@pytest.mark.parametrize("cell", ["alpha", "beta", "gamma"])
def test_held_requests_go_where_the_organization_is_then(fleet: Fleet, cell: str) -> None:
    with _asked(fleet) as asked:
        fleet.directory.change("moving", cell=cell)  # it moves, still fenced
        fleet.publish()
        assert not any(one.done() for one in asked.values())
        fleet.directory.change("moving", state="active")
        fleet.publish()
        for way, one in asked.items():
            answer = one.result()
            assert answer.status_code == 200, way
            assert answer.json()["app"].removesuffix("-app") == cell, way
            assert answer.json()["body"] == 100_000, way


def test_a_request_that_was_held_at_the_old_cell_is_passed_on_once_more(fleet: Fleet) -> None:
    """Another router did not know of the fence when it passed the request on."""
    hop = {"X-Cellwright-Organization": "moving"}
    before = _requests(fleet.alpha)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(fleet.alpha.hop, "/o/moving-path/", hop, timeout=30)
        until(lambda: _requests(fleet.alpha) > before, "it waits")
        fleet.directory.change("moving", cell="gamma")
        fleet.publish()
        assert not asked.done()
        fleet.directory.change("moving", state="active")
        fleet.publish()
        assert asked.result().json()["app"] == "gamma"
    answer = fleet.alpha.hop("/o/moving-path/", hop)
    assert answer.status_code == 508, "it was not held"


@pytest.mark.parametrize(
    ("state", "status"),
    [("suspended", 403), ("gone", 410), ("maintenance", 403), ("maintenance-5", 503), ("", 404)],
)
def test_held_requests_get_what_is_true_then(fleet: Fleet, state: str, status: int) -> None:
    with _asked(fleet) as asked:
        before = fleet.directory.organizations["moving"]
        if state:
            fleet.directory.change("moving", state=state)
        else:
            del fleet.directory.organizations["moving"]
        fleet.publish()
        assert {one.result().status_code for one in asked.values()} == {status}
        fleet.directory.organizations["moving"] = before


def test_nobody_is_held_for_ever(fleet: Fleet) -> None:
    with _asked(fleet) as asked:
        for one in asked.values():
            answer = one.result()
            assert answer.status_code == 503
            assert answer.headers["Retry-After"] == "1"
            assert answer.json()["error"] == "the organization is being moved"


def test_held_requests_leave_room_for_the_others(fleet: Fleet) -> None:
    """More than its places: the rest is refused at once, others are served, and held as well."""
    fleet.directory.add("moving-too", "alpha", state="fenced")
    fleet.publish()
    with (
        ThreadPoolExecutor(4) as pool,
        ExitStack() as stack,
        selectors.DefaultSelector() as selector,
    ):
        for _ in range(PLACES + 200):
            connection = socket.create_connection((fleet.alpha.address, 8080), timeout=20)
            stack.enter_context(connection)
            connection.sendall(GET)
            selector.register(connection, selectors.EVENT_READ)
        statuses: list[int] = []

        def receive() -> None:
            for key, _ in selector.select(timeout=0.1):
                connection: Any = key.fileobj
                statuses.append(int(connection.recv(65536).split()[1]))
                selector.unregister(connection)

        def refused() -> bool:
            receive()
            return len(statuses) >= 200

        until(refused, "those beyond the places are refused")
        assert set(statuses) == {503}
        assert fleet.alpha.answered_by("/o/acme/") == "alpha-app"
        before = _requests(fleet.alpha)
        too = [pool.submit(fleet.alpha.get, "/o/moving-too/", timeout=30) for _ in range(4)]
        until(lambda: _requests(fleet.alpha) >= before + len(too), "they wait as well")
        fleet.directory.change("moving-too", state="active")
        fleet.directory.change("moving", state="active", cell="gamma")
        fleet.publish()

        def answered() -> bool:
            receive()
            return len(statuses) == PLACES + 200

        until(answered, "all are answered")
        assert statuses.count(200) > PLACES / 2
        assert {one.result().status_code for one in too} == {200}
    del fleet.directory.organizations["moving-too"]


def test_a_client_that_goes_away_gives_its_place_back(fleet: Fleet) -> None:
    """Over HTTP/2; of HTTP/1.1 clients HAProxy does not notice it while they are held."""
    with (
        httpx.Client(http1=False, http2=True) as client,
        pytest.raises(httpx.ReadTimeout),
    ):
        client.get(f"http://{fleet.alpha.address}:8080/o/moving-path/", timeout=0.3)
    assert "fe=router" not in fleet.alpha.ask("show sess")
