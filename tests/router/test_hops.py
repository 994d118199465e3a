"""From router to router: both show who they are, and nobody else is let in or believed."""

import hashlib
import json
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress

import httpx
import pytest
from cryptography import x509

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
    shown_by,
)
from tests.router.conftest import Fleet
from tests.router.pods import APP_KEY, Pod

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
    "expired": lambda: authority("router", "beta").leaf(BETA, BOTH, (-2 * HOUR, -HOUR)),
    "of tomorrow": lambda: authority("router", "beta").leaf(BETA, BOTH, (HOUR, 2 * HOUR)),
    "another cell's name": lambda: authority("router", "beta").leaf(GAMMA),
    "with a subject": lambda: authority("router", "beta").leaf(BETA, called=("beta",)),
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


@pytest.mark.parametrize("called", ["BETA", " beta", "beta "])
def test_a_router_that_spells_its_cell_otherwise_is_refused(fleet: Fleet, called: str) -> None:
    """OpenSSL takes both for one name; the log would have what it said."""
    beta = authority("router", "beta")
    issuer = x509.Name(
        x509.NameAttribute(one.oid, called if one.value == "beta" else str(one.value))
        for one in beta.certificate.subject
    )
    before = len(fleet.apps["alpha"].requests)
    assert _said(fleet, beta.leaf(BETA, issuer=issuer)).startswith(b"HTTP/1.1 400 ")
    assert len(fleet.apps["alpha"].requests) == before


@pytest.mark.parametrize("port", [8443, 8444])
def test_who_resumes_a_session_is_no_router(fleet: Fleet, port: int) -> None:
    """Neither one of a client nor one of a router, whose certificate it does not show again."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if port == 8444:
        authority("router", "beta").leaf(BETA).load_into(context)

    def asked(port: int, session: ssl.SSLSession | None) -> tuple[bytes, ssl.SSLSession | None]:
        with (
            socket.create_connection((fleet.alpha.address, port), timeout=20) as plain,
            context.wrap_socket(plain, session=session) as secure,
            suppress(ssl.SSLError, ConnectionError),
        ):
            secure.sendall(_GET)
            said = b"".join(iter(lambda: secure.recv(65536), b""))
            assert session is None or secure.session_reused
            return said, secure.session
        return b"", None

    said, session = asked(port, None)
    assert (b"200 OK" in said, session is None) == (True, False)
    assert b"200 OK" in asked(8443, session)[0], "clients may"
    before = len(fleet.apps["alpha"].requests)
    assert asked(8444, session)[0] == b""
    assert len(fleet.apps["alpha"].requests) == before


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


@pytest.mark.parametrize("cell", ["alpha:5:x:9/9", "alpha:", ":", "a b", "Alpha", ""])
def test_what_is_no_cells_name_is_not_taken_from_a_router(fleet: Fleet, cell: str) -> None:
    """It would stand where an organization, its share and its limits do."""
    answer = fleet.alpha.hop("/", {"X-Cellwright-Cell": cell})
    assert answer.status_code == 404
    line = fleet.alpha.access(answer.headers["X-Request-Id"])
    assert line["organization"] in (None, "")
    assert fleet.alpha.hop("/", {"X-Cellwright-Cell": "alpha"}).status_code == 200


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


def test_haproxy_that_started_with_an_older_certificate_gets_the_newest(fleet: Fleet) -> None:
    """As when it had read its file just before the agent wrote the next one."""
    alpha = fleet.alpha
    newest = alpha.table()["certificates"]["routers"]["sha1"]
    older = shown_by("router", "alpha")
    alpha.remove(alpha.haproxy)
    kept = alpha.folder / "certificate" / "hop.pem"
    kept.write_text(older.key + older.chain)
    alpha.start_haproxy()
    until(lambda: _sha1(alpha) == newest, "it shows the newest")
    alpha.wait(fleet.directory.mark())
    assert fleet.beta.answered_by("/o/acme/") == "alpha-app"


def _sha1(router: Pod) -> str:
    """Return the fingerprint of the certificate that a router shows to others."""
    context = client_context(shown_by("router", "beta"))
    with (
        socket.create_connection((router.address, 8444), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname=ALPHA) as secure,
    ):
        return hashlib.sha1(secure.getpeercert(binary_form=True) or b"").hexdigest()  # noqa: S324
