"""The main loop: takes what the directory says and puts it into the database, shard by shard.

Only what the API server has said lately counts: the table on disk, or one that nobody has confirmed
for minutes, could give an organization back to a cell that it has left long ago. Everything is
compared with the database at the start, after each new connection, and now and then, so that rows
that got lost come back. Refuses to wait for anything but the database.
"""

import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from agent.api import Batch, Directory
from agent.intake import Intake
from agent.log import log
from agent.store import Shard, Store
from agent.table import Table

from placement.database import NOBODY, Database, DatabaseError, Placed
from placement.settings import Settings
from placement.status import Status
from placement.wanted import Organization, wanted

TURN = 1.0
"""Seconds between turns when nothing comes."""
PAUSES = (1.0, 15.0)
"""Seconds, the shortest and the longest, until a database that failed is tried again."""
FRESH = 300.0
"""Seconds for which the API server's word counts; it says something at least every four minutes."""
COMPARE = 600.0
"""Seconds between two comparisons of everything."""
CHECK = 5.0
"""Seconds between two looks whether the database answers."""
WAITING = 4
"""Messages that may wait; one with full shards has some megabytes."""


class Placer:
    """The directory on one side, the database on the other; threads are started by the caller."""

    def __init__(self, settings: Settings, status: Status) -> None:
        self._cell = settings.cell
        self._status = status
        self._messages: queue.Queue[Batch] = queue.Queue(WAITING)
        self._table = Table(Store(settings.table), settings.origin)
        self._database = Database(settings.password_file)
        self._connections = 0
        self._compared = 0.0
        self._listed = False
        self._done: dict[int, Shard] = {}
        """The shards of which the database has everything, by number."""
        self._counts: dict[int, int] = {}
        self._visitors: dict[int, list[Organization]] = {}
        self._placed: dict[int, Placed] = {}
        self._are_visits_due = False
        self._checked = 0.0
        self._try_again = 0.0
        self._pause = PAUSES[0]
        self.directory = Directory(settings.api, settings.credentials, settings.namespace)
        self._intake = Intake(self.directory, self._table)

    def put(self, batch: Batch) -> None:
        """Bring what the directory says, from any thread; waits while much is waiting."""
        self._messages.put(batch)

    def run(self, stopping: threading.Event) -> None:
        """Turn until told to stop."""
        batches: list[Batch] = []
        while not stopping.is_set():
            self._listed = self._listed or any(one.present is not None for one in batches)
            self._intake.take(batches)
            if self._table.complete and self._is_fresh() and time.monotonic() >= self._try_again:
                self._turn(stopping.is_set)
            self._tell()
            batches = self._next_batches()
        self._database.close()

    def _next_batches(self) -> list[Batch]:
        batches: list[Batch] = []
        with suppress(queue.Empty):
            batches.append(self._messages.get(timeout=TURN))
            while len(batches) < WAITING:
                batches.append(self._messages.get_nowait())
        return batches

    def _is_fresh(self) -> bool:
        heard = self.directory.heard
        return self._listed and heard is not None and time.monotonic() - heard < FRESH

    def _turn(self, is_stopping: Callable[[], bool]) -> None:
        """Bring the database to the table, as far as it goes."""
        try:
            self._check()
            self._forget()
            for number, shard in self._due():
                self._place(number, shard)
                self._status.turn = time.monotonic()
                if is_stopping():
                    return
            if self._are_visits_due and len(self._visitors) == self._table.count:
                everyone = [one for some in self._visitors.values() for one in some]
                self._status.visits += self._database.set_visits(everyone)
                self._are_visits_due = False
        except DatabaseError as error:
            self._fail(str(error))
        else:
            self._status.problem = ""
            self._pause = PAUSES[0]

    def _check(self) -> None:
        """Raise DatabaseError where the database does not answer."""
        now = time.monotonic()
        if self._status.problem or not self._connections or now - self._checked > CHECK:
            self._database.check()
            self._checked = now

    def _forget(self) -> None:
        """Let everything be compared again, where the database may be another or it is time."""
        now = time.monotonic()
        is_new = self._connections != self._database.connections
        if is_new or now - self._compared > COMPARE:
            self._connections, self._compared = self._database.connections, now
            self._done.clear()
            self._status.comparisons += 1
        if len(self._visitors) > self._table.count:
            for one in (self._done, self._counts, self._visitors, self._placed):
                one.clear()

    def _due(self) -> list[tuple[int, Shard]]:
        """Return the shards of which the database may lack something.

        One that is refused in its newest form says nothing new, and its last good form may be old.
        """
        return [
            (number, shard)
            for number, shard in enumerate(self._table.shards)
            if self._done.get(number) != shard
            and f"directory-{number:02d}" not in self._table.refused
        ]

    def _place(self, number: int, shard: Shard) -> None:
        found = wanted(self._table.text(number), shard.homes, self._cell)
        placed = self._database.place(found.residents)
        self._report(number, placed)
        self._counts[number] = len(found.residents)
        self._visitors[number] = found.visitors
        self._placed[number] = placed
        self._done[number] = shard
        self._are_visits_due = True
        self._status.added += placed.added
        self._status.named += placed.named

    def _report(self, number: int, placed: Placed) -> None:
        """Log whom the database does not take, once each."""
        before = self._placed.get(number, NOBODY)
        for one, owner in placed.owners.items():
            if before.owners.get(one) != owner:
                said = "an organization's id belongs to another one in this cell's database"
                log(said, organization=one.name, organization_id=one.id, owner=owner)
        for one, why in placed.refused.items():
            if before.refused.get(one) != why:
                said = "the database refuses an organization's row"
                log(said, organization=one.name, organization_id=one.id, error=why)
        if placed.added or placed.named:
            log("organizations are placed", shard=number, added=placed.added, named=placed.named)

    def _fail(self, why: str) -> None:
        self._status.failures += 1
        if self._status.problem != why:
            log("the database lacks what the directory says", error=why)
        self._status.problem = why
        self._try_again = time.monotonic() + self._pause
        self._pause = min(2 * self._pause, PAUSES[1])

    def _tell(self) -> None:
        status, table = self._status, self._table
        is_placed = self._connections > 0 and not (
            status.problem or self._due() or (self._are_visits_due and not table.refused)
        )
        status.refused = dict(table.refused)
        status.shards = table.count
        status.organizations = sum(self._counts.values())
        status.visitors = sum(map(len, self._visitors.values()))
        status.owners = {
            one: name for some in self._placed.values() for one, name in some.owners.items()
        }
        status.rows_refused = {
            one: why for some in self._placed.values() for one, why in some.refused.items()
        }
        status.heard = self.directory.heard
        status.refusals = self._intake.refusals
        status.odd_answers = self.directory.odd_answers
        if is_placed:
            status.checksum, status.version = table.mark, table.version
            status.placed, status.behind = True, None
            status.resource_version = table.resource_version
        else:
            status.placed = False
            status.behind = status.behind or time.monotonic()
        status.turn = time.monotonic()
