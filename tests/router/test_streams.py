"""Connections: which are shared, what passes through them, and how they end."""

import base64
import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import httpx
import pytest

from tests.postgres.containers import docker, until
from tests.router.conftest import Fleet

pytestmark = pytest.mark.docker


@contextmanager
def _connected(fleet: Fleet) -> Iterator[socket.socket]:
    with closing(socket.create_connection((fleet.alpha.address, 8080), timeout=20)) as opened:
        yield opened


def _until(connection: socket.socket, end: bytes) -> bytes:
    got = b""
    while not got.endswith(end):
        part = connection.recv(65536)
        assert part, got
        got += part
    return got


def test_shared_connections_never_reach_another_cell(fleet: Fleet) -> None:
    """Each client sends to all cells in turn on one connection; few connections are opened."""
    where = {"/o/acme/": "alpha-app", "/o/umb/": "beta-app", "/o/globex/": "gamma"}
    before = fleet.gamma.connections
    wrong: list[str] = []

    def client(start: int) -> None:
        with httpx.Client(base_url=f"http://{fleet.alpha.address}:8080") as opened:
            for turn in range(90):
                path, app = list(where.items())[(start + turn) % 3]
                told = opened.get(f"{path}{start}-{turn}").json()
                if (told["app"], told["line"]) != (app, f"GET {path}{start}-{turn} HTTP/1.1"):
                    wrong.append(f"{path}: {told}")

    threads = [threading.Thread(target=client, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert 0 < fleet.gamma.connections - before < 60  # of 120 requests


@pytest.mark.parametrize("path", ["/o/acme/ws", "/o/umb/ws"])
def test_websocket(fleet: Fleet, path: str) -> None:
    key = base64.b64encode(b"0123456789abcdef").decode()
    with _connected(fleet) as client:
        client.sendall(
            f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\n"
            f"Upgrade: websocket\r\nSec-WebSocket-Key: {key}\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        assert _until(client, b"\r\n\r\n").startswith(b"HTTP/1.1 101 ")
        for message in (b"one", b"\x00\xff" * 4000):
            client.sendall(message)
            assert _until(client, message[-3:])[: len(message)] == message


@pytest.mark.parametrize("path", ["/o/acme/events", "/o/umb/events"])
def test_server_sent_events_come_one_by_one(fleet: Fleet, path: str) -> None:
    app = fleet.apps["alpha" if "acme" in path else "beta"]
    app.release.clear()
    with _connected(fleet) as client:
        client.sendall(
            f"GET {path} HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n".encode()
        )
        _until(client, b"data: first\n\n")
        app.release.set()
        _until(client, b"data: second\n\n")


def test_a_body_is_passed_on_while_it_comes(fleet: Fleet) -> None:
    """The app answers `100 Continue` itself: the router does not wait for the body."""
    connection = http.client.HTTPConnection(fleet.alpha.address, 8080, timeout=20)
    with closing(connection):
        connection.putrequest("POST", "/o/umb/big")
        connection.putheader("Content-Length", str(3_000_000))
        connection.endheaders()
        connection.send(b"a" * 1_000_000)
        until(lambda: fleet.apps["beta"].requests[-1:] == ["POST /o/umb/big HTTP/1.1"], "the head")
        connection.send(b"a" * 2_000_000)
        assert b'"body": 3000000' in connection.getresponse().read()


def test_http2(fleet: Fleet) -> None:
    base = f"http://{fleet.alpha.address}:8080"
    with httpx.Client(http1=False, http2=True, base_url=base) as client:
        forged = {"X-Cellwright-Organization": "acme", "X_Cellwright_Cell": "alpha"}
        answer = client.get("/o/umb/two?q", headers=forged)
        assert answer.http_version == "HTTP/2"
        told = answer.json()
        assert (told["app"], told["line"]) == ("beta-app", "GET /o/umb/two?q HTTP/1.1")
        assert dict(told["headers"])["x-cellwright-organization"] == "umbrella"
        assert "x_cellwright_cell" not in dict(told["headers"])
        host = {"Host": "globex.example.com"}
        assert client.get("/x", headers=host).json()["app"] == "gamma"
        assert client.get("/o%2fumb/").status_code == 400


def test_a_soft_stop_ends_in_peace(fleet: Fleet) -> None:
    """What is in flight is answered, a kept connection gets one more answer, then it ends."""
    app = fleet.apps["alpha"]
    app.release.clear()
    app.held.clear()
    kept = http.client.HTTPConnection(fleet.alpha.address, 8080, timeout=20)
    flying = http.client.HTTPConnection(fleet.alpha.address, 8080, timeout=20)
    try:
        with closing(kept), closing(flying):
            kept.request("GET", "/o/acme/")
            kept.getresponse().read()
            flying.request("GET", "/o/acme/slow", headers={"X-Test-Hold": "1"})
            assert app.held.wait(20)
            docker("kill", "--signal=SIGUSR1", fleet.alpha.haproxy)

            def refused() -> bool:
                with socket.socket() as new:
                    return new.connect_ex((fleet.alpha.address, 8080)) != 0

            until(refused, "no new connections")
            kept.request("GET", "/o/acme/")
            last = kept.getresponse()
            assert last.status == 200
            assert last.headers["Connection"] == "close"
            app.release.set()
            assert flying.getresponse().status == 200
        assert docker("wait", fleet.alpha.haproxy).strip() == "0"
    finally:
        app.release.set()
        fleet.alpha.restart_haproxy(fleet.directory.mark())
