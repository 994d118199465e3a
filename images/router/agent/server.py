"""The agent's own port: probes, metrics, and which table is served.

One thread, a bounded number of connections, and each has a deadline for all of its request and
its answer: whoever holds connections open can't keep kubelet's probes out. Refuses everything but
GET of four paths; nothing can be changed through it.
"""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Protocol

MOST = 64
"""Connections at the same time. One more, and the one that is open longest is closed."""

DEADLINE = 5.0
"""Seconds for a request to arrive, and again for its answer to leave."""

LONGEST = 8192
"""Bytes of a request: its line and its headers."""


class Status(Protocol):
    """What is told, as `agent.status` holds it for a router."""

    @property
    def alive(self) -> bool:
        """Whether the main loop still turns."""

    @property
    def can_start(self) -> bool:
        """Whether all is there that others wait for."""

    def table(self) -> dict[str, object]:
        """Return the answer of `/table`."""

    def metrics(self) -> str:
        """Return the answer of `/metrics`."""


class Server:
    """Answers from `status`."""

    def __init__(self, address: str, port: int, status: Status) -> None:
        self._address, self._port = address or None, port
        self._status = status
        self._open: list[asyncio.Task[None]] = []

    def run(self) -> None:
        """Answer for ever. Raises OSError where the port is taken."""
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        server = await asyncio.start_server(
            self._connected, self._address, self._port, limit=LONGEST, backlog=MOST
        )
        async with server:
            await server.serve_forever()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - start_server makes a task for each connection
        if len(self._open) == MOST:
            self._open.pop(0).cancel()
        self._open.append(task)
        try:
            with suppress(OSError, TimeoutError, asyncio.CancelledError):
                async with asyncio.timeout(DEADLINE):
                    request = await _request(reader)
                writer.write(self._answer(request))
                async with asyncio.timeout(DEADLINE):
                    await writer.drain()
                    writer.close()
                    await writer.wait_closed()
        finally:
            writer.transport.abort()  # what was not taken in time is thrown away
            with suppress(ValueError):  # it is the one that had to go
                self._open.remove(task)

    def _answer(self, request: bytes | None) -> bytes:
        """Return the answer to the head of a request, None if that is too long or cut off."""
        words = (request or b"").split(b"\r\n", 1)[0].split(b" ")
        if len(words) != 3 or not words[2].startswith(b"HTTP/1."):
            return _json(400, {"error": "bad request"})
        if words[0] != b"GET":
            return _json(405, {"error": "only GET"})
        answers: dict[bytes, Callable[[], bytes]] = {
            b"/healthz": lambda: _probe("alive", said=self._status.alive),
            b"/readyz": lambda: _probe("ready", said=self._status.can_start),
            b"/table": lambda: _json(200, self._status.table()),
            b"/metrics": self._metrics,
        }
        answer = answers.get(words[1])
        return answer() if answer else _json(404, {"error": "not found"})

    def _metrics(self) -> bytes:
        kind = "text/plain; version=0.0.4; charset=utf-8"
        return _message(200, kind, self._status.metrics())


async def _request(reader: asyncio.StreamReader) -> bytes | None:
    """Return a request up to the end of its headers; None if it is too long or ends before."""
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.LimitOverrunError, asyncio.IncompleteReadError):
        return None


def _probe(name: str, *, said: bool) -> bytes:
    return _json(200 if said else 503, {name: said})


def _json(code: int, value: dict[str, object]) -> bytes:
    return _message(code, "application/json", json.dumps(value) + "\n")


def _message(code: int, kind: str, text: str) -> bytes:
    body = text.encode()
    head = (
        f"HTTP/1.1 {code} {HTTPStatus(code).phrase}\r\nServer: cellwright\r\n"
        f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
