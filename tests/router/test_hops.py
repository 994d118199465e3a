"""From router to router: both show who they are, and nobody else is let in or believed."""

import json
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress

import httpx
import pytest

from tests.postgres.containers import until
from tests.router.authorities import (
    BOTH,
    OTHER_ROOT,
    SERVER,
    Shown,
    authority,
    client_context,
    name_of,
    server_context,
)
from tests.router.conftest import Fleet
from tests.router.pods import APP_KEY
from tests.router.upstream import Upstream

pytestmark = pytest.mark.docker

ALPHA, BETA, GAMMA = (name_of("router", cell) for cell in ("alpha", "beta", "gamma"))
APP = name_of("app", "beta")
HOUR = 3600
NOT_ROUTERS: dict[str, Callable[[], Shown | None]] = {
    "nothing": lambda: None,
    "of another fleet": lambda: authority("router", "beta", OTHER_ROOT).leaf(BETA),
    "an app's": lambda: authority("app", "beta").leaf(APP, (SERVER,)),
    "an app's for calling": lambda: authority("app", "beta").leaf(APP, BOTH),
    "a router's by an app's authority": lambda: authority("app", "beta").leaf(BETA, BOTH),
    "for answering alone": lambda: authority("router", "beta").leaf(BETA, (SERVER,)),
    "expired": lambda: authority("router", "beta").leaf(BETA, BOTH, -2 * HOUR, -HOUR),
    "of tomorrow": lambda: authority("router", "beta").leaf(BETA, BOTH, HOUR, 2 * HOUR),
    "another cell's name": lambda: authority("router", "beta").leaf(GAMMA),
    "an authority's below": lambda: authority("router", "beta").below("gamma").leaf(BETA),
}
"""What is shown to a router by whoever is none."""

_GET = (
    b"GET /o/acme/ HTTP/1.1\r\nHost: x\r\nX-Cellwright-Organization: acme\r\n"
    b"Connection: close\r\n\r\n"
)


def _said(fleet: Fleet, shown: Shown | None) -> bytes:
    """Return what comes back of a request at the port for routers."""
    context = client_context(shown)
    address = (fleet.alpha.address, 8444)
    try:
        with (
            socket.create_connection(address, timeout=20) as plain,
            context.wrap_socket(plain, server_hostname=ALPHA) as secure,
        ):
            secure.sendall(_GET)
            return b"".join(iter(lambda: secure.recv(65536), b""))
    except (ssl.SSLError, ConnectionError):
        return b""


@pytest.mark.parametrize("kind", NOT_ROUTERS)
def test_who_is_not_a_router_of_the_fleet_is_refused(fleet: Fleet, kind: str) -> None:
    before = len(fleet.apps["alpha"].requests)
    assert _said(fleet, NOT_ROUTERS[kind]()) == b""
    assert len(fleet.apps["alpha"].requests) == before
    assert b"200 OK" in _said(fleet, authority("router", "beta").leaf(BETA))


def test_plain_text_is_refused(fleet: Fleet) -> None:
    with socket.create_connection((fleet.alpha.address, 8444), timeout=20) as connection:
        connection.sendall(b"GET /o/acme/ HTTP/1.1\r\nHost: x\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        with suppress(ConnectionResetError):
            assert b"HTTP" not in connection.recv(65536)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2])
def test_nothing_older_than_tls_1_3_is_spoken(fleet: Fleet, version: ssl.TLSVersion) -> None:
    context = client_context(authority("router", "beta").leaf(BETA))
    context.maximum_version = version
    with (
        socket.create_connection((fleet.alpha.address, 8444), timeout=20) as plain,
        pytest.raises(ssl.SSLError, match="ALERT"),
    ):
        context.wrap_socket(plain, server_hostname=ALPHA)


def test_what_a_router_says_is_believed(fleet: Fleet) -> None:
    headers = {
        "X-Cellwright-Organization": "acme",
        "X-Forwarded-For": "192.0.2.1",
        "X-Forwarded-Proto": "https",
        "X-Request-Id": "from-beta",
    }
    answer = fleet.alpha.hop("/o/umb/", headers)
    told = answer.json()
    assert told["app"] == "alpha-app"
    found = dict(told["headers"])
    assert found["x-cellwright-organization"] == "acme"
    assert (found["x-forwarded-for"], found["x-forwarded-proto"]) == ("192.0.2.1", "https")
    line = fleet.alpha.access("from-beta")
    assert (line["hop"], line["rule"]) == ("beta", "hop")
    assert fleet.alpha.hop("/o/umb/", {"X-Cellwright-Organization": "umbrella"}).status_code == 508


@pytest.mark.parametrize("tls", [False, True])
def test_what_clients_say_is_not(fleet: Fleet, *, tls: bool) -> None:
    """A key of earlier releases, too, and a certificate that nobody has asked for."""
    headers = {
        "X-Cellwright-Organization": "acme",
        "X-Cellwright-Cell": "alpha",
        "X-Cellwright-Hop": "a-key",
        "X-Forwarded-For": "192.0.2.1",
    }
    context = fleet.secret.context()
    authority("router", "beta").leaf(BETA).load_into(context)
    base = f"https://{fleet.alpha.address}:8443" if tls else f"http://{fleet.alpha.address}:8080"
    told = httpx.get(f"{base}/o/umb/", headers=headers, verify=context).json()
    assert told["app"] == "beta-app"
    found = dict(told["headers"])
    assert found["x-cellwright-organization"] == "umbrella"
    assert found["x-forwarded-for"] == "127.0.0.1"
    assert "x-cellwright-hop" not in found


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
    "expired": lambda: authority("router", "beta").leaf(BETA, BOTH, -2 * HOUR, -HOUR),
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
            for _ in range(20):
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


def test_an_app_without_tls_is_spoken_to_without(fleet: Fleet) -> None:
    app, router = fleet.apps["beta"], fleet.beta
    router.app_tls = False
    router.restart_haproxy(fleet.directory.mark())
    try:
        assert fleet.beta.answered_by("/o/umb/") == "502"
        app.context = None
        told = fleet.alpha.get("/o/umb/").json()
        assert (told["app"], dict(told["headers"])["x-cellwright-key"]) == (
            "beta-app",
            f"{APP_KEY}beta",
        )
    finally:
        app.context = server_context("app", "beta")
        router.app_tls = True
        router.restart_haproxy(fleet.directory.mark())
    assert fleet.alpha.answered_by("/o/umb/") == "beta-app"


def test_the_certificate_is_told(fleet: Fleet) -> None:
    until(lambda: fleet.beta.table()["certificates"]["routers"]["served"], "it is served")
    told = fleet.beta.table()["certificates"]["routers"]
    end = ssl.cert_time_to_seconds(told["not_after"])
    assert f'not_after_seconds{{purpose="routers"}} {end}\n' in fleet.beta.agent_metrics()
    assert json.dumps(told["refused"]) == '""'
