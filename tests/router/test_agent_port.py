"""The agent's port under clients that mean no good: probes are answered all the same."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest
from agent import server as module
from agent.server import LONGEST, MOST, Server
from agent.status import Status

from tests.postgres.containers import until


@pytest.fixture(scope="module")
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@pytest.fixture(scope="module", autouse=True)
def _server(port: int) -> Iterator[None]:
    """The server in a thread, with a short deadline."""
    before, module.DEADLINE = module.DEADLINE, 1.0
    status = Status(ready=True)
    served = Server("127.0.0.1", port, status, {b"/table": status.table})
    threading.Thread(target=served.run, daemon=True).start()
    until(lambda: answers(port), "the server is up")
    yield
    module.DEADLINE = before


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200
    except httpx.TransportError:
        return False


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), 10)


def said(connection: socket.socket) -> bytes:
    """Return all that comes until the server closes."""
    try:
        return b"".join(iter(lambda: connection.recv(65536), b""))
    except ConnectionResetError:
        return b"reset"


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/healthz", "application/json"), ("/table", "application/json"), ("/metrics", "text/plain")],
)
def test_what_it_answers(port: int, path: str, kind: str) -> None:
    answer = httpx.get(f"http://127.0.0.1:{port}{path}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(kind)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"POST /healthz HTTP/1.1\r\n\r\n", b"405"),
        (b"GET /other HTTP/1.1\r\n\r\n", b"404"),
        (b"GET /healthz\r\n\r\n", b"400"),
        (b"\r\n\r\n", b"400"),
        (b"\xff\x00\r\n\r\n", b"400"),
        (b"GET /healthz HTTP/1.1\r\nX: " + b"a" * 2 * LONGEST, b"400"),
        (b"GET /healthz HTTP/1.1\r\nX: " + b"a" * 2 * LONGEST + b"\r\n\r\n", b"400"),
    ],
)
def test_what_it_refuses(port: int, request_: bytes, status: bytes) -> None:
    with connect(port) as connection:
        connection.sendall(request_)
        assert said(connection)[9:12] in (status, b"")  # what it did not read makes a reset
    assert answers(port)


def test_a_request_that_drips_is_ended(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\n")
        ended = threading.Event()
        threading.Thread(target=drip, args=(connection, ended), daemon=True).start()
        assert said(connection) in (b"", b"reset")
        ended.set()


def drip(connection: socket.socket, ended: threading.Event) -> None:
    with suppress(OSError):
        while not ended.wait(0.1):
            connection.sendall(b"a")


def test_as_many_connections_as_one_likes_keep_no_probe_out(port: int) -> None:
    held = [connect(port) for _ in range(3 * MOST)]
    try:
        for _ in range(20):
            held.append(connect(port))
            assert answers(port)
        assert threading.active_count() < MOST
    finally:
        for one in held:
            one.close()
