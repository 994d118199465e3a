"""What a router's memory has room for, so that nobody can end it by asking.

Half of the limit is for the table and for the programs themselves, the other half for traffic: for
each connection `CONNECTION` bytes of state, TLS with client and app included, and for all of them
together as many buffers as are left, which HAProxy takes and gives back as bytes come and go. A
request is counted like a connection, so that HTTP/2 is no way to more of them.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from cellwright.declared import problem
from cellwright.document import Document
from cellwright.problem import Path, Problem
from cellwright.quantity import amount

SHARE = 10
"""Percent of a router's requests at the same time that one organization may have, unless set."""
BYTES = 112 * 1024
"""Of the traffic's half of the memory, for one connection."""
CONNECTION = 72 * 1024
"""Of these, for what is no buffer. HAProxy 3.0 with OpenSSL 3.5 was seen to take 5 KiB without TLS,
28 with a client's, and 68 with an app's as well."""
BUFFER = 16 * 1024
"""One of HAProxy's buffers (tune.bufsize)."""
LEAST_MEMORY = 64 * 1024**2
"""Bytes below which not even the programs have room."""
MOST = 100_000
"""Connections beyond which more memory is for something else."""


class Room(NamedTuple):
    """Connections, and requests of one organization, at the same time; HAProxy's buffers."""

    connections: int
    share: int
    buffers: int


def most_connections(memory_limit: str) -> int:
    """Return how many connections a router with this much memory (a quantity) has room for."""
    limit = amount(memory_limit) or Decimal(0)
    return min(MOST, int(limit) // 2 // BYTES)


def room(memory_limit: str, connections: int | None, share: int) -> Room:
    """Return what a router may take; `share` is in percent, without `connections` all that fits."""
    chosen = connections or most_connections(memory_limit)
    buffers = chosen * (BYTES - CONNECTION) // BUFFER
    return Room(chosen, max(1, chosen * share // 100), buffers)


def room_problems(document: Document, path: Path, router: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what does not fit of the router at `path`, which has what its size says as well."""
    resources = router.get("resources", {})
    limit = resources.get("memoryLimit", resources.get("memory"))
    known = amount(limit)
    if known is None:
        return
    if known < LEAST_MEMORY:
        message = f"a router can't work within {limit} of memory"
        yield problem(document, path, "CW225", message, "resources.memoryLimit is 64Mi or more")
    elif router.get("connections", 0) > most_connections(limit):
        message = (
            f"{router['connections']} connections don't fit into {limit} of memory, "
            f"{most_connections(limit)} do"
        )
        hint = f"raise resources.memoryLimit to {_memory_for(router['connections'])}"
        yield problem(document, path, "CW225", message, hint)


def _memory_for(connections: int) -> str:
    return f"{-(-connections * BYTES * 2 // 1024**2)}Mi"
