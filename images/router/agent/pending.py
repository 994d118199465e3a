"""What HAProxy has not been told yet: which shards have changed since it was, and how they were.

A change of some shards is told line by line. Where much of the table changes, it takes less to
build the map anew, and all of it changes at once. Refuses to tell HAProxy anything.
"""

from agent.lines import Change, difference
from agent.store import Store

MANY = 20_000
"""Entries of shards that change; up to so many are told line by line, whatever the table has."""


class Pending:
    """The shards that have changed since HAProxy was told the table with this mark."""

    def __init__(self, mark: str) -> None:
        self.mark = mark
        self._old: dict[int, bytes] | None = {}
        self._entries = 0

    @property
    def large(self) -> bool:
        """Whether it is worth waiting for more of the same change."""
        return self._old is None or self._entries > MANY

    def note(self, number: int, old: bytes, entries: int, total: int) -> None:
        """Note that a shard of a table with so many entries is changed, and how it was."""
        if self._old is None or number in self._old:
            return
        self._old[number] = old
        self._entries += entries
        if self._entries > max(MANY, total // 4):
            self.note_all()

    def note_all(self) -> None:
        """Note that the map is to be built anew."""
        self._old = None

    def change(self, store: Store, count: int) -> Change | None:
        """Return the change to the map of a table of `count` shards; None to build it anew."""
        if self._old is None:
            return None
        change = Change()
        for number, old in self._old.items():
            change.join(difference(old, store.text(count, number)))
        return change
