"""The table: which shards and cells the directory says, accepted whole or not at all.

A ConfigMap that is refused leaves the last good one in place; one that vanishes says nothing about
its organizations, so it is no reason to forget them. Refuses to serve a table that lacks a shard,
also while the number of shards changes: the old table is served until the new one is all there.
What is well-formed but not the fleet's own (`origin`), older than what is served, or takes too much
from organizations (`guard`) is refused too.
"""

import hashlib
import re
from collections.abc import Collection, Iterable
from typing import NamedTuple

from agent.config_map import CELLS, ConfigMap
from agent.directory import (
    KINDS,
    Endpoint,
    MalformedError,
    check_shard,
    count_kinds,
    parse_cells,
    parse_homes,
)
from agent.guard import Guard, RefusedError, Rules, read_rules
from agent.hour import Counts, Fresh
from agent.lines import Change
from agent.losses import Losses, losses
from agent.origin import Origin
from agent.pending import Pending
from agent.store import Shard, Store

WHOLE = "directory"
"""Under this name stands why a table with another number of shards is refused."""

_SHARD = re.compile(r"directory-([0-9]{2,4})")
_COUNT = re.compile(r"[1-9][0-9]{0,3}")


class Refusal(NamedTuple):
    """Why a ConfigMap is not in the table: `kind` is that of the error, or `malformed`."""

    kind: str
    reason: str
    version: int


