"""The files that HAProxy reads when it starts, written behind the changes.

At a million organizations the files are 100 MB and more, too much to write before each change is
applied; so they follow, and the share of time spent on them is bounded. HAProxy started with
files that lag is noticed by their marks. Refuses to decide what is in the table.
"""

import threading
import time
from dataclasses import dataclass

from agent.addresses import Addresses
from agent.maps import MAPS
from agent.store import Store
from agent.table import Step

IDLE = 4
"""Pause after writing, in times of what the writing took."""

FEW = 50_000
"""Up to as many keys are changed in the files that there are; else all is sorted anew."""

Values = dict[str, dict[bytes, bytes | None]]
"""By map and key, the new value; None for a key that goes."""


@dataclass(frozen=True, slots=True)
class Edition:
    """What the files are made from."""

    count: int
    mark: str
    addresses: Addresses


class Publisher:
    """Writes the newest edition, one at a time."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._wanted: Edition | None = None
        self._base = self._mark = ""
        self._values: Values = {name: {} for name in MAPS}
        """What differs between the table with the mark `_base` and that with `_mark`."""
        self._news = threading.Event()
        self._noting = threading.Lock()
        self._writing = threading.Lock()

    def want(self, edition: Edition, step: Step) -> None:
        """Have this edition written soon, to which `step` leads."""
        with self._noting:
            self._note(step, edition.mark)
            self._wanted = edition
        self._news.set()

    def flush(self) -> None:
        """Write what is wanted and return when it is on disk."""
        with self._writing:
            with self._noting:
                edition, self._wanted = self._wanted, None
                base, values = self._base, self._values
                self._forget()
            if edition is not None:
                self._write(edition, base, values)

    def run(self) -> None:
        """Never returns."""
        while True:
            self._news.wait()
            self._news.clear()
            start = time.monotonic()
            self.flush()
            time.sleep(IDLE * (time.monotonic() - start))

    def _note(self, step: Step, mark: str) -> None:
        if step.before != self._mark:
            self._base = step.before
            self._values = {name: {} for name in MAPS}
        self._mark = mark
        changes = step.changes or {}
        for name, change in changes.items():
            self._values[name] |= change.add | change.set | dict.fromkeys(change.delete)
        if step.changes is None or sum(map(len, self._values.values())) > FEW:
            self._forget()

    def _forget(self) -> None:
        self._base = self._mark
        self._values = {name: {} for name in MAPS}

    def _write(self, edition: Edition, base: str, values: Values) -> None:
        store = self._store
        cells = sorted(edition.addresses.items())
        store.put_map("cells", [f"{name} {one}\n".encode() for name, one in cells if one])
        for name in MAPS:
            found = store.map_mark(name)
            if found == edition.mark:
                continue
            if found and found == base:
                store.change_map(name, edition.mark, values[name])
            else:
                store.put_map(name, store.whole_map(edition.count, name, edition.mark))
        store.drop_shards()
