"""The last good table on disk: what a router starts and serves from when all else is away.

    shards-64/07   one shard: a line of JSON, then its section
    state.json     how many shards there are, and the list of cells
    addresses.json the last known addresses of the cells
    guard.json     what the guard has to know of the past
    table.map      what HAProxy reads when it starts: the mark, then all lines, sorted by key
    cells.map      and where the cells are

Every file is written beside its place, synced and renamed, so that each is whole or not there.
What comes between `hold` and `settle` waits in memory, so that HAProxy need not wait for the disk.
Refuses to hold a table in memory: a million organizations are about 55 MB.
"""

import json
import os
import shutil
import threading
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any, NamedTuple

from agent.buckets import MARK, Lines, Section, map_lines
from agent.lines import Part, holding, merged

TABLE = "table"
"""The map of organizations; the other one is of `cells`."""


class MovedOnError(Exception):
    """The shards are not those of the table that was asked for any more."""


class Shard(NamedTuple):
    """The checksum of a shard's text in the directory, and its number of entries of each kind."""

    checksum: str
    entries: tuple[int, ...]


class Store:
    """One folder; only the agent writes to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._holding = False
        self._held: dict[Path, list[bytes]] = {}
        self._needed: set[int] = set()
        self._dropping = threading.Lock()

    def hold(self) -> None:
        """Keep shards and values in memory from now on; only for a turn."""
        self._holding = True

    def settle(self) -> None:
        """Write what was held, in the order in which it came."""
        self._holding = False
        for file, parts in self._held.items():
            _write(file, parts)
        self._held = {}

    def map_file(self, name: str) -> Path:
        """Return the path of a map, which is also its name in HAProxy."""
        return self.folder / f"{name}.map"

    def shards(self, count: int) -> dict[int, Shard]:
        """Return what is kept whole of a table of `count` shards."""
        found = {}
        for number in range(count):
            shard = _checked(self._shard_file(count, number))
            if shard is not None:
                found[number] = shard
        return found

    def section(self, count: int, number: int) -> bytes:
        """Return the lines of a shard's section."""
        with ExitStack() as stack:
            text, start, end = self._part(stack, count, number)[1]
            return text[start:end]

    def holders(self, count: int, buckets: set[bytes]) -> dict[int, Lines]:
        """Return the lines for some buckets by the number of the shard."""
        found = {}
        for number in range(count) if buckets else ():
            with ExitStack() as stack:
                lines = holding(self._part(stack, count, number)[1], buckets)
            if lines:
                found[number] = lines
        return found

    def put_shard(self, count: int, number: int, checksum: str, section: Section) -> Shard:
        """Keep one shard."""
        text, entries = section
        header = {"checksum": checksum, "entries": entries, "crc": zlib.crc32(text)}
        file = self._shard_file(count, number)
        file.parent.mkdir(exist_ok=True)
        self._put(file, [json.dumps(header).encode() + b"\n", text])
        return Shard(checksum, entries)

    def need(self, *counts: int) -> None:
        """Say which shards stay: those of the tables with these numbers of shards."""
        with self._dropping:
            self._needed = set(counts)

    def drop_shards(self) -> None:
        """Forget the shards of all other tables; from another thread than `need`."""
        with self._dropping:
            for folder in self.folder.glob("shards-*"):
                if folder.name not in {f"shards-{count}" for count in self._needed}:
                    shutil.rmtree(folder)

    def whole_map(self, checksums: Sequence[str], mark: str) -> Iterator[bytes]:
        """Yield the text of the map in pieces: the mark, then all lines, sorted by key.

        Raises MovedOnError where the shards have not these checksums.
        """
        yield b"%s %s\n" % (MARK, mark.encode())
        with ExitStack() as stack:
            parts = []
            for number, checksum in enumerate(checksums):
                header, part = self._part(stack, len(checksums), number)
                if header["checksum"] != checksum:
                    raise MovedOnError
                parts.append(part)
            for lines in merged(parts):
                yield b"".join(b"%s\n" % line for line in map_lines(lines))

    def put_map(self, name: str, parts: Iterable[bytes]) -> None:
        """Write what HAProxy reads when it starts."""
        _write(self.map_file(name), parts)

    def mark(self) -> str:
        """Return the mark of the table that the map on disk was made from; empty without one."""
        try:
            with self.map_file(TABLE).open("rb") as file:
                key, _, mark = file.readline().rstrip(b"\n").partition(b" ")
        except FileNotFoundError:
            return ""
        return mark.decode(errors="replace") if key == MARK else ""

    def recall(self, name: str) -> dict[str, Any]:
        """Return what `keep` was given under the name, or nothing."""
        try:
            found = json.loads((self.folder / f"{name}.json").read_bytes())
        except (FileNotFoundError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def keep(self, name: str, value: Mapping[str, Any]) -> None:
        """Keep a small value under the name."""
        self._put(self.folder / f"{name}.json", [json.dumps(value, indent=1).encode() + b"\n"])

    def _shard_file(self, count: int, number: int) -> Path:
        return self.folder / f"shards-{count}" / f"{number:02d}"

    def _part(self, stack: ExitStack, count: int, number: int) -> tuple[dict[str, Any], Part]:
        """Return what the first line of a shard's file says, and its section."""
        file = self._shard_file(count, number)
        if (held := self._held.get(file)) is not None:
            return json.loads(held[0]), Part(held[1], 0, len(held[1]))
        with file.open("rb") as opened:
            text = stack.enter_context(mmap(opened.fileno(), 0, access=ACCESS_READ))
        start = text.find(b"\n") + 1
        return json.loads(text[:start]), Part(text, start, len(text))

    def _put(self, file: Path, parts: list[bytes]) -> None:
        if self._holding:
            self._held.pop(file, None)
            self._held[file] = parts
        else:
            _write(file, parts)


def _checked(file: Path) -> Shard | None:
    try:
        with file.open("rb") as opened:
            header = json.loads(opened.readline())
            whole = zlib.crc32(opened.read()) == header["crc"]
            return Shard(header["checksum"], tuple(header["entries"])) if whole else None
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def _write(file: Path, parts: Iterable[bytes]) -> None:
    beside = file.with_name(file.name + ".new")
    with beside.open("wb") as opened:
        for part in parts:
            opened.write(part)
        opened.flush()
        os.fsync(opened.fileno())
    beside.replace(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
