"""The directory's text to values, strictly: what is not exactly as written here is refused whole.

    organization: name id cell state path hosts limits   (tab-separated; the last may be empty)
    cell:         name id host port

Every character that gets through is harmless in a map file and in a command to HAProxy, so
nothing after this module needs to quote. Refuses to repair or to skip a line: half of a shard
would answer 404 for the other half.
"""

import re
import zlib
from itertools import pairwise
from operator import lt
from typing import NamedTuple

# Possessive: what follows is never one of their characters, and a million lines take half the time.
_NAME = rb"[a-z][a-z0-9-]{0,62}+(?<!-)"
_PATH = rb"[a-z0-9][a-z0-9-]{0,62}+(?<!-)"
_STATE = rb"active|maintenance(?:-[1-9][0-9]{0,9})?|fenced|suspended|gone"
_LIMITS = rb"(?:[1-9][0-9]{0,6}/(?:[1-9][0-9]{0,3})?|/[1-9][0-9]{0,3})?"
_ID = rb"[1-9][0-9]{0,18}"
_LINE = re.compile(
    rb"^(%s)\t(%s)\t(%s)\t(%s)\t(%s)\t([a-z0-9.,-]*)\t(%s)\n"
    % (_NAME, _ID, _NAME, _STATE, _PATH, _LIMITS),
    re.MULTILINE,
)
_HOST = re.compile(rb"(?=.{1,253}\Z)(?:%s\.)+%s" % (_PATH, _PATH))
_CELL = re.compile(rb"(%s)\t(%s)\t([a-z0-9.:-]{1,253})\t([1-9][0-9]{0,4})" % (_NAME, _ID))


Organization = tuple[bytes, bytes, bytes, bytes, bytes, bytes, bytes]
"""One line of a shard: name, id, cell, state, path, hosts and limits.

The hosts as written, separated by commas. The state may say after how many seconds a maintenance
ends (`maintenance-60`). Limits are requests per second and at the same time (`100/20`, `100/`,
`/20`), or empty. Plain, since a million of them come at a time.
"""


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


def parse_shard(text: bytes, number: int, shards: int) -> list[Organization]:
    """Return the organizations of shard `number` of `shards`, in order.

    Raises MalformedError at the first line that is malformed, out of order, or in a wrong shard.
    """
    found: list[Organization] = _LINE.findall(text)
    if len(found) != text.count(b"\n") or text[-1:] not in (b"", b"\n"):
        raise MalformedError(f"line {_first_wrong(text)}: malformed")
    names = [one[0] for one in found]
    if not all(map(lt, names, names[1:])):
        line = next(n for n, (one, after) in enumerate(pairwise(names), 2) if not one < after)
        raise MalformedError(f"line {line}: not in order, or twice")
    for line, crc in enumerate(map(zlib.crc32, names), 1):
        if crc % shards != number:
            raise MalformedError(f"line {line}: belongs to another shard")
    for line, hosts in enumerate([one[5] for one in found], 1):
        if hosts and not all(map(_HOST.fullmatch, hosts.split(b","))):
            raise MalformedError(f"line {line}: a host is malformed")
    return found


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


def _first_wrong(text: bytes) -> int:
    lines = text.split(b"\n")
    wrong = (number for number, line in enumerate(lines, 1) if not _LINE.fullmatch(line + b"\n"))
    return next(wrong, len(lines))
