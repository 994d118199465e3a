"""The directory's text to values, strictly: what is not exactly as written here is refused whole.

    shard:  lines of HAProxy's map, sorted by bucket
    cell:   name id host port       (tab-separated)

An *entry* is one key of an organization and what is known by it:

    acme=state:cell:id:organization[:limits]   its path where that is its name, as it mostly is
    acme-inc=@acme                             its path, else
    @acme=state:cell:id:organization[:limits]  its name, then
    acme.example.com=acme                      each of its hosts

So one entry says where an organization is and how it fares: whatever way a request comes, a move
is seen by all or by none. A *line* holds all entries whose keys have the same hash, the *bucket*,
since an entry by itself costs HAProxy 304 bytes, and another one in a line its length. What is
beyond the length of a line (many keys can be made to have one hash) has lines of its own behind it:

    <bucket> ,<entry>,<entry>,...,
    =<key> <value>

Beside its text a shard has the homes of organizations whose requests are sent to another cell, for
placements, each with what becomes of writes there:

    <organization> <cell> refuse|fork

Every character that gets through is harmless in a map file and in a command to HAProxy, so
nothing after this module needs to quote. Refuses to repair or to skip a line: half of a shard
would answer 404 for the other half.
"""

import re
from typing import NamedTuple
from zlib import crc32

BUCKETS = 131_072
"""A key's bucket is its CRC-32, without the @, modulo this, plus this: all have six digits, so that
their order as numbers is that as text."""

LONGEST = 8_000
"""Bytes of entries in one line; HAProxy reads a command or a line of a file into 16 kB."""

KINDS = ("path", "host", "name")
"""The kinds of entries; every organization has one by path."""

# Possessive: what follows is never one of their characters, and a million lines take half the time.
_NAME = rb"[a-z][a-z0-9-]{0,62}+(?<!-)"
_PATH = rb"[a-z0-9][a-z0-9-]{0,62}+(?<!-)"
_STATE = rb"(?:active|maintenance(?:-[1-9][0-9]{0,9})?|fenced|suspended|gone)"
_LIMITS = rb"(?:[1-9][0-9]{0,6}/(?:[1-9][0-9]{0,3})?|/[1-9][0-9]{0,3})"
_ID = rb"[1-9][0-9]{0,18}"
_HOST = rb"(?=[a-z0-9.-]{1,253}+[= ])(?:%s\.)+%s" % (_PATH, _PATH)


def _entry(between: bytes) -> bytes:
    """Return the regular expression of an entry with this between its key and its value."""
    name = b"own" if between == b"=" else b"alone"
    home = rb"@?(?P<%s>%s)%s%s:%s:%s:(?P=%s)(?::%s)?"
    return b"|".join(
        (
            home % (name, _NAME, between, _STATE, _NAME, _ID, name, _LIMITS),
            rb"%s%s@%s" % (_PATH, between, _NAME),
            rb"%s%s%s" % (_HOST, between, _NAME),
        )
    )


_LINES = re.compile(rb"(?:(?:[0-9]{6} ,(?:(?:%s),)++|=(?:%s))\n)*+" % (_entry(b"="), _entry(b" ")))
_ALONE = ord("=")
_LINE_END = b"\n"
_WORDS = b"abcdefghijklmnopqrstuvwxyz0123456789-"
_CELL = re.compile(rb"(%s)\t(%s)\t([a-z0-9.:-]{1,253})\t([1-9][0-9]{0,4})" % (_NAME, _ID))
_HOME = re.compile(rb"(%s) (%s) (refuse|fork)" % (_NAME, _NAME))


class Home(NamedTuple):
    """Where an organization lives whose requests go elsewhere, and whether writes there `fork`."""

    cell: str
    forks: bool


class Endpoint(NamedTuple):
    """A host name or IP address, and a port; `id` is that of the cell, if it is one of a cell."""

    host: str
    port: int
    id: str = ""


class MalformedError(ValueError):
    """The text is not a shard or not a list of cells; says where and what."""


def is_name(text: str) -> bool:
    """Tell whether it can be the name of a cell or an organization."""
    return re.fullmatch(_NAME, text.encode()) is not None


def shard_of(name: str, shards: int) -> int:
    """Return the number of the shard that has an organization's name."""
    return crc32(name.encode()) % BUCKETS * shards // BUCKETS


def check_shard(text: bytes, number: int, shards: int) -> None:
    """Raise MalformedError for what is not shard `number` of `shards`, at its first such line.

    Of each line one key's hash is checked: who makes them by other rules is found by that.
    """
    good = _LINES.match(text)
    end = good.end() if good else 0
    # Before Python 3.11.5 a possessive group takes half of what it matches at the end of a text.
    if end < len(text) or (text and not text.endswith(_LINE_END)):
        raise MalformedError(f"line {text.count(_LINE_END, 0, end) + 1}: malformed")
    last, last_alone = 0, b""
    for at, line in enumerate(text.split(_LINE_END)[:-1], 1):
        if line[0] == _ALONE:
            bucket, key = last, line[1 : line.index(b" ")]
            ordered, last_alone = key > last_alone, key
        else:
            bucket, key = int(line[:6]), line[8 : line.index(b"=")]
            ordered, last, last_alone = bucket > last, bucket, b""
        if not ordered:
            raise MalformedError(f"line {at}: not in order, or twice")
        if len(line) > LONGEST + len(b"131072 "):
            raise MalformedError(f"line {at}: too long")
        if crc32(key.removeprefix(b"@")) % BUCKETS + BUCKETS != bucket:
            raise MalformedError(f"line {at}: {key.decode()} has another hash")
        if (bucket - BUCKETS) * shards // BUCKETS != number:
            raise MalformedError(f"line {at}: belongs to another shard")


def count_kinds(text: bytes) -> tuple[int, ...]:
    """Return the number of entries of each kind in a shard that is well-formed."""
    left = text.translate(None, _WORDS)  # what is left of keys: @=  =  ..=, and in own lines "@ "
    hosts = left.count(b".=") + left.count(b". ")
    names = left.count(b"@=") + left.count(b"=@ ")
    return left.count(b"=") - hosts - names, hosts, names


def parse_cells(text: bytes) -> dict[str, Endpoint]:
    """Return where each cell's router is; raises MalformedError."""
    cells: dict[str, Endpoint] = {}
    ids: set[str] = set()
    lines = text.split(b"\n")
    if lines.pop():
        raise MalformedError("the last line has no end")
    for number, line in enumerate(lines, 1):
        match = _CELL.fullmatch(line)
        name = match[1].decode() if match else ""
        id_ = match[2].decode() if match else ""
        if not match or name in cells or id_ in ids or int(match[4]) > 65535:
            raise MalformedError(f"line {number}: malformed, or twice")
        cells[name] = Endpoint(match[3].decode(), int(match[4]), id_)
        ids.add(id_)
    return cells


def parse_homes(text: str) -> dict[str, Home]:
    """Return the homes beside a shard's text, by organization; raises MalformedError."""
    homes: dict[str, Home] = {}
    lines = text.encode().split(_LINE_END)
    if lines.pop():
        raise MalformedError("homes: the last line has no end")
    for number, line in enumerate(lines, 1):
        match = _HOME.fullmatch(line)
        if not match or match[1].decode() in homes:
            raise MalformedError(f"homes: line {number}: malformed, or twice")
        homes[match[1].decode()] = Home(match[2].decode(), match[3] == b"fork")
    return homes
