"""A placer without threads or containers: a turn at a time, with a database in memory."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent.answers import read_one
from agent.api import Batch
from agent.config_map import ConfigMap
from agent.directory import Endpoint
from agent.ed25519 import PublicKey
from agent.origin import Origin
from placement.database import DatabaseError, Placed
from placement.placer import Placer
from placement.settings import Settings
from placement.status import Status
from placement.wanted import Organization

from tests.router.directory import CLUSTER, FLEET_ID, NAMESPACE, Directory, public


@dataclass(slots=True)
class Memory:
    """What stands for the database."""

    rows: dict[int, str] = field(default_factory=dict)
    visits: set[Organization] = field(default_factory=set)
    away: str = ""
    connections: int = 0
    looks: int = 0
    meanwhile: Callable[[], None] = lambda: None
    """What happens while rows are written."""

    def check(self) -> None:
        self.looks += 1
        if self.away:
            raise DatabaseError(self.away)
        self.connections = self.connections or 1

    def place(self, residents: Sequence[Organization]) -> Placed:
        new = {one.id: one.name for one in residents if one.id not in self.rows}
        self.rows |= new
        self.meanwhile()
        return Placed(len(new))

    def set_visits(
        self, visitors: Sequence[Organization], is_known: Callable[[str], bool]
    ) -> Placed:
        stay = {one for one in self.visits if not is_known(one.name)}
        self.visits = stay | set(visitors)
        return Placed()

    def close(self) -> None:
        """Nothing is open."""


@dataclass(slots=True)
class Bench:
    """A placement of the cell alpha, whose main loop is turned by hand."""

    folder: Path
    directory: Directory
    database: Memory = field(default_factory=Memory)
    version: int = 100
    status: Status = field(init=False)
    placer: Any = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Start the placement, anew with the table on its disk."""
        self.status = Status()
        origin = Origin(FLEET_ID, CLUSTER, (PublicKey(public()),), homes=True)
        nowhere, api = Path("/nowhere"), Endpoint("nowhere", 1)
        settings = Settings("alpha", origin, NAMESPACE, api, nowhere, self.folder, "", 0, nowhere)
        self.placer = Placer(settings, self.status)
        self.placer._database = self.database

    def object(self, number: int) -> dict[str, Any]:
        """Return a shard as the directory has it."""
        name = f"directory-{number:02d}"
        return next(one for one in self.directory.objects() if one["metadata"]["name"] == name)

    def list(self, *others: dict[str, Any]) -> None:
        """Hear a whole list: what the directory says, with others in their places."""
        instead = {one["metadata"]["name"]: one for one in others}
        found = [instead.get(one["metadata"]["name"], one) for one in self.directory.objects()]
        read = [self._read(one) for one in found]
        names = frozenset(one.name for one in read)
        self.turn(Batch(read, self.version, begins=True, present=names))

    def watch(self, *changed: dict[str, Any]) -> None:
        """Hear of changes, as a watch tells them."""
        self.turn(*(Batch([self._read(one)], self.version) for one in changed))

    def turn(self, *batches: Batch) -> None:
        """Turn the main loop once."""
        self.placer._take(batches)
        self.placer._turn(lambda: False)
        self.placer._tell()

    def pass_time(self, seconds: float) -> None:
        """Let time pass in which nothing is heard."""
        for name in ("_confirmed", "_compared", "_checked"):
            if (at := getattr(self.placer, name)) is not None:
                setattr(self.placer, name, at - seconds)
        if self.placer.directory.heard is not None:
            self.placer.directory.heard -= seconds

    def hear(self) -> None:
        """Let the API server say something that is no change, as when a watch is begun anew."""
        self.placer.directory.heard = time.monotonic()

    def _read(self, one: dict[str, Any]) -> ConfigMap:
        self.version += 1
        one["metadata"]["resourceVersion"] = str(self.version)
        return read_one(json.dumps(one).encode())
