"""One organization asks for all that it can get, until it is told to stop; a process of its own.

    python benchmarks/isolation_attack.py streams|bodies|queries ADDRESS PATH

streams: 200 connections of HTTP/2 with 100 bodies each that hardly come; bodies: 2,000 of HTTP/1.1;
queries: 400 requests at the same time that the app takes to its database. What the router closes is
opened again. Loopback alone.
"""

import asyncio
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # for `import tests`

from tests.router.http2 import Client

CONNECTIONS, STREAMS, BODIES, QUERIES = 200, 100, 2000, 400
_BODY = 1_000_000
_PAUSE = 2.0
"""Seconds between two bytes of a body, and before what was closed is opened again."""


def streams(address: str, path: str) -> None:
    """Keep so many connections of HTTP/2 with all their streams."""
    opened: list[Client] = []
    while True:
        began = time.monotonic()
        for one in [one for one in opened if one.closed]:
            one.close()
            opened.remove(one)
        for one in opened:
            one.drip()
            one.hear()
        while len(opened) < CONNECTIONS:
            one = Client(address)
            one.ask(path, STREAMS, _BODY)
            opened.append(one)
        time.sleep(max(0.0, began + _PAUSE - time.monotonic()))


async def _body(address: str, path: str) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {_BODY}\r\n\r\n"
    while True:
        try:
            reader, writer = await asyncio.open_connection(address, 8080)
            writer.write(head.encode())
            while not reader.at_eof():
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(_PAUSE)
                if await _has(reader):
                    break
            writer.close()
        except OSError:
            pass
        await asyncio.sleep(_PAUSE)


async def _has(reader: asyncio.StreamReader) -> bool:
    try:
        await asyncio.wait_for(reader.read(1), 0.01)
    except TimeoutError:
        return False
    return True


async def _query(address: str, path: str) -> None:
    request = f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    while True:
        try:
            reader, writer = await asyncio.open_connection(address, 8080)
            while True:
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                length = head.lower().partition(b"content-length: ")[2].partition(b"\r")[0]
                await reader.readexactly(int(length))
        except (OSError, asyncio.IncompleteReadError, ValueError):
            await asyncio.sleep(_PAUSE)


async def _all(kind: str, address: str, path: str) -> None:
    one, count = {"bodies": (_body, BODIES), "queries": (_query, QUERIES)}[kind]
    await asyncio.gather(*(one(address, path) for _ in range(count)))


if __name__ == "__main__":
    if sys.argv[1] == "streams":
        streams(*sys.argv[2:])
    else:
        asyncio.run(_all(*sys.argv[1:]))