class Table:
    """The table that is kept in `store`."""

    def __init__(self, store: Store, origin: Origin) -> None:
        self._store = store
        self._origin = origin
        state = store.recall("state")
        self.cells = {name: Endpoint(*one) for name, one in state.get("cells", {}).items()}
        self.refused: dict[str, Refusal] = {}
        """Why the newest form of a ConfigMap is not in the table, by name."""
        self.count: int = state.get("count", 0)
        """How many shards the table has; 0 until there is one."""
        self.coming: int = state.get("coming", 0)
        """How many shards the directory says; another number while they are being collected."""
        self._cells_checksum: str = state.get("checksum", "")
        store.need(self.count, self.coming)
        self._shards = store.shards(self.count)
        if len(self._shards) < self.count:
            self.count, self._shards = 0, {}
        self._arrived = {} if self.coming == self.count else store.shards(self.coming)
        self._kept = store.recall("guard")
        self._guard = Guard(self._kept)
        self._heard = 0
        self.version: int = self._kept.get("version", 0)
        """The largest resourceVersion of the ConfigMaps in the table; 0 if none is known."""
        self.resource_version: int = self._kept.get("resource_version", 0)
        """Everything that the directory said up to this resourceVersion is in the table."""
        self._pending = Pending(self.mark)

    @property
    def complete(self) -> bool:
        """Whether there is a table to serve."""
        return self.count > 0

    @property
    def mark(self) -> str:
        """The checksum of the table: SHA-256 of one line per ConfigMap, the cells last.

        A line is the ConfigMap's name, a tab, and the SHA-256 of its text.
        """
        checksums = enumerate(self.checksums)
        lines = [f"directory-{number:02d}\t{checksum}\n" for number, checksum in checksums]
        text = "".join([*lines, f"{CELLS}\t{self._cells_checksum}\n"])
        return hashlib.sha256(text.encode()).hexdigest()

    def entries(self, kind: str) -> int:
        """Return the number of entries of a kind."""
        index = KINDS.index(kind)
        return sum(shard.entries[index] for shard in self._shards.values())

    @property
    def checksums(self) -> tuple[str, ...]:
        """The checksum of each shard of the table, by number."""
        return tuple(self._shards[number].checksum for number in range(self.count))

    @property
    def shards(self) -> tuple[Shard, ...]:
        """The shards of the table, by number."""
        return tuple(self._shards[number] for number in range(self.count))

    def text(self, number: int) -> bytes:
        """Return the text of a shard of the table."""
        return self._store.text(self.count, number)

    @property
    def rules(self) -> Rules:
        """What is refused though it is well-formed: by others it is worth another look."""
        return self._guard.rules

    def take(
        self,
        found: Iterable[ConfigMap],
        version: int = 0,
        gone: Collection[str] = (),
        present: Collection[str] | None = None,
    ) -> None:
        """Accept what is good of the ConfigMaps.

        `version` says that with these everything up to it has been said. A refusal ends with the
        ConfigMap itself: if it is `gone`, or not among those that are `present`.
        """
        newest = {one.name: one for one in found}
        for one in sorted(newest.values(), key=lambda one: one.name != CELLS):
            try:
                self._take_one(one)
            except MalformedError as error:
                self.refused[one.name] = Refusal("malformed", str(error), one.version)
            except RefusedError as error:
                self.refused[one.name] = Refusal(error.kind, str(error), one.version)
            else:
                self.refused.pop(one.name, None)
        for name in set(self.refused) - {WHOLE}:
            if name in gone or (present is not None and name not in present):
                del self.refused[name]
        if newest:
            self._exchange()
        self._heard = version or self._heard
        self._settle()

    @property
    def changes_much(self) -> bool:
        """Whether so much has changed since HAProxy was told that more of it is worth a wait."""
        return self._pending.large

    def change_from(self, mark: str) -> Change | None:
        """Return what leads the map from the table with this mark here; None to build it anew."""
        if mark == self.mark:
            return Change()
        return self._pending.change(self._store, self.count) if mark == self._pending.mark else None

    def told(self) -> None:
        """Say that HAProxy has the table as it is now."""
        self._pending = Pending(self.mark)

    def _exchange(self) -> None:
        """Go over to the table with another number of shards, if it is all there and good."""
        self.refused.pop(WHOLE, None)
        if self.coming == self.count or len(self._arrived) < self.coming:
            return
        try:
            self._guard_exchange()
        except (MalformedError, RefusedError) as error:
            kind = error.kind if isinstance(error, RefusedError) else "malformed"
            version = self._guard.versions.get(CELLS, 0)
            self.refused[WHOLE] = Refusal(kind, str(error), version)
            return
        self.count, self._shards, self._arrived = self.coming, self._arrived, {}
        self._store.need(self.count)
        self._keep_state()
        self._pending.note_all()

    def _guard_exchange(self) -> None:
        """Raise RefusedError if the table with another number of shards loses too much."""
        if not self.count or self._guard.permits_all:
            return
        present, fresh, all_losses = self._counts(), Fresh(set(), set()), Losses()
        for number in range(self.count):
            first = number * self.coming // self.count
            last = ((number + 1) * self.coming - 1) // self.count
            new = [self._store.text(self.coming, one) for one in range(first, last + 1)]
            found = losses(self._store.text(self.count, number), b"".join(new))
            fresh.join(self._guard.hour.fresh(found))
            all_losses.join(found)
            self._guard.check_loss(present, fresh, all_losses)
        self._guard.hour.note(present, fresh)

    def _settle(self) -> None:
        """Say up to where the table is complete, and keep that with what the guard knows."""
        if self.count and self.coming == self.count:
            self.version = max(self._guard.versions.values(), default=0)
            refused = [one.version - 1 for one in self.refused.values() if one.version]
            if self._heard:
                self.resource_version = min([self._heard, *refused])
        said = {"version": self.version, "resource_version": self.resource_version}
        kept = {**self._guard.to_keep(), **said}
        if kept != self._kept:
            self._store.keep("guard", kept)
            self._kept = kept

    def _take_one(self, one: ConfigMap) -> None:
        self._origin.check(one)
        if hashlib.sha256(one.text).hexdigest() != one.checksum:
            raise MalformedError("the checksum is not that of the text")
        number = _SHARD.fullmatch(one.name)
        if one.name == CELLS:
            self._take_cells(one)
        elif number and int(number[1]) < self.coming:
            self._take_shard(int(number[1]), one)

    def _take_cells(self, one: ConfigMap) -> None:
        if not _COUNT.fullmatch(one.shards):
            raise MalformedError(f"{one.shards!r} is not a number of shards")
        try:
            rules = read_rules(one.epoch, one.maximum_loss)
        except ValueError as error:
            raise MalformedError(str(error)) from None
        cells, count = parse_cells(one.text), int(one.shards)
        known = (self.coming, self._cells_checksum, self._guard.rules)
        if (count, one.checksum, rules) != known:
            if self.coming and rules.epoch <= self._guard.rules.epoch:
                self._guard.check_version(one.name, one.version)
            self._guard.adopt(rules)
            if count != self.coming:
                self._store.need(self.count, count)
                self._arrived = {} if count == self.count else self._store.shards(count)
            self.coming, self.cells, self._cells_checksum = count, cells, one.checksum
            self._keep_state()
        self._guard.versions[one.name] = one.version

    def _take_shard(self, number: int, one: ConfigMap) -> None:
        if one.shards != str(self.coming):
            raise MalformedError(f"it is one of {one.shards!r} shards, not of {self.coming}")
        serving = self.coming == self.count
        kept = self._shards if serving else self._arrived
        homes = one.homes if self._origin.homes else ""
        known = kept.get(number)
        if known and (known.checksum, known.homes) == (one.checksum, homes):
            self._guard.versions[one.name] = one.version
            return
        if number in kept or number in self._shards:
            self._guard.check_version(one.name, one.version)
        check_shard(one.text, number, self.coming)
        parse_homes(homes)
        shard = Shard(one.checksum, count_kinds(one.text), homes)
        if serving:
            was, text = kept[number], self._store.text(self.count, number)
            self._guard_shard(was, text, one.text)
            size = max(sum(was.entries), sum(shard.entries))
            self._pending.note(number, text, size, sum(map(self.entries, KINDS)))
        self._store.put_shard(self.coming, number, shard, one.text)
        kept[number] = shard
        self._guard.versions[one.name] = one.version

    def _guard_shard(self, was: Shard, old: bytes, new: bytes) -> None:
        """Raise RefusedError if a shard of the served table may not lose so much."""
        if self._guard.permits_all:
            return
        found = losses(old, new)
        present, fresh = self._counts(), self._guard.hour.fresh(found)
        self._guard.check_loss(present, fresh, found)
        entries = dict(zip(KINDS, was.entries, strict=True))
        sample = Counts(entries["path"] + entries["name"], entries["host"])
        self._guard.check_sample(sample, fresh, found)
        self._guard.hour.note(present, fresh)

    def _counts(self) -> Counts:
        return Counts(self.entries("path"), self.entries("host"))

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
