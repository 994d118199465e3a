"""The files that HAProxy reads when it starts, written behind the changes.

At a million organizations they are 55 MB, too much to write before each change is applied; so they
follow, and the share of time spent on them is bounded. HAProxy started with files that lag is
noticed by their mark. Refuses to decide what is in the table.
"""

import threading
import time
from contextlib import suppress
from dataclasses import dataclass

from agent.addresses import Addresses
from agent.store import TABLE, MovedOnError, Store

IDLE = 4
"""Pause after writing, in times of what the writing took."""


@dataclass(frozen=True, slots=True)
class Edition:
    """What the files are made from."""

    checksums: tuple[str, ...]
    """Those of the shards, by number."""
    mark: str
    cells: Addresses


class Publisher:
    """Writes the newest edition, one at a time."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._wanted: Edition | None = None
        self._news = threading.Event()
        self._writing = threading.Lock()

    def want(self, edition: Edition) -> None:
        """Have this edition written soon."""
        self._wanted = edition
        self._news.set()

    def flush(self) -> None:
        """Write what is wanted and return when it is on disk."""
        with self._writing:
            edition, self._wanted = self._wanted, None
            if edition is not None:
                # Shards that have moved on are wanted by then, or a moment later.
                with suppress(MovedOnError):
                    self._write(edition)

    def run(self) -> None:
        """Never returns."""
        while True:
            self._news.wait()
            self._news.clear()
            start = time.monotonic()
            self.flush()
            time.sleep(IDLE * (time.monotonic() - start))

    def _write(self, edition: Edition) -> None:
        store = self._store
        cells = sorted(edition.cells.items())
        store.put_map("cells", [f"{name} {one}\n".encode() for name, one in cells if one])
        if store.mark() != edition.mark:
            store.put_map(TABLE, store.whole_map(edition.checksums, edition.mark))
        store.drop_shards()
