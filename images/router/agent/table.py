"""The table: which shards and cells the directory says, accepted whole or not at all.

A ConfigMap that is refused leaves the last good one in place; one that vanishes says nothing about
its organizations, so it is no reason to forget them. Refuses to serve a table that lacks a shard,
also while the number of shards changes: the old table is served until the new one is all there.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from agent.directory import Endpoint, MalformedError, parse_cells, parse_shard
from agent.maps import MAPS, Change, Lines, change_between, difference, holding, sections
from agent.store import Store

CELLS = "directory-cells"
_SHARD = re.compile(r"directory-([0-9]{2,4})")
_COUNT = re.compile(r"[1-9][0-9]{0,3}")


@dataclass(frozen=True, slots=True)
class ConfigMap:
    """What the agent reads of one ConfigMap; `shards` is said by `directory-cells` only."""

    name: str
    text: bytes
    checksum: str
    shards: str = ""


class Step(NamedTuple):
    """The change to each map that leads on from the table with mark `before`.

    No changes at all stand for a table with another number of shards, to be built anew.
    """

    before: str
    changes: Mapping[str, Change] | None


@dataclass(slots=True)
class _Differing:
    """By map and number of the shard, the lines that only the old or only the new shards have."""

    before: dict[str, dict[int, Lines]] = field(default_factory=lambda: {name: {} for name in MAPS})
    after: dict[str, dict[int, Lines]] = field(default_factory=lambda: {name: {} for name in MAPS})


class Table:
    """The table that is kept in `store`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        state = store.recall("state")
        self.cells = {name: Endpoint(*one) for name, one in state.get("cells", {}).items()}
        self.refused: dict[str, str] = {}
        """Why the newest form of a ConfigMap is not in the table, by name."""
        self.count: int = state.get("count", 0)
        """How many shards the table has; 0 until there is one."""
        self.coming: int = state.get("coming", 0)
        """How many shards the directory says; another number while they are being collected."""
        self._contested: dict[str, set[bytes]] = {name: set() for name in MAPS}
        self._cells_checksum: str = state.get("checksum", "")
        self._shards = store.shards(self.count)
        if len(self._shards) < self.count:
            self.count, self._shards = 0, {}
        self._arrived = {} if self.coming == self.count else store.shards(self.coming)

    @property
    def complete(self) -> bool:
        """Whether there is a table to serve."""
        return self.count > 0

    @property
    def mark(self) -> str:
        """The checksum of the table: SHA-256 of one line per ConfigMap, the cells last.

        A line is the ConfigMap's name, a tab, and the SHA-256 of its text.
        """
        numbers = range(self.count)
        lines = [f"directory-{number:02d}\t{self._shards[number].checksum}\n" for number in numbers]
        text = "".join([*lines, f"{CELLS}\t{self._cells_checksum}\n"])
        return hashlib.sha256(text.encode()).hexdigest()

    def entries(self, name: str) -> int:
        """Return the number of lines in map `name`."""
        index = MAPS.index(name)
        return sum(shard.entries[index] for shard in self._shards.values())

    def take(self, found: Iterable[ConfigMap]) -> Step:
        """Accept what is good of the ConfigMaps; return what that changes."""
        before = self.mark
        differing = _Differing()
        newest = {one.name: one for one in found}
        for one in sorted(newest.values(), key=lambda one: one.name != CELLS):
            try:
                self._take_one(one, differing)
            except MalformedError as error:
                self.refused[one.name] = str(error)
            else:
                self.refused.pop(one.name, None)
        if self.coming != self.count and len(self._arrived) == self.coming:
            self.count, self._shards, self._arrived = self.coming, self._arrived, {}
            self._keep_state()
            return Step(before, None)
        return Step(before, {name: self._change(name, differing) for name in MAPS})

    def _take_one(self, one: ConfigMap, differing: _Differing) -> None:
        if hashlib.sha256(one.text).hexdigest() != one.checksum:
            raise MalformedError("the checksum is not that of the text")
        number = _SHARD.fullmatch(one.name)
        if one.name == CELLS:
            self._take_cells(one)
        elif number and int(number[1]) < self.coming:
            self._take_shard(int(number[1]), one, differing)

    def _take_cells(self, one: ConfigMap) -> None:
        if not _COUNT.fullmatch(one.shards):
            raise MalformedError(f"{one.shards!r} is not a number of shards")
        cells, count = parse_cells(one.text), int(one.shards)
        if (count, one.checksum) == (self.coming, self._cells_checksum):
            return
        if count != self.coming:
            self._arrived = {} if count == self.count else self._store.shards(count)
        self.coming, self.cells, self._cells_checksum = count, cells, one.checksum
        self._keep_state()

    def _take_shard(self, number: int, one: ConfigMap, differing: _Differing) -> None:
        serving = self.coming == self.count
        kept = self._shards if serving else self._arrived
        if number in kept and kept[number].checksum == one.checksum:
            return
        made = sections(parse_shard(one.text, number, self.coming))
        if serving:
            for name in MAPS:
                old = self._store.section(self.count, number, name)
                before, after = difference(old, made[name])
                if before:
                    differing.before[name][number] = before
                if after:
                    differing.after[name][number] = after
        kept[number] = self._store.put_shard(self.coming, number, one.checksum, made)

    def _change(self, name: str, differing: _Differing) -> Change:
        return change_between(
            differing.before[name],
            differing.after[name],
            lambda keys: self._holders(name, keys),
            self._contested[name],
        )

    def _holders(self, name: str, keys: set[bytes]) -> dict[int, Lines]:
        found = {
            number: holding(self._store.section(self.count, number, name), keys)
            for number in range(self.count)
        }
        return {number: lines for number, lines in found.items() if lines}

    def _keep_state(self) -> None:
        self._store.keep(
            "state",
            {
                "count": self.count,
                "coming": self.coming,
                "checksum": self._cells_checksum,
                "cells": self.cells,
            },
        )
