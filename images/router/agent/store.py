"""The last good table on disk: what a router starts and serves from when all else is away.

    shards-64/07   one shard: a line of JSON, then its sections as they stand in the maps
    state.json     how many shards there are, and the list of cells
    addresses.json the last known addresses of the cells
    path.map ...   what HAProxy reads when it starts; a copy of the sections in order

Every file is written beside its place, synced and renamed, so that each is whole or not there.
Refuses to hold a table in memory: a million organizations are about 50 MB for each map.
"""

import json
import os
import shutil
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from agent.maps import MAPS, MARK


class Shard(NamedTuple):
    """The checksum of a shard's text in the directory, and its number of lines in each map."""

    checksum: str
    entries: tuple[int, ...]


class Store:
    """One folder; only the agent writes to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

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

    def section(self, count: int, number: int, name: str) -> bytes:
        """Return the shard's part of map `name`."""
        with self._shard_file(count, number).open("rb") as file:
            sizes = json.loads(file.readline())["sizes"]
            index = MAPS.index(name)
            file.seek(sum(sizes[:index]), os.SEEK_CUR)
            return file.read(sizes[index])

    def put_shard(
        self, count: int, number: int, checksum: str, sections: Mapping[str, bytes]
    ) -> Shard:
        """Keep one shard."""
        body = [sections[name] for name in MAPS]
        entries = tuple(section.count(b"\n") for section in body)
        header = {
            "checksum": checksum,
            "entries": entries,
            "crc": zlib.crc32(b"".join(body)),
            "sizes": [len(section) for section in body],
        }
        file = self._shard_file(count, number)
        file.parent.mkdir(exist_ok=True)
        _write(file, [json.dumps(header).encode() + b"\n", *body])
        return Shard(checksum, entries)

    def drop_other_shards(self, count: int) -> None:
        """Forget the shards of tables with another number of shards."""
        for folder in self.folder.glob("shards-*"):
            if folder.name != f"shards-{count}":
                shutil.rmtree(folder)

    def whole_map(self, count: int, name: str, mark: str) -> Iterator[bytes]:
        """Yield the text of a whole map: the mark, then each section."""
        yield b"%s %s\n" % (MARK, mark.encode())
        for number in range(count):
            yield self.section(count, number, name)

    def put_map(self, name: str, parts: Iterable[bytes]) -> None:
        """Write what HAProxy reads when it starts."""
        _write(self.map_file(name), parts)

    def has_map(self, name: str, mark: str) -> bool:
        """Tell whether the map on disk was made from the table with this mark."""
        try:
            with self.map_file(name).open("rb") as file:
                return file.readline() == b"%s %s\n" % (MARK, mark.encode())
        except FileNotFoundError:
            return False

    def recall(self, name: str) -> dict[str, Any]:
        """Return what `keep` was given under the name, or nothing."""
        try:
            found = json.loads((self.folder / f"{name}.json").read_bytes())
        except (FileNotFoundError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def keep(self, name: str, value: Mapping[str, Any]) -> None:
        """Keep a small value under the name."""
        _write(self.folder / f"{name}.json", [json.dumps(value, indent=1).encode() + b"\n"])

    def _shard_file(self, count: int, number: int) -> Path:
        return self.folder / f"shards-{count}" / f"{number:02d}"


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
