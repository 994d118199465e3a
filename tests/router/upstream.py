"""A server that tells what reached it: stands for an app behind a router."""

import base64
import hashlib
import json
import socketserver
import ssl
import threading
from contextlib import AbstractContextManager, suppress
from typing import Any, Self


class Upstream(AbstractContextManager["Upstream"]):
    """Answers each request with its own target and headers as JSON.

    `requests` has the first line of each; a request with X-Test-Hold sets `held` and is answered
    after `release`; one with X-Test-Parts gets the first half of 100,000 bytes, then the rest.
    `received` counts what came in bodies. With a `context` it speaks TLS; `refused` counts
    handshakes that failed.
    """

    def __init__(
        self, address: str, port: int, name: str, context: ssl.SSLContext | None = None
    ) -> None:
        self.address = address
        self.port = port
        self.requests: list[str] = []
        self.connections = 0
        self.refused = 0
        self.context = context
        self.received = 0
        self.held = threading.Event()
        self.release = threading.Event()
        self.name = name

    def __enter__(self) -> Self:
        server = socketserver.ThreadingTCPServer(
            (self.address, self.port), _Handler, bind_and_activate=False
        )
        server.allow_reuse_address = True
        server.daemon_threads = True
        server.request_queue_size = 1024
        server.server_bind()
        server.server_activate()
        server.upstream = self  # type: ignore[attr-defined]
        self._server = server
        self._thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(socketserver.StreamRequestHandler):
    timeout = 60

    def setup(self) -> None:
        upstream: Upstream = self.server.upstream  # type: ignore[attr-defined]
        self._secure = True
        if upstream.context is not None:
            self.request.settimeout(self.timeout)
            try:
                self.request.getpeername()  # of whoever is gone Python would leave a socket open
                self.request = upstream.context.wrap_socket(self.request, server_side=True)
            except OSError:
                upstream.refused += 1
                self._secure = False
                return
        super().setup()

    def finish(self) -> None:
        if not self._secure:
            return
        with suppress(OSError):
            super().finish()
        if isinstance(self.request, ssl.SSLSocket):
            self.request.settimeout(1)
            with suppress(OSError):
                self.request = self.request.unwrap()
            self.request.close()

    def handle(self) -> None:
        if not self._secure:
            return
        self.server.upstream.connections += 1  # type: ignore[attr-defined]
        try:
            while self._one():
                pass
        except OSError:  # the router has gone away, or broken TLS off
            return

    def _one(self) -> bool:
        line = self.rfile.readline(65536).decode("latin-1").strip()
        if not line:
            return False
        headers: list[tuple[str, str]] = []
        while field := self.rfile.readline(65536).decode("latin-1").strip():
            name, _, value = field.partition(":")
            headers.append((name.lower(), value.strip()))
        upstream: Upstream = self.server.upstream  # type: ignore[attr-defined]
        upstream.requests.append(line)
        found = dict(headers)
        if found.get("upgrade", "").lower() == "websocket":
            return self._echo(found["sec-websocket-key"])
        if found.get("accept") == "text/event-stream":
            return self._events(upstream)
        if "x-test-parts" in found:
            return self._parts(upstream)
        if "x-test-hold" in found:
            upstream.held.set()
            assert upstream.release.wait(60)
        if found.get("expect") == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = self._body(found)
        return self._answer(
            {"app": upstream.name, "line": line, "headers": headers, "body": len(body)}
        )

    def _body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self._read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body
        return self._read(int(headers.get("content-length", "0")))

    def _read(self, size: int) -> bytes:
        body = b""
        while len(body) < size and (part := self.rfile.read1(size - len(body))):
            body += part
            self.server.upstream.received += len(part)  # type: ignore[attr-defined]
        return body

    def _answer(self, value: dict[str, Any]) -> bool:
        text = json.dumps(value).encode()
        self.wfile.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            b"X-Cellwright-Cell: forged-by-the-app\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(text), text)
        )
        return True

    def _echo(self, key: str) -> bool:
        """Accept a WebSocket (RFC 6455, 4.2.2) and send its bytes back as they are."""
        digest = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()  # noqa: S324
        self.wfile.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: %s\r\n\r\n" % base64.b64encode(digest)
        )
        while data := self.request.recv(65536):
            self.request.sendall(data)
        return False

    def _parts(self, upstream: Upstream) -> bool:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"a" * 50_000)
        assert upstream.release.wait(60)
        self.wfile.write(b"b" * 50_000)
        return True

    def _events(self, upstream: Upstream) -> bool:
        self.wfile.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
            b"data: first\n\n"
        )
        assert upstream.release.wait(60)
        self.wfile.write(b"data: second\n\n")
        return False
