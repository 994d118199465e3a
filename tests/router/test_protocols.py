"""HTTP/1.1 and HTTP/2, in the clear and over TLS, to the own cell and over another router.

Whatever the way, bodies are passed on while they come, and what is open lives on while the table
changes and the certificate is rotated.
"""

import base64
import socket
import threading
from collections.abc import Iterator
from contextlib import closing

import h2.config
import h2.connection
import h2.events
import httpx
import pytest

from tests.postgres.containers import until
from tests.router.conftest import Fleet
from tests.router.upstream import Upstream

pytestmark = pytest.mark.docker

PATHS = {"alpha": "/o/acme/", "beta": "/o/umb/"}


def _sha1(fleet: Fleet) -> str:
    return str(fleet.alpha.table()["certificates"]["clients"]["sha1"])


@pytest.fixture(params=[False, True], ids=["h1", "h2"])
def http2(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture(params=[False, True], ids=["clear", "tls"])
def tls(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture(params=PATHS)
def cell(request: pytest.FixtureRequest) -> str:
    """Return the cell that answers; all requests go to alpha's router."""
    return str(request.param)


@pytest.fixture
def path(cell: str) -> str:
    return PATHS[cell]


@pytest.fixture
def client(fleet: Fleet, http2: bool, tls: bool) -> Iterator[httpx.Client]:
    base = _base(fleet, tls=tls)
    context = fleet.secret.context()
    with httpx.Client(http1=not http2, http2=http2, base_url=base, verify=context) as made:
        made.timeout = httpx.Timeout(20)
        yield made


def _base(fleet: Fleet, *, tls: bool) -> str:
    return f"https://{fleet.alpha.address}:8443" if tls else f"http://{fleet.alpha.address}:8080"


@pytest.fixture
def app(fleet: Fleet, cell: str) -> Iterator[Upstream]:
    """Return the app that answers; it holds what it is told to until it is released."""
    found = fleet.apps[cell]
    found.release.clear()
    found.held.clear()
    yield found
    found.release.set()


def _change(fleet: Fleet, *, tls: bool) -> None:
    """Move the organizations to and fro, and rotate the certificate where there is one."""
    before = _sha1(fleet)
    if tls:
        fleet.secret.rotate()
    for cell, other in (("gamma", "gamma"), ("alpha", "beta")):
        fleet.directory.change("acme", cell=cell)
        fleet.directory.change("umbrella", cell=other)
        fleet.publish()
    if tls:
        until(lambda: _sha1(fleet) != before, "the new certificate")


def test_an_upload_is_passed_on_while_it_comes(
    client: httpx.Client, app: Upstream, path: str
) -> None:
    before = app.received

    def body() -> Iterator[bytes]:
        yield b"a" * 1_000_000
        until(lambda: app.received - before > 800_000, "the app has seen most of the first part")
        yield b"b" * 4_000_000

    answer = client.post(f"{path}upload", content=body())
    assert answer.json()["body"] == 5_000_000


def test_a_download_comes_in_parts(client: httpx.Client, app: Upstream, path: str) -> None:
    with client.stream("GET", f"{path}parts", headers={"X-Test-Parts": "1"}) as answer:
        got = b""
        for part in answer.iter_raw():
            got += part
            if len(got) == 50_000:
                assert not app.release.is_set()
                app.release.set()
        assert got == b"a" * 50_000 + b"b" * 50_000


def test_server_sent_events(
    fleet: Fleet, client: httpx.Client, app: Upstream, path: str, tls: bool
) -> None:
    with client.stream("GET", f"{path}events", headers={"Accept": "text/event-stream"}) as answer:
        lines = answer.iter_lines()
        assert [next(lines), next(lines)] == ["data: first", ""]
        _change(fleet, tls=tls)
        app.release.set()
        assert list(lines) == ["data: second", ""]


def test_a_request_in_flight_survives_changes(
    fleet: Fleet, client: httpx.Client, app: Upstream, path: str, tls: bool
) -> None:
    answers: list[httpx.Response] = []
    held = {"X-Test-Hold": "1"}
    asking = threading.Thread(target=lambda: answers.append(client.get(path, headers=held)))
    asking.start()
    try:
        assert app.held.wait(20)
        _change(fleet, tls=tls)
    finally:
        app.release.set()
        asking.join()
    assert answers[0].json()["app"] == app.name
    assert client.get(path).json()["app"] == app.name  # on the same connection


def test_websocket(fleet: Fleet, path: str, tls: bool) -> None:
    key = base64.b64encode(b"0123456789abcdef").decode()
    with closing(_connected(fleet, "http/1.1", tls=tls)) as opened:
        opened.sendall(
            f"GET {path}ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        got = b""
        while not got.endswith(b"\r\n\r\n"):
            got += opened.recv(1)
        assert got.startswith(b"HTTP/1.1 101 ")
        for message in (b"one", b"\x00\xff" * 4000):
            opened.sendall(message)
            got = b""
            while len(got) < len(message):
                got += opened.recv(65536)
            assert got == message
            if message == b"one":
                _change(fleet, tls=tls)


def test_websocket_over_http2(fleet: Fleet, path: str, tls: bool) -> None:
    """RFC 8441, as browsers do it once a connection speaks HTTP/2."""
    with closing(_connected(fleet, "h2", tls=tls)) as opened:
        stream = _Stream(opened)
        stream.begin(f"{path}ws")
        for message in (b"one", b"\x00\xff" * 4000):
            stream.send(message)
            assert stream.read(len(message)) == message
            if message == b"one":
                _change(fleet, tls=tls)


def _connected(fleet: Fleet, protocol: str, *, tls: bool) -> socket.socket:
    port = 8443 if tls else 8080
    opened = socket.create_connection((fleet.alpha.address, port), timeout=20)
    if not tls:
        return opened
    wrapped = fleet.secret.context(protocol).wrap_socket(
        opened, server_hostname=fleet.alpha.address
    )
    assert wrapped.selected_alpn_protocol() == protocol
    return wrapped


class _Stream:
    """The first stream of an HTTP/2 connection, opened by extended CONNECT."""

    def __init__(self, opened: socket.socket) -> None:
        self._opened = opened
        self._connection = h2.connection.H2Connection(h2.config.H2Configuration())
        self._connection.initiate_connection()
        self._got = b""
        self._status = ""

    def begin(self, path: str) -> None:
        while self._connection.remote_settings.enable_connect_protocol != 1:
            self._turn()
        fields = {
            ":method": "CONNECT",
            ":protocol": "websocket",
            ":scheme": "https",
            ":path": path,
            ":authority": "x",
            "sec-websocket-version": "13",
        }
        self._connection.send_headers(1, list(fields.items()))
        while not self._status:
            self._turn()
        assert self._status == "200"

    def send(self, data: bytes) -> None:
        self._connection.send_data(1, data)

    def read(self, size: int) -> bytes:
        while len(self._got) < size:
            self._turn()
        found, self._got = self._got, b""
        return found

    def _turn(self) -> None:
        self._opened.sendall(self._connection.data_to_send())
        data = self._opened.recv(65536)
        assert data
        for event in self._connection.receive_data(data):
            if isinstance(event, h2.events.ResponseReceived):
                self._status = dict(event.headers or ())[b":status"].decode()
            elif isinstance(event, h2.events.DataReceived):
                self._got += event.data or b""
                self._connection.acknowledge_received_data(event.flow_controlled_length or 0, 1)
            assert not isinstance(event, h2.events.StreamReset | h2.events.StreamEnded)
