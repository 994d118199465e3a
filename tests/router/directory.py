"""The directory of a fleet in a test, and the ConfigMaps that the fleet's stack makes of it."""

import hashlib
import zlib
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import Any

NAMESPACE = "cellwright-directory"


@dataclass(frozen=True, slots=True)
class Organization:
    """One organization, as a line of the directory says it."""

    name: str
    id: int
    cell: str
    state: str = "active"
    path: str = ""
    hosts: tuple[str, ...] = ()
    limits: str = ""

    @property
    def line(self) -> str:
        fields = (self.name, self.id, self.cell, self.state, self.path or self.name)
        return "\t".join(map(str, (*fields, ",".join(self.hosts), self.limits))) + "\n"

    @property
    def value(self) -> str:
        value = f"{self.state}:{self.cell}:{self.id}:{self.name}"
        return f"{value}:{self.limits}" if self.limits else value


@dataclass(slots=True)
class Directory:
    """Organizations by name and cells by name, and what the fleet says of changes."""

    shards: int = 4
    epoch: int = 1
    maximum_loss: int = 20
    organizations: dict[str, Organization] = field(default_factory=dict)
    cells: dict[str, tuple[int, str, int]] = field(default_factory=dict)

    def add(self, name: str, cell: str, **more: Any) -> None:
        ids = [one.id for one in self.organizations.values()]
        self.organizations[name] = Organization(name, max(ids, default=1000) + 1, cell, **more)

    def change(self, name: str, **fields: Any) -> None:
        self.organizations[name] = replace(self.organizations[name], **fields)

    def texts(self) -> dict[str, str]:
        """Return the text of each ConfigMap by its name."""
        lines: list[list[str]] = [[] for _ in range(self.shards)]
        for one in self.organizations.values():
            lines[zlib.crc32(one.name.encode()) % self.shards].append(one.line)
        texts = {f"directory-{n:02d}": "".join(sorted(shard)) for n, shard in enumerate(lines)}
        cells = sorted(
            f"{name}\t{i}\t{host}\t{port}\n" for name, (i, host, port) in self.cells.items()
        )
        return {**texts, "directory-cells": "".join(cells)}

    def objects(self) -> list[dict[str, Any]]:
        """Return the ConfigMaps."""
        rules = (self.epoch, self.maximum_loss)
        return [
            config_map(name, text, _sha256(text), self.shards, rules)
            for name, text in self.texts().items()
        ]

    def mark(self) -> str:
        """Return the checksum of the whole table, as `docs/routing.md` defines it."""
        lines = [f"{name}\t{_sha256(text)}\n" for name, text in sorted(self.texts().items())]
        return _sha256("".join(lines))

    def lines(self) -> dict[str, set[str]]:
        """Return what HAProxy's map should hold: entries, by the hash that their keys share."""
        found: dict[str, set[str]] = defaultdict(set)
        for one in self.organizations.values():
            path, value = one.path or one.name, one.value
            entries = dict.fromkeys(one.hosts, one.name)
            entries |= {path: value} if path == one.name else {path: f"@{one.name}"}
            entries |= {} if path == one.name else {f"@{one.name}": value}
            for key, said in entries.items():
                bucket = zlib.crc32(key.removeprefix("@").encode()) % 131072
                found[str(bucket)].add(f"{key}={said}")
        return dict(found)


def config_map(
    name: str, text: str, checksum: str, shards: int, rules: tuple[int, int] = (1, 100)
) -> dict[str, Any]:
    """Return a ConfigMap of the directory, as the fleet's stack writes it.

    The rules are the epoch and the share that may be lost.
    """
    cells = name == "directory-cells"
    annotations = {"cellwright.dev/checksum": checksum}
    if cells:
        annotations["cellwright.dev/shards"] = str(shards)
        annotations["cellwright.dev/epoch"] = str(rules[0])
        annotations["cellwright.dev/maximum-loss"] = str(rules[1])
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": name,
            "namespace": NAMESPACE,
            "labels": {"cellwright.dev/directory": "cells" if cells else "shard"},
            "annotations": annotations,
        },
        "data": {"cells" if cells else "table": text},
    }


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
