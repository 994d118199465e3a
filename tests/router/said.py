"""What a directory says, as the agent reads it, for tests of the table without HAProxy."""

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from agent.config_map import CELLS, ConfigMap
from agent.ed25519 import PublicKey
from agent.origin import Origin
from agent.store import Store
from agent.table import Table

from tests.router.directory import CLUSTER, FLEET_ID, public, shard_of, shard_texts, signature

ORIGIN = Origin(FLEET_ID, CLUSTER, (PublicKey(public()),))


class Said:
    """A directory of organizations by name; each shard is made where it is asked for."""

    def __init__(self, count: int = 100, shards: int = 4) -> None:
        self.names = [f"n{number}" for number in range(count)]
        self.shards = shards
        self.rules = {"epoch": "1", "maximum_loss": "20"}
        self.fleet = FLEET_ID
        self.changed: dict[str, str] = {}
        """State and cell of organizations that are not as the others, by name."""
        self.hosts: dict[str, str] = {}
        """Organizations by their hosts."""

    def of(self, name: str) -> int:
        """Return the number of a name's shard."""
        return shard_of(name, self.shards)

    def held(self, number: int, names: Iterable[str] | None = None) -> list[str]:
        """Return the names in a shard, sorted."""
        return sorted(
            name for name in (self.names if names is None else names) if self.of(name) == number
        )

    def shard(self, number: int, version: int = 0, names: Iterable[str] | None = None) -> ConfigMap:
        held = self.held(number, names)
        entries = [(name, self._home(name)) for name in held]
        entries += [pair for pair in self.hosts.items() if self.of(pair[0]) == number]
        text = shard_texts(entries, self.shards)[number]
        return config_map(f"directory-{number:02d}", text, version, **self._everywhere)

    @property
    def _everywhere(self) -> dict[str, str]:
        return {"fleet": self.fleet, "shards": str(self.shards)}

    def _home(self, name: str) -> str:
        return f"{self.changed.get(name, 'active:alpha')}:{int(name[1:]) + 1}:{name}"

    def without(self, count: int) -> list[str]:
        """Return the names but for some of the first shard's."""
        lost = self.held(0)[:count]
        return [name for name in self.names if name not in lost]

    def all(self, version: int = 0, names: Iterable[str] | None = None) -> list[ConfigMap]:
        kept = None if names is None else list(names)
        return [self.shard(number, version, kept) for number in range(self.shards)]

    def cells(self, version: int = 0, port: int = 80) -> ConfigMap:
        text = f"alpha\t1\thost\t{port}\n"
        return config_map(CELLS, text, version, **self._everywhere, **self.rules)


def config_map(name: str, text: str, version: int, **said: str) -> ConfigMap:
    """Return a ConfigMap as the fleet has written and signed it."""
    data = text.encode()
    fields = {"fleet": FLEET_ID, "shards": "1", **said}
    return signed(
        ConfigMap(name, data, hashlib.sha256(data).hexdigest(), version=version, **fields)
    )


def signed(one: ConfigMap) -> ConfigMap:
    """Return a ConfigMap with the signature of whoever has the key."""
    said = (one.shards, one.checksum, one.epoch, one.maximum_loss)
    return replace(one, signature=signature(one.name, *said, fleet=one.fleet))


def table_in(store: Store | Path) -> Table:
    """Return the table that is kept in a folder, of the fleet whose directory this is."""
    return Table(Store(store) if isinstance(store, Path) else store, ORIGIN)


def kinds(table: Table) -> dict[str, str]:
    return {name: one.kind for name, one in table.refused.items()}
