"""Whom routers pass requests on to: nobody answers for another cell, nor for an app."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress

import httpx
import pytest

from tests.postgres.containers import until
from tests.router.authorities import BOTH, OTHER_ROOT, SERVER, Shown, authority, name_of
from tests.router.conftest import Fleet
from tests.router.upstream import Upstream

pytestmark = pytest.mark.docker

ALPHA, BETA, GAMMA = (name_of("router", cell) for cell in ("alpha", "beta", "gamma"))
APP = name_of("app", "beta")
HOUR = 3600
GAMMAS = authority("router", "gamma")


@pytest.fixture
def in_place_of_beta(fleet: Fleet) -> Iterator[Callable[[str, int], None]]:
    """Return what sends beta's requests to another address; undone at the end."""
    before = fleet.directory.cells["beta"]

    def sent(address: str, port: int) -> None:
        fleet.directory.cells["beta"] = (before[0], address, port)
        fleet.publish()
        wanted = f"{address}/{port}"
        until(lambda: fleet.alpha.maps()["cells"]["beta"] == wanted, "the address is another")

    yield sent
    fleet.directory.cells["beta"] = before
    fleet.publish()
    until(lambda: fleet.alpha.answered_by("/o/umb/") == "beta-app", "beta is back")


def test_another_cells_router_can_not_answer_for_it(
    fleet: Fleet, in_place_of_beta: Callable[[str, int], None]
) -> None:
    assert fleet.alpha.answered_by("/o/globex/") == "gamma"
    in_place_of_beta(fleet.gamma.address, 8444)
    asked, refused = len(fleet.gamma.requests), fleet.gamma.refused
    assert fleet.alpha.answered_by("/o/umb/") == "503"
    assert len(fleet.gamma.requests) == asked
    until(lambda: fleet.gamma.refused > refused, "the handshake was broken off")
    assert fleet.alpha.answered_by("/o/globex/") == "gamma"


NOT_BETA: dict[str, Callable[[], Shown]] = {
    "of another fleet": lambda: authority("router", "beta", OTHER_ROOT).leaf(BETA),
    "an app's": lambda: authority("app", "beta").leaf(APP, (SERVER,)),
    "a router's by an app's authority": lambda: authority("app", "beta").leaf(BETA, BOTH),
    "by another cell's authority": lambda: authority("router", "gamma").leaf(BETA),
    "expired": lambda: authority("router", "beta").leaf(BETA, BOTH, (-2 * HOUR, -HOUR)),
    "another router's that is called so": lambda: GAMMAS.leaf(GAMMA, called=(BETA,)),
    "another router's that is called so, too": lambda: GAMMAS.leaf(GAMMA, called=("x", BETA)),
    "an app's that is called so": lambda: authority("app", "gamma").leaf(
        name_of("app", "gamma"), (SERVER,), called=(BETA,)
    ),
}
"""What is shown to a router that looks for beta by whoever is not."""


@pytest.mark.parametrize("kind", NOT_BETA)
def test_who_is_not_the_cells_router_gets_no_request(
    fleet: Fleet,
    in_place_of_beta: Callable[[str, int], None],
    new_address: Callable[[], str],
    kind: str,
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    NOT_BETA[kind]().load_into(context)
    with Upstream(new_address(), 8444, "not-beta", context) as other:
        in_place_of_beta(other.address, other.port)
        assert fleet.alpha.answered_by("/o/umb/") == "503"
        until(lambda: other.refused > 0, "the handshake was broken off")
        assert other.requests == []
        authority("router", "beta").leaf(BETA).load_into(context)
        until(lambda: fleet.alpha.answered_by("/o/umb/") == "not-beta", "with the right one")


def test_connections_are_shared_within_a_cell_and_not_with_others(fleet: Fleet) -> None:
    """Also where both would go to one address: each connection was made for one name."""
    before = dict(fleet.directory.organizations)
    fleet.directory.cells["delta"] = (4, fleet.gamma.address, 8444)
    fleet.directory.add("of-delta", "delta")
    fleet.publish()
    try:
        base = f"http://{fleet.alpha.address}:8080"
        with httpx.Client(base_url=base) as client:
            assert client.get("/o/globex/").json()["app"] == "gamma"
            opened = fleet.gamma.connections
            for _ in range(20):  # the idle connection to another cell does not end this one
                assert client.get("/o/umb/").json()["app"] == "beta-app"
                assert client.get("/o/globex/").json()["app"] == "gamma"
            assert fleet.gamma.connections == opened
        asked = len(fleet.gamma.requests)
        for number in range(1, 21):
            with httpx.Client(base_url=base) as client:
                assert client.get("/o/globex/").status_code == 200
                with suppress(httpx.RemoteProtocolError):  # as for any cell that is away
                    assert client.get("/o/of-delta/").status_code == 503
            assert len(fleet.gamma.requests) == asked + number
    finally:
        del fleet.directory.cells["delta"]
        fleet.directory.organizations = before
        fleet.publish()


NOT_THE_APP: dict[str, Callable[[], Shown]] = {
    "another cell's": lambda: authority("app", "beta").leaf(APP, (SERVER,)),
    "a router's": lambda: authority("router", "alpha").leaf(ALPHA),
    "by another cell's authority": lambda: authority("app", "beta").leaf(name_of("app", "alpha")),
    "of another fleet": lambda: authority("app", "alpha", OTHER_ROOT).leaf(name_of("app", "alpha")),
    "another app's that is called so": lambda: authority("app", "beta").leaf(
        APP, (SERVER,), called=(name_of("app", "alpha"),)
    ),
    "a router's that is called so": lambda: GAMMAS.leaf(GAMMA, called=(name_of("app", "alpha"),)),
}


@pytest.mark.parametrize("kind", NOT_THE_APP)
def test_who_is_not_the_cells_app_gets_no_request(fleet: Fleet, kind: str) -> None:
    """Nor the key by which the router proves itself."""
    app = fleet.apps["alpha"]
    before, asked = app.context, len(app.requests)
    app.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    NOT_THE_APP[kind]().load_into(app.context)
    try:
        answer = fleet.alpha.get("/o/acme/")
        assert (answer.status_code, len(app.requests)) == (503, asked)
        assert fleet.alpha.answered_by("/o/umb/") == "beta-app"
    finally:
        app.context = before
    assert fleet.alpha.answered_by("/o/acme/") == "alpha-app"
