"""The directory of a fleet in a test, and the ConfigMaps that the fleet's stack makes of it.

Written apart from the package, so that one is tested against the other.
"""

import base64
import hashlib
import zlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

NAMESPACE = "cellwright-directory"
FLEET_ID = "0123456789abcdef"
CLUSTER = "local"
SIGNING = Ed25519PrivateKey.from_private_bytes(b"the directory's key of these tests"[:32])
"""What the fleet signs with; routers have the public half."""


@dataclass(frozen=True, slots=True)
class Organization:
    """One organization, as a line of the directory says it.

    An override sends its requests to `cell` while it lives in `home`.
    """

    name: str
    id: int
    cell: str
    state: str = "active"
    path: str = ""
    hosts: tuple[str, ...] = ()
    limits: str = ""
    home: str = ""
    writes: str = "refuse"

    @property
    def entries(self) -> dict[str, str]:
        """Return what is known by each of its keys."""
        path, value = self.path or self.name, f"{self.state}:{self.cell}:{self.id}:{self.name}"
        value += f":{self.limits}" if self.limits else ""
        by_name = {path: value} if path == self.name else {path: f"@{self.name}"}
        by_name |= {} if path == self.name else {f"@{self.name}": value}
        return by_name | dict.fromkeys(self.hosts, self.name)


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
        entries = [pair for one in self.organizations.values() for pair in one.entries.items()]
        shards = enumerate(shard_texts(entries, self.shards))
        texts = {f"directory-{number:02d}": text for number, text in shards}
        cells = sorted(
            f"{name}\t{i}\t{host}\t{port}\n" for name, (i, host, port) in self.cells.items()
        )
        return {**texts, "directory-cells": "".join(cells)}

    def objects(self) -> list[dict[str, Any]]:
        """Return the ConfigMaps."""
        rules = (self.epoch, self.maximum_loss)
        return [
            with_homes(config_map(name, text, _sha256(text), self.shards, rules), self.homes(name))
            for name, text in self.texts().items()
        ]

    def homes(self, shard: str) -> str:
        """Return what stands beside the text of a shard."""
        return "".join(
            f"{one.name} {one.home} {one.writes}\n"
            for one in sorted(self.organizations.values(), key=lambda one: one.name)
            if one.home and f"directory-{shard_of(one.name, self.shards):02d}" == shard
        )

    def mark(self) -> str:
        """Return the checksum of the whole table, as `docs/routing.md` defines it."""
        lines = [f"{name}\t{_sha256(text)}\n" for name, text in sorted(self.texts().items())]
        return _sha256("".join(lines))

    def lines(self) -> dict[str, str]:
        """Return what HAProxy's map should hold."""
        shards = "".join(text for name, text in self.texts().items() if name != "directory-cells")
        return dict(line.split(" ") for line in shards.splitlines())


def bucket_of(key: str) -> int:
    """Return the bucket of a key."""
    return 131072 + zlib.crc32(key.removeprefix("@").encode()) % 131072


def shard_of(key: str, shards: int) -> int:
    """Return the number of the shard that has a key."""
    return (bucket_of(key) - 131072) * shards // 131072


def shard_texts(entries: Iterable[tuple[str, str]], shards: int) -> list[str]:
    """Return the text of each shard."""
    buckets: dict[int, dict[str, str]] = defaultdict(dict)
    for key, value in entries:
        buckets[bucket_of(key)].setdefault(key, value)
    texts = [""] * shards
    for bucket, found in sorted(buckets.items()):
        line, alone = ",", ""
        for key, value in sorted(found.items()):
            if alone or len(f"{line}{key}={value},") > 8000:
                alone += f"={key} {value}\n"
            else:
                line += f"{key}={value},"
        texts[shard_of(next(iter(found)), shards)] += f"{bucket} {line}\n{alone}"
    return texts


def config_map(
    name: str, text: str, checksum: str, shards: int, rules: tuple[int, int] = (1, 100)
) -> dict[str, Any]:
    """Return a ConfigMap of the directory, as the fleet's stack writes it.

    The rules are the epoch and the share that may be lost.
    """
    cells = name == "directory-cells"
    epoch, loss = (str(rules[0]), str(rules[1])) if cells else ("", "")
    annotations = {"cellwright.dev/checksum": checksum, "cellwright.dev/shards": str(shards)}
    annotations |= {"cellwright.dev/epoch": epoch, "cellwright.dev/maximum-loss": loss}
    annotations = {key: text for key, text in annotations.items() if text}
    annotations["cellwright.dev/signature"] = signature(name, str(shards), checksum, epoch, loss)
    made: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": name,
            "namespace": NAMESPACE,
            "labels": {
                "cellwright.dev/directory": "cells" if cells else "shard",
                "cellwright.dev/fleet-id": FLEET_ID,
            },
            "annotations": annotations,
        },
        "data": {"cells" if cells else "table": text},
    }
    return with_homes(made, "")


def with_homes(one: dict[str, Any], homes: str) -> dict[str, Any]:
    """Return a ConfigMap with these homes beside its table; the list of cells has none."""
    if "table" in one["data"]:
        notes, name = one["metadata"]["annotations"], one["metadata"]["name"]
        proof = homes_signature(name, notes["cellwright.dev/checksum"], homes)
        notes["cellwright.dev/homes-signature"] = proof
        one["data"]["homes"] = homes
    return one


def public(key: Ed25519PrivateKey = SIGNING) -> str:
    """Return the public half of a key as routers are given it."""
    raw = key.public_key().public_bytes_raw()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def signature(
    name: str, *said: str, fleet: str = FLEET_ID, key: Ed25519PrivateKey = SIGNING
) -> str:
    """Return what shows a router that the fleet has written a ConfigMap.

    It says the number of shards, the checksum, the epoch and the share that may be lost.
    """
    text = "\n".join(["cellwright directory", fleet, CLUSTER, name, *said])
    return key.sign(text.encode()).hex()


def homes_signature(name: str, checksum: str, homes: str) -> str:
    """Return what shows a placement that the fleet has written the homes beside a shard's text."""
    said = ("cellwright homes", FLEET_ID, CLUSTER, name, checksum, _sha256(homes))
    return SIGNING.sign("\n".join(said).encode()).hex()


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
