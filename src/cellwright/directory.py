"""The directory: the assignment in the form that routers read.

Lines are tab-separated and sorted by the bytes of the name, so equal assignments give equal
bytes. Refuses to know how routers use them.

    organization: name id cell state path hosts limits     (the last two may be empty)
    cell:         name id host port
"""

import hashlib
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from cellwright.model import Cell, Organization


@dataclass(frozen=True, slots=True)
class Table:
    """One ConfigMap's text and the SHA-256 of its UTF-8 bytes, in hexadecimal."""

    number: int
    text: str
    checksum: str


def shard_number(organization: str, shards: int) -> int:
    """Return the shard of an organization: CRC-32 (ISO 3309) of its name, modulo `shards`."""
    return zlib.crc32(organization.encode()) % shards


def shard_tables(organizations: Iterable[Organization], shards: int) -> tuple[Table, ...]:
    """Return all shards in order, the empty ones too; who is not placed yet is left out."""
    lines: list[list[str]] = [[] for _ in range(shards)]
    for one in organizations:
        if one.cell is None:
            continue
        cell, hosts = one.serving_cell or one.cell, ",".join(one.hosts)
        fields = (one.name, str(one.id), cell, _state(one), one.path, hosts, _limits(one))
        lines[shard_number(one.name, shards)].append("\t".join(fields) + "\n")
    return tuple(_table(number, sorted(shard)) for number, shard in enumerate(lines))


def _state(one: Organization) -> str:
    return one.state if one.retry_after is None else f"{one.state}-{one.retry_after}"


def _limits(one: Organization) -> str:
    if one.limits is None:
        return ""
    return f"{one.limits.requests_per_second or ''}/{one.limits.concurrent_requests or ''}"


def cell_table(cells: Iterable[Cell], cluster: str) -> Table:
    """Return where each cell's router is found from inside `cluster`."""
    lines = []
    for cell in cells:
        inside = cell.cluster == cluster
        host = f"router.{cell.namespace}.svc.cluster.local" if inside else cell.router.host
        port = 80 if inside else cell.router.port
        lines.append(f"{cell.name}\t{cell.id}\t{host}\t{port}\n")
    return _table(0, sorted(lines))


class Entry(NamedTuple):
    """What every line of both kinds of table begins with; `cell` is of an organization's line."""

    name: str
    id: int
    cell: str


def entries(text: str) -> Iterator[Entry]:
    """Yield the beginning of each line of a table. Raises ValueError for what is no such line."""
    return (Entry(name, int(number), third) for name, number, third, *_ in rows(text, 4))


def rows(text: str, least: int) -> Iterator[list[str]]:
    """Yield the fields of each line of a table.

    Raises ValueError for a line with fewer than `least`, without a name, or whose id is none.
    """
    for line in filter(None, text.split("\n")):
        fields = line.split("\t")
        if len(fields) < least or not fields[0] or not re.fullmatch("[0-9]{1,18}", fields[1]):
            raise ValueError(f"no line of the directory: {line[:80]!r}")
        yield fields


def _table(number: int, lines: list[str]) -> Table:
    text = "".join(lines)
    return Table(number, text, hashlib.sha256(text.encode()).hexdigest())
