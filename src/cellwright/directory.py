"""The directory: the assignment in the form that routers read.

Equal assignments give equal bytes. A cell is a line, tab-separated, of the table of cells:

    name id host port

An organization has one or more *entries*, each of which is a key that requests carry and what is
known by it:

    acme=state:cell:id:organization[:limits]   its path where that is its name, as it mostly is
    acme-inc=@acme                             its path, else
    @acme=state:cell:id:organization[:limits]  its name, then
    acme.example.com=acme                      each of its hosts

Entries whose keys have the same hash, the *bucket*, share a line of a shard; those for which it has
no room have lines of their own behind it. A shard holds a range of buckets:

    <bucket> ,<entry>,<entry>,...,
    =<key> <value>

Beside its text a shard has the *homes* of its organizations whose requests an override sends to
another cell, a line each, and what becomes of writes there:

    <organization> <cell> refuse|fork

Refuses to know how routers use them.
"""

import hashlib
import re
import zlib
from bisect import bisect
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import NamedTuple

from cellwright.model import HOP_PORT, Cell, Organization

BUCKETS = 131_072
"""As many buckets there are, numbered from this number on, so that all have six digits."""

_LONGEST = 8_000
"""Characters of entries in one line: routers are told a line at a time, within 16 kB."""


@dataclass(frozen=True, slots=True)
class Table:
    """One ConfigMap's text and the SHA-256 of its UTF-8 bytes, in hexadecimal; a shard's homes."""

    number: int
    text: str
    checksum: str
    homes: str = ""


def bucket_of(key: str) -> int:
    """Return the bucket of a key: its CRC-32 (ISO 3309), without the @, modulo their number."""
    return BUCKETS + zlib.crc32(key.removeprefix("@").encode()) % BUCKETS


def shard_number(key: str, shards: int) -> int:
    """Return in which of so many shards a key is."""
    return (bucket_of(key) - BUCKETS) * shards // BUCKETS


def shard_tables(organizations: Iterable[Organization], shards: int) -> tuple[Table, ...]:
    """Return all shards in order, the empty ones too; who is not placed yet is left out."""
    buckets: defaultdict[int, list[tuple[str, str]]] = defaultdict(list)
    homes: defaultdict[int, list[str]] = defaultdict(list)
    for one in organizations:
        for key, value in _entries(one) if one.cell else ():
            buckets[bucket_of(key)].append((key, value))
        if one.cell and one.override:
            line = f"{one.name} {one.cell} {one.writes}\n"
            homes[shard_number(one.name, shards)].append(line)
    lines: list[list[str]] = [[] for _ in range(shards)]
    for bucket in sorted(buckets):
        shard = (bucket - BUCKETS) * shards // BUCKETS
        lines[shard] += _lines(bucket, sorted(buckets[bucket]))
    return tuple(
        replace(_table(number, shard), homes="".join(sorted(homes[number])))
        for number, shard in enumerate(lines)
    )


def _entries(one: Organization) -> Iterator[tuple[str, str]]:
    state = one.state if one.retry_after is None else f"{one.state}-{one.retry_after}"
    home = f"{state}:{one.serving_cell or one.cell}:{one.id}:{one.name}"
    if one.limits is not None:
        limits = one.limits
        home += f":{limits.requests_per_second or ''}/{limits.concurrent_requests or ''}"
    if one.path == one.name:
        yield one.path, home
    else:
        yield one.path, f"@{one.name}"
        yield f"@{one.name}", home
    for host in one.hosts:
        yield host, one.name


def _lines(bucket: int, entries: list[tuple[str, str]]) -> Iterator[str]:
    texts = [f"{key}={value}," for key, value in entries]
    room = bisect(list(accumulate(map(len, texts), initial=len(","))), _LONGEST) - 1
    yield f"{bucket} ,{''.join(texts[:room])}\n"
    for key, value in entries[room:]:
        yield f"={key} {value}\n"


def cell_table(cells: Iterable[Cell], cluster: str) -> Table:
    """Return where each cell's router takes other routers' requests from inside `cluster`."""
    lines = []
    for cell in cells:
        inside = cell.cluster == cluster
        host = f"router-hop.{cell.namespace}.svc.cluster.local" if inside else cell.router.host
        port = HOP_PORT if inside else cell.router.port
        lines.append(f"{cell.name}\t{cell.id}\t{host}\t{port}\n")
    return _table(0, sorted(lines))


class Value(NamedTuple):
    """What the entry of an organization says of it."""

    state: str
    cell: str
    id: int
    organization: str


def entries(text: str) -> Iterator[tuple[str, str]]:
    """Yield the key and the value of each entry of a shard. Raises ValueError for what is none."""
    for line in filter(None, text.split("\n")):
        key, _, rest = line.partition(" ")
        found = [f"{key[1:]}={rest}"] if key[0] == "=" else rest.strip(",").split(",")
        for entry in found:
            key, _, value = entry.partition("=")
            if not key.removeprefix("@") or not value:
                raise _no_line(line)
            yield key, value


def value_of(text: str) -> Value | None:
    """Return what an entry's value says, or None for one that names an organization.

    Raises ValueError.
    """
    if ":" not in text:
        return None
    state, cell, number, organization, *_ = [*text.split(":"), "", ""]
    if not (state and cell and organization and _is_id(number)):
        raise _no_line(text)
    return Value(state, cell, int(number), organization)


def values(text: str) -> Iterator[Value]:
    """Yield what a shard says of each organization. Raises ValueError for what is no shard."""
    return (one for _, value in entries(text) if (one := value_of(value)))


def cell_ids(text: str) -> Iterator[tuple[str, int]]:
    """Yield the name and the id of each cell. Raises ValueError for what is no table of cells."""
    for line in filter(None, text.split("\n")):
        fields = line.split("\t")
        if len(fields) < 4 or not fields[0] or not _is_id(fields[1]):
            raise _no_line(line)
        yield fields[0], int(fields[1])


def _is_id(text: str) -> bool:
    return re.fullmatch("[0-9]{1,18}", text) is not None


def _no_line(text: str) -> ValueError:
    return ValueError(f"no line of the directory: {text[:80]!r}")


def _table(number: int, lines: list[str]) -> Table:
    text = "".join(lines)
    return Table(number, text, hashlib.sha256(text.encode()).hexdigest())
