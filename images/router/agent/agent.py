"""The agent: takes what the other threads bring, one turn at a time, and makes HAProxy serve it.

Only this thread owns the table and speaks to HAProxy. Each turn ends with the whole truth told
again: HAProxy's marks are read and mended if need be, so that nothing has to be remembered about
a HAProxy that was restarted or a change that broke off. Refuses to wait for the outside world.
"""

import queue
import threading
import time
from contextlib import suppress

from agent.addresses import Addresses, Resolver
from agent.api import Batch, Directory
from agent.apply import apply
from agent.directory import KINDS, Endpoint
from agent.haproxy import AwayError, RuntimeApiError, session
from agent.intake import Intake
from agent.log import log
from agent.publish import Edition, Publisher
from agent.settings import Settings
from agent.states import States
from agent.status import Status
from agent.store import TABLE, Store
from agent.table import Table

TURN = 1.0
"""Seconds between turns when nothing comes."""

LINGER = 0.1
"""Seconds without a message after which a large change counts as whole."""

PATIENCE = 5.0
"""Seconds after which HAProxy is told of a large change though more of it comes."""

REST = 0.035
"""Seconds without work in each turn of a large change: requests need the processor too."""

WAITING = 4
"""Messages that may wait; one with full shards has some megabytes."""

MOST = 2
"""As many ConfigMaps one turn takes."""

Message = Batch | Addresses


class Agent:
    """The parts, put together; their threads are started by the caller."""

    def __init__(self, settings: Settings, status: Status) -> None:
        self._settings = settings
        self._status = status
        self._messages: queue.Queue[Message] = queue.Queue(WAITING)
        self._store = Store(settings.table)
        self._table = Table(self._store, settings.origin)
        self._addresses: Addresses = self._store.recall("addresses")
        self._states = States()
        self._edition: Edition | None = None
        self._failed_connections = 0
        self._broke_off = True
        """Whether HAProxy may hold a content of the map that was begun and never ended."""
        self._spoke = time.monotonic()
        self.directory = Directory(settings.api, settings.credentials, settings.namespace)
        self._intake = Intake(self.directory, self._table)
        self.resolver = Resolver(self._addresses, self.put)
        self.publisher = Publisher(self._store)

    def put(self, message: Message) -> None:
        """Bring something, from any thread; waits while much is waiting."""
        self._messages.put(message)

    def run(self, stopping: threading.Event) -> None:
        """Turn until told to stop, then leave the newest table on disk."""
        messages: list[Message] = []
        while not stopping.is_set():
            self._store.hold()
            self._take(messages)
            self.resolver.follow(self._endpoints())
            if gathering := bool(messages) and self._gathers():
                self._status.served = False
            elif self._table.complete:
                self._serve()
            self._store.settle()
            if not gathering and self._messages.empty():  # else a newer table follows at once
                self._publish()
            self._tell()
            messages = self._next_messages(gathering=gathering)
        self._publish()
        self.publisher.flush()

    def _gathers(self) -> bool:
        """Tell whether HAProxy is not told yet, so that a large change is made at once."""
        return self._table.changes_much and time.monotonic() < self._spoke + PATIENCE

    def _next_messages(self, *, gathering: bool) -> list[Message]:
        if gathering:
            time.sleep(REST)
        messages: list[Message] = []
        with suppress(queue.Empty):
            messages.append(self._messages.get(timeout=LINGER if gathering else TURN))
            while sum(len(one.found) for one in messages if isinstance(one, Batch)) < MOST:
                messages.append(self._messages.get_nowait())
        return messages

    def _take(self, messages: list[Message]) -> None:
        for message in messages:
            if not isinstance(message, Batch) and message != self._addresses:
                self._addresses = message
                self._store.keep("addresses", message)
        self._intake.take([one for one in messages if isinstance(one, Batch)])

    def _endpoints(self) -> dict[str, Endpoint]:
        """Return where each cell is found: this one by its app, the others by their routers."""
        return {**self._table.cells, self._settings.cell: self._settings.app}

    def _present_addresses(self) -> Addresses:
        """Return the addresses of the cells that there are now; look-ups lag behind the list."""
        return {name: self._addresses.get(name) for name in self._endpoints()}

    def _cells(self) -> Addresses:
        """Return what the map of the cells holds: each one's address, and its name by its id."""
        names = {one.id: name for name, one in self._table.cells.items() if one.id}
        return {**self._present_addresses(), **names}

    def _publish(self) -> None:
        """Have the files written; HAProxy can be started once they are there."""
        if not self._table.complete or self._endpoints().keys() - self._addresses.keys():
            return
        edition = Edition(self._table.checksums, self._table.mark, self._cells())
        if edition != self._edition:
            self._edition = edition
            self.publisher.want(edition)
        if not self._status.ready:
            self.publisher.flush()
            self._status.ready = True
            log("the table is on disk", checksum=edition.mark, entries=self._table.entries("path"))

    def _serve(self) -> None:
        began = time.monotonic()
        served = False
        try:
            with session(self._settings.socket) as opened:
                if self._broke_off:
                    opened.free_abandoned(self._store.map_file(TABLE))
                applied = apply(opened, self._store, self._table, self._cells())
                opened.set_version(self._table.version)
                failed = opened.failed_connections()
            served = True
            self._broke_off = False
            self._table.told()
        except AwayError as error:
            self._broke_off = True
            if self._status.served:
                log("HAProxy is away", error=str(error))
        except RuntimeApiError as error:
            self._status.failures += 1
            self._broke_off = True
            log("HAProxy did not take a change; its map is built anew", error=str(error))
        else:
            if failed > self._failed_connections:
                self.resolver.hurry()
            self._failed_connections = failed
            self._status.updates += applied.lines
            self._status.rebuilds += applied.rebuilt
            if applied.lines or applied.rebuilt:
                log(
                    "HAProxy serves the table",
                    checksum=self._table.mark,
                    lines=applied.lines,
                    rebuilt=applied.rebuilt,
                    seconds=round(time.monotonic() - began, 3),
                )
        self._status.served = served
        self._spoke = time.monotonic()

    def _tell(self) -> None:
        status, table = self._status, self._table
        status.checksum = table.mark if table.complete else ""
        status.entries = {kind: table.entries(kind) for kind in KINDS}
        self._states.look(self._store, table.checksums)
        status.organizations = self._states.counts(status.entries["path"])
        status.oldest_fence = self._states.oldest_fence()
        status.shards = table.count
        status.cells = len(table.cells)
        addresses = self._present_addresses()
        status.unresolved = tuple(name for name, address in addresses.items() if not address)
        status.refused = dict(table.refused)
        status.version = table.version
        status.resource_version = table.resource_version
        status.heard = self.directory.heard
        status.refusals = self._intake.refusals
        status.odd_answers = self.directory.odd_answers
        status.turn = time.monotonic()
