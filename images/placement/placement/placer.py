"""The main loop: takes what the directory says and puts it into the database, shard by shard.

Only what the API server has said lately counts: the table on disk, or one that nobody has confirmed
for minutes, could give an organization back to a cell that it has left long ago. After a silence a
whole list has to end first. Everything is compared with the database at the start, after each new
connection, and now and then, so that rows that got lost come back. Refuses to wait for anything but
the database.
"""

import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from agent.api import Batch, Directory
from agent.directory import shard_of
from agent.intake import Intake
from agent.log import log
from agent.store import Shard, Store
from agent.table import Table

from placement.database import Database, DatabaseError, Placed, joined
from placement.settings import Settings
from placement.status import Status
from placement.wanted import Organization, wanted

TURN = 1.0
"""Seconds between turns when nothing comes."""
PAUSES = (1.0, 15.0)
"""Seconds, the shortest and the longest, until a database that failed is tried again."""
FRESH = 300.0
"""Seconds for which the API server's word counts; it says something about once a minute."""
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
        self._confirmed: float | None = None
        """When the table was last known to be the API server's; None until a list has ended."""
        self._done: dict[int, Shard] = {}
        """The shards of which the database has everything, by number."""
        self._counts: dict[int, int] = {}
        self._visitors: dict[int, list[Organization]] = {}
        self._placed: dict[int, Placed] = {}
        self._count = 0
        self._are_visits_due = False
        self._visits = Placed()
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
            self._take(batches)
            if time.monotonic() >= self._try_again:
                self._turn(stopping.is_set)
            self._tell()
            batches = self._next_batches()
        self._database.close()

    def _take(self, batches: Sequence[Batch]) -> None:
        """Take in what came, and know how long the table counts."""
        if self._confirmed is not None and not self._is_fresh():
            self._confirmed = None
            self.directory.interrupt()  # what a watch says first may be long ago
        self._intake.take(batches)
        has_ended = any(one.present is not None for one in batches)
        if has_ended or (self._confirmed is not None and any(one.version for one in batches)):
            self._confirmed = time.monotonic()

    def _next_batches(self) -> list[Batch]:
        batches: list[Batch] = []
        with suppress(queue.Empty):
            batches.append(self._messages.get(timeout=TURN))
            while len(batches) < WAITING:
                batches.append(self._messages.get_nowait())
        return batches

    def _is_fresh(self) -> bool:
        return self._confirmed is not None and time.monotonic() - self._confirmed < FRESH

    def _turn(self, is_stopping: Callable[[], bool]) -> None:
        """Bring the database to the table, as far as it goes and the table counts."""
        try:
            self._check()
            self._forget()
            self._bring(is_stopping)
        except DatabaseError as error:
            self._fail(str(error))
        else:
            self._status.problem = ""
            self._pause = PAUSES[0]

    def _bring(self, is_stopping: Callable[[], bool]) -> None:
        for number, shard in self._due():
            if is_stopping() or not self._is_fresh():
                return
            self._place(number, shard)
            self._status.turn = time.monotonic()
        if self._are_visits_due and self._is_fresh():
            self._set_visits()

    def _check(self) -> None:
        """Raise DatabaseError where the database does not answer."""
        now = time.monotonic()
        if self._status.problem or not self._connections or now - self._checked > CHECK:
            self._database.check()
            self._checked = now

    def _forget(self) -> None:
        """Let everything be compared again, where the database may be another or it is time.

        What can't be compared, since it is refused, is forgotten only with the database.
        """
        now = time.monotonic()
        if self._connections != self._database.connections:
            self._connections, self._compared = self._database.connections, now
            self._done.clear()
            self._status.comparisons += 1
        elif now - self._compared > COMPARE and self._is_fresh():
            self._compared = now
            self._done = {one: had for one, had in self._done.items() if self._is_refused(one)}
            self._status.comparisons += 1
        if self._count != self._table.count:
            self._count = self._table.count
            for one in (self._done, self._counts, self._visitors, self._placed):
                one.clear()

    def _is_refused(self, number: int) -> bool:
        return f"directory-{number:02d}" in self._table.refused

    def _lacking(self) -> list[tuple[int, Shard]]:
        """Return the shards of which the database may lack something."""
        shards = enumerate(self._table.shards)
        return [(number, shard) for number, shard in shards if self._done.get(number) != shard]

    def _due(self) -> list[tuple[int, Shard]]:
        """Return those of them that can be placed.

        One that is refused in its newest form says nothing new, and its last good form may be old.
        """
        return [
            (number, shard) for number, shard in self._lacking() if not self._is_refused(number)
        ]

    def _place(self, number: int, shard: Shard) -> None:
        found = wanted(self._table.text(number), shard.homes, self._cell)
        placed = self._database.place(found.residents)
        self._report(placed, self._placed.get(number, Placed()))
        if placed.changed or placed.named:
            log("organizations are placed", shard=number, added=placed.changed, named=placed.named)
        self._counts[number] = len(found.residents)
        self._visitors[number] = found.visitors
        self._placed[number] = placed
        self._done[number] = shard
        self._are_visits_due = True
        self._status.added += placed.changed
        self._status.named += placed.named

    def _set_visits(self) -> None:
        """Let those visit who are to; who belongs to a shard that was not placed stays."""
        everyone = [one for number in self._done for one in self._visitors[number]]
        visits = self._database.set_visits(
            everyone, lambda name: shard_of(name, self._count) in self._done
        )
        self._report(visits, self._visits)
        self._visits = visits
        self._status.visits += visits.changed
        self._are_visits_due = False

    def _report(self, placed: Placed, before: Placed) -> None:
        """Log whom the database does not take, once each."""
        said = "an organization's id belongs to another one in this cell's database"
        _log_new(said, "owner", placed.owners, before.owners)
        said = "the database refuses an organization's row"
        _log_new(said, "error", placed.refused, before.refused)
        said = "an organization is given to this cell, and its row says that it is not served"
        _log_new(said, "state", placed.inactive, before.inactive)

    def _fail(self, why: str) -> None:
        self._status.failures += 1
        if self._status.problem != why:
            log("the database lacks what the directory says", error=why)
        self._status.problem = why
        self._try_again = time.monotonic() + self._pause
        self._pause = min(2 * self._pause, PAUSES[1])

    def _tell(self) -> None:
        status, table = self._status, self._table
        is_compared = self._connections > 0 and not (self._lacking() or self._are_visits_due)
        everything = joined([*self._placed.values(), self._visits])
        status.refused = dict(table.refused)
        status.shards = table.count
        status.organizations = sum(self._counts.values())
        status.visitors = sum(map(len, self._visitors.values()))
        status.owners = everything.owners
        status.rows_refused = everything.refused
        status.inactive = everything.inactive
        status.heard = self.directory.heard
        status.refusals = self._intake.refusals
        status.odd_answers = self.directory.odd_answers
        if table.complete and is_compared and not status.problem:
            status.checksum, status.version = table.mark, table.version
            status.placed, status.behind = True, None
            status.resource_version = table.resource_version
        else:
            status.placed = False
            status.behind = status.behind or time.monotonic()
        status.turn = time.monotonic()


def _log_new(
    said: str, key: str, now: Mapping[Organization, str], before: Mapping[Organization, str]
) -> None:
    for one, what in now.items():
        if before.get(one) != what:
            log(said, organization=one.name, organization_id=one.id, **{key: what})
