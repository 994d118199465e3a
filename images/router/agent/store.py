"""The last good table on disk: what a router starts and serves from when all else is away.

    shards-64/07   one shard: a line of JSON, then its text as in the directory
    state.json     how many shards there are, and the list of cells
    addresses.json the last known addresses of the cells
    guard.json     what the guard has to know of the past
    table.map      what HAProxy reads when it starts: the mark, then all lines, sorted by key
    cells.map      and where the cells are

Every file is written beside its place, synced and renamed, so that each is whole or not there.
What comes between `hold` and `settle` waits in memory, so that HAProxy need not wait for the disk.
Refuses to hold a table in memory: a million organizations are about 55 MB.
"""

import hashlib
import json
import os
import shutil
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from agent.lines import MARK

TABLE = "table"
"""The map of organizations; the other one is of `cells`."""


class MovedOnError(Exception):
    """The shards are not those of the table that was asked for any more."""


class Shard(NamedTuple):
    """The checksum of a shard's text in the directory, and its number of entries of each kind.

    Its `homes` as the directory has them, where they are taken.
    """

    checksum: str
    entries: tuple[int, ...]
    homes: str = ""


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
        """Write what was held; each takes its place in the order in which it came."""
        self._holding = False
        _write(self._held)
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

    def text(self, count: int, number: int) -> bytes:
        """Return a shard's text."""
        return self._shard(count, number)[1]

    def put_shard(self, count: int, number: int, shard: Shard, text: bytes) -> None:
        """Keep one shard."""
        file = self._shard_file(count, number)
        file.parent.mkdir(exist_ok=True)
        self._put(file, [json.dumps(shard._asdict()).encode() + b"\n", text])

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
        """Yield the text of the map in pieces: the mark, then shard by shard.

        Raises MovedOnError where the shards have not these checksums.
        """
        yield b"%s %s\n" % (MARK, mark.encode())
        for number, checksum in enumerate(checksums):
            shard, text = self._shard(len(checksums), number)
            if shard.checksum != checksum:
                raise MovedOnError
            yield text

    def put_map(self, name: str, parts: Iterable[bytes]) -> None:
        """Write what HAProxy reads when it starts."""
        _write({self.map_file(name): parts})

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

    def _shard(self, count: int, number: int) -> tuple[Shard, bytes]:
        file = self._shard_file(count, number)
        held = self._held.get(file)
        header, text = held if held is not None else file.read_bytes().split(b"\n", 1)
        return _shard_of(header), text

    def _put(self, file: Path, parts: list[bytes]) -> None:
        if self._holding:
            self._held.pop(file, None)
            self._held[file] = parts
        else:
            _write({file: parts})


def _checked(file: Path) -> Shard | None:
    """Return what is kept of a shard, if its file is whole."""
    try:
        header, text = file.read_bytes().split(b"\n", 1)
        shard = _shard_of(header)
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return shard if hashlib.sha256(text).hexdigest() == shard.checksum else None


def _shard_of(header: bytes) -> Shard:
    said = json.loads(header)
    return Shard(said["checksum"], tuple(said["entries"]), said["homes"])


def _write(files: Mapping[Path, Iterable[bytes]]) -> None:
    """Write files whole: all are synced beside their places before the first takes its own.

    Together, since the first sync of several often brings the others to the disk with it. Folders
    are synced in turn, so that `state.json` never says more shards than a lost node has kept.
    """
    for file, parts in files.items():
        with _beside(file).open("wb") as opened:
            opened.writelines(parts)
    for file in files:
        _sync(_beside(file))
    for folder, inside in groupby(files, key=lambda file: file.parent):
        for file in inside:
            _beside(file).replace(file)
        _sync(folder)


def _beside(file: Path) -> Path:
    return file.with_name(file.name + ".new")


def _sync(place: Path) -> None:
    """Wait until a file or a folder is on the disk."""
    opened = os.open(place, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
