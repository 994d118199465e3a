"""A client that asks a great many times: pipelined requests on a few connections, and who answered.

A process of its own, so that the answers do not wait for the test that changes the table meanwhile:

    python -m tests.router.asking PATHS SEED BATCHES ANSWERS ADDRESS...

PATHS is a file with one organization's path in each line. ANSWERS gets lines of JSON: the times
(of the system's monotonic clock) between which a batch was asked and answered, the numbers of the
paths asked for, and an answer for each: what the app's text says, or a status.
"""

import json
import random
import re
import socket
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

DEPTH = 50
"""Requests in one batch."""

_ANSWER = re.compile(rb"HTTP/1\.1 ([0-9]{3}).*?\r\n\r\n(?:([^{}\r\n]*)\n|\{[^}]*\})", re.DOTALL)


class Batch(NamedTuple):
    """Requests that were sent together at `sent`."""

    sent: float
    paths: list[int]


def first_bytes(connections: Iterable[socket.socket]) -> list[bytes]:
    """Return what has come on each connection and was not taken yet; b"-" for nothing yet."""
    found = []
    for one in connections:
        patience = one.gettimeout()
        one.settimeout(0)
        try:
            found.append(one.recv(4096, socket.MSG_PEEK))
        except BlockingIOError:
            found.append(b"-")
        except ConnectionError:
            found.append(b"")
        one.settimeout(patience)
    return found


def read_answers(connection: socket.socket, count: int) -> list[str]:
    """Return the answers to `count` pipelined requests, in order."""
    data = b""
    while data.count(b"HTTP/1.1 ") < count or len(found := _ANSWER.findall(data)) < count:
        part = connection.recv(1 << 18)
        assert part, f"the router closed the connection after {data[-500:]!r}"
        data += part
    return [(text if status == b"200" else status).decode() for status, text in found]


def ask(
    names: list[str], chosen: random.Random, batches: int, addresses: list[str]
) -> Iterator[tuple[Batch, float, list[str]]]:
    """Yield each batch, when its last answer came, and the answers."""
    requests = [f"GET /o/{name}/ HTTP/1.1\r\nHost: routers\r\n\r\n".encode() for name in names]
    connections = [socket.create_connection((one, 8080), timeout=30) for one in 2 * addresses]
    waiting: dict[socket.socket, Batch] = {}
    for number in range(batches + len(connections)):
        connection = connections[number % len(connections)]
        if connection in waiting:
            batch = waiting.pop(connection)
            answers = read_answers(connection, DEPTH)
            yield batch, time.monotonic(), answers
        if number < batches:
            paths = chosen.choices(range(len(names)), k=DEPTH)
            waiting[connection] = Batch(time.monotonic(), paths)
            connection.sendall(b"".join(requests[path] for path in paths))


def main(paths: str, seed: str, batches: str, file: str, *addresses: str) -> None:
    names = Path(paths).read_text(encoding="ascii").split()
    chosen = random.Random(seed)  # noqa: S311 (not for secrets)
    asked = ask(names, chosen, int(batches), list(addresses))
    with Path(file).open("w", encoding="utf-8") as written:
        for batch, came, answers in asked:
            json.dump([batch.sent, came, batch.paths, answers], written)
            written.write("\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
