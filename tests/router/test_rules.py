"""The rules are the fleet's: any of them, in any order."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.router.authorities import server_context
from tests.router.conftest import Fleet
from tests.router.pods import APP_KEY, RULES
from tests.router.upstream import Upstream
from tests.tokens import token

pytestmark = pytest.mark.docker

EVERY = {"Host": "u.example.org", "X-Organization": "globex", "X-Tenant": "umb"}


@pytest.fixture
def fleet(fleet: Fleet) -> Iterator[Fleet]:
    yield fleet
    _restart(fleet, RULES)


def _restart(fleet: Fleet, rules: tuple[str, ...]) -> None:
    fleet.alpha.rules = rules
    fleet.alpha.restart_haproxy(fleet.directory.mark())


def test_the_order_counts(fleet: Fleet) -> None:
    _restart(fleet, ("header:X-Organization", "host", "path"))
    assert fleet.alpha.answered_by("/o/acme/", EVERY) == "gamma"
    assert fleet.alpha.answered_by("/o/acme/", {"Host": "u.example.org"}) == "beta-app"
    assert fleet.alpha.answered_by("/o/acme/") == "alpha-app"
    assert fleet.alpha.answered_by("/o/acme/", {"X-Organization": "nobody"}) == "404"
    assert fleet.alpha.answered_by("/o/acme/", {"Host": "nobody.example.com"}) == "alpha-app"


def test_a_rule_that_is_not_there_does_nothing(fleet: Fleet) -> None:
    """Also that the agent does well without the maps that HAProxy has no use for."""
    _restart(fleet, ("path",))
    assert fleet.alpha.answered_by("/o/acme/", EVERY) == "alpha-app"
    assert fleet.alpha.answered_by("/notes", EVERY) == "404"
    _restart(fleet, ("host",))
    assert fleet.alpha.answered_by("/o/acme/", EVERY) == "beta-app"
    assert fleet.alpha.answered_by("/o/acme/") == "404"
    assert (
        fleet.alpha.answered_by("//o/acme/", EVERY) == "beta-app"
    )  # no prefix to be confused with


def test_a_header_may_have_any_name(fleet: Fleet) -> None:
    _restart(fleet, ("header:X-Tenant",))
    assert fleet.alpha.answered_by("/notes", EVERY) == "alpha-app"
    assert fleet.alpha.answered_by("/notes", {"x-tenant": "umbrella"}) == "beta-app"
    assert fleet.alpha.answered_by("/notes", {"X-Organization": "acme"}) == "404"


COOKIE = {"Cookie": "session=cell-2-8f1b"}
BY_CELL = ("cookie:session", "token:Authorization", "path", "default:gamma")


def _internal(told: dict[str, Any]) -> dict[str, str]:
    return {name: value for name, value in told["headers"] if "cellwright" in name}


@pytest.mark.parametrize(
    "headers", [COOKIE, {"Authorization": f"Bearer {token('c:2')}"}], ids=["cookie", "token"]
)
def test_a_cell_is_told_of_no_organization(fleet: Fleet, headers: dict[str, str]) -> None:
    """The key is checked by nobody, so it must not make anybody out of a client."""
    _restart(fleet, BY_CELL)
    forged = {"X-Cellwright-Organization": "umbrella", "X-Cellwright-Organization-Id": "1002"}
    told = fleet.alpha.get("/o/acme/", headers | forged).json()
    assert told["app"] == "beta-app"
    assert _internal(told) == {"x-cellwright-cell": "beta", "x-cellwright-key": f"{APP_KEY}beta"}
    told = fleet.alpha.get("/", forged).json()
    assert told["app"] == "gamma"
    assert _internal(told) == {"x-cellwright-cell": "gamma"}
    own = {"Cookie": COOKIE["Cookie"].replace("2", "1", 1)}
    told = fleet.alpha.get("/o/umb/", own | forged).json()
    assert told["app"] == "alpha-app"
    assert _internal(told) == {"x-cellwright-cell": "alpha", "x-cellwright-key": f"{APP_KEY}alpha"}


def test_cells_come_and_go(fleet: Fleet, new_address: Callable[[], str]) -> None:
    _restart(fleet, BY_CELL)
    cookie, bearer = {"Cookie": "session=cell-4-x"}, {"Authorization": token("c:4")}
    assert fleet.alpha.answered_by("/", cookie) == "gamma"  # no key: the rule default
    answer = fleet.alpha.get("/", bearer)
    assert (answer.status_code, answer.json()["error"]) == (404, "unknown cell")
    context = server_context("router", "delta")
    with Upstream(new_address(), 8444, "delta", context) as delta:
        fleet.directory.cells["delta"] = (4, delta.address, 8444)
        fleet.publish()
        for headers in (cookie, bearer):
            assert _internal(fleet.alpha.get("/", headers).json())["x-cellwright-cell"] == "delta"
    del fleet.directory.cells["delta"]
    fleet.publish()
    assert fleet.alpha.answered_by("/", cookie) == "gamma"
    assert fleet.alpha.answered_by("/", bearer) == "404"


def test_another_cells_request_is_passed_on_once(fleet: Fleet) -> None:
    assert fleet.beta.hop("/", {"X-Cellwright-Cell": "gamma"}, cell="alpha").status_code == 508
    assert fleet.beta.get("/", {"X-Cellwright-Cell": "beta"}).status_code == 404


def test_a_router_that_passed_it_on_has_decided(fleet: Fleet) -> None:
    """Also where this one's rules would refuse it: they differ while they change."""
    _restart(fleet, ("token:Authorization", "path"))
    twice = [("X-Organization", "acme"), ("X-Organization", "globex")]
    url = f"http://{fleet.alpha.address}:8080/o/umb/"
    assert httpx.get(url, headers=twice).json()["app"] == "beta-app"
    assert httpx.get(url.replace("umb", "acme"), headers=twice).json()["app"] == "alpha-app"


def test_the_log_of_a_request_for_a_cell(fleet: Fleet) -> None:
    _restart(fleet, BY_CELL)
    secret = token("c:2")
    fleet.alpha.get("/", {"X-Request-Id": "for-a-cell", "Authorization": secret})
    first, second = (router.access("for-a-cell") for router in fleet.routers)
    assert [one["cell"] for one in (first, second)] == ["beta", "beta"]
    assert [one["rule"] for one in (first, second)] == ["token", "hop"]
    assert not first.get("organization")
    assert secret not in str(first)
