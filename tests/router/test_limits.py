"""Limits of an organization: beyond them 429, over all its entrances; others feel nothing."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.postgres.containers import until
from tests.router.conftest import Fleet
from tests.router.pods import Pod

pytestmark = pytest.mark.docker

WAYS = [
    ("/o/greedy-path/", {}),
    ("/notes", {"Host": "greedy.example.com"}),
    ("/notes", {"X-Organization": "greedy"}),
]


@pytest.fixture
def fleet(fleet: Fleet) -> Iterator[Fleet]:
    hosts = ("greedy.example.com",)
    fleet.directory.add("greedy", "alpha", path="greedy-path", hosts=hosts)
    yield fleet
    del fleet.directory.organizations["greedy"]
    fleet.publish()


def _limit(fleet: Fleet, limits: str, cell: str = "alpha") -> None:
    fleet.directory.change("greedy", limits=limits, cell=cell)
    fleet.publish()


def _ask(router: Pod, path: str, headers: dict[str, str], times: int) -> Counter[int]:
    with httpx.Client(base_url=f"http://{router.address}:8080") as client:
        return Counter(client.get(path, headers=headers).status_code for _ in range(times))


def test_requests_per_second(fleet: Fleet) -> None:
    """Far more at once: few get through, and no other organization is refused."""
    _limit(fleet, "1/")
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(_ask, fleet.alpha, *way, 60) for way in WAYS]
        others = pool.submit(_ask, fleet.alpha, "/o/acme/", {}, 200)
        found = sum((one.result() for one in asked), Counter[int]())
        assert others.result() == {200: 200}
    assert found.keys() == {200, 429}
    assert found[429] > found[200] >= 1
    until(lambda: fleet.alpha.get(*WAYS[0]).status_code == 200, "it is served again")


def test_refused_requests_do_not_count(fleet: Fleet) -> None:
    """However often it asks, it gets what its limit says."""
    _limit(fleet, "2/")
    served = 0

    def thrice() -> bool:
        nonlocal served
        served += _ask(fleet.alpha, *WAYS[0], 20)[200]
        return served >= 6

    until(thrice, "more is served than the first second's")


@pytest.mark.parametrize("cell", ["alpha", "gamma"])
def test_requests_at_the_same_time(fleet: Fleet, cell: str) -> None:
    _limit(fleet, "/2", cell)
    upstream = fleet.apps["alpha"] if cell == "alpha" else fleet.gamma
    upstream.release.clear()
    before = len(upstream.requests)
    with ThreadPoolExecutor(2) as pool:
        held = [
            pool.submit(fleet.alpha.get, path, {**headers, "X-Test-Hold": "1"}, timeout=20)
            for path, headers in WAYS[:2]
        ]
        until(lambda: len(upstream.requests) == before + 2, "both are under way")
        for path, headers in WAYS:
            answer = fleet.alpha.get(path, headers)
            assert answer.status_code == 429
            assert answer.headers["Retry-After"] == "1"
            assert answer.json() == {
                "error": "too many requests",
                "request_id": answer.headers["X-Request-Id"],
            }
        assert fleet.alpha.answered_by("/o/acme/") == "alpha-app"
        upstream.release.set()
        assert {one.result().status_code for one in held} == {200}
    until(lambda: fleet.alpha.get(*WAYS[0]).status_code == 200, "it is served again")


def test_the_home_router_counts_what_another_one_passed_on(fleet: Fleet) -> None:
    _limit(fleet, "/1")
    app = fleet.apps["alpha"]
    app.release.clear()
    app.held.clear()
    with ThreadPoolExecutor(1) as pool:
        path, headers = WAYS[0]
        held = pool.submit(fleet.beta.get, path, {"X-Test-Hold": "1"}, timeout=20)
        assert app.held.wait(20)
        assert fleet.alpha.get(path, headers).status_code == 429
        assert fleet.beta.get(path, headers).status_code == 429
        app.release.set()
        assert held.result().status_code == 200


def test_both_limits(fleet: Fleet) -> None:
    _limit(fleet, "100000/1000")
    assert _ask(fleet.alpha, *WAYS[0], 50) == {200: 50}


def test_who_is_refused_anyway_has_no_use_for_limits(fleet: Fleet) -> None:
    fleet.directory.change("greedy", limits="1/", state="suspended")
    fleet.publish()
    assert _ask(fleet.alpha, *WAYS[0], 30) == {403: 30}
