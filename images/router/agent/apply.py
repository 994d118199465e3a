"""HAProxy's maps, of organizations and of cells, brought to the table, whatever they hold.

What the map of organizations holds is known from its mark. If that is the table before the change,
the change is made line by line; each line says all about its keys, so every request sees the old or
the new answer. If it is anything else (HAProxy has just started with older files, or a change broke
off), or if much changes, the map is built anew beside the old content and takes its place at once.
Lines come before others go, and a cell's address before its organizations, so that nothing is
missing in between.
Refuses to look at the directory, and to wait for anything but its own pace.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from agent.addresses import Addresses
from agent.haproxy import Session
from agent.lines import MARK, Change, between
from agent.store import TABLE, Store
from agent.table import Table

UNKNOWN = "-"
"""The mark of the map while it is being changed."""

PACE = 60_000_000
"""Bytes of a new map that HAProxy is given in a second at most: it has requests to answer, too."""


@dataclass(frozen=True, slots=True)
class Applied:
    """How many lines were changed, and whether the map was built anew."""

    lines: int
    rebuilt: bool


def apply(session: Session, store: Store, table: Table, addresses: Addresses) -> Applied:
    """Make HAProxy serve the table.

    Raises AwayError and RuntimeApiError, after which the mark tells the next call where it is.
    """
    found = session.mark(store.map_file(TABLE))
    change = table.change_from(found)
    cells = _cells_change(session, store, addresses)

    # Each `tell` is answered whole before the next: in lines that are on their way HAProxy goes on
    # after a command that failed.
    session.tell(_upserts(store, "cells", cells))
    if change is None:
        _rebuild(session, store, table)
    elif found != table.mark:
        session.tell([_marked(store, UNKNOWN)])
        session.tell(_upserts(store, TABLE, change))
        session.tell(_deletes(store, TABLE, change))
        session.tell([_marked(store, table.mark)])
    session.tell(_deletes(store, "cells", cells))
    return Applied(len(change or ()) + len(cells), change is None)


def _cells_change(session: Session, store: Store, addresses: Addresses) -> Change:
    held = session.lines(store.map_file("cells"))
    wanted = {name.encode(): one.encode() for name, one in addresses.items() if one}
    return between(held, wanted)


def _upserts(store: Store, name: str, change: Change) -> Iterator[bytes]:
    """Yield commands in the order of the keys, as they lie in HAProxy's memory."""
    file = _file(store, name)
    for verb, lines in ((b"add", change.add), (b"set", change.set)):
        begin = b"%s map %s " % (verb, file)
        for key in sorted(lines):
            yield b"%s%s %s" % (begin, key, lines[key])


def _deletes(store: Store, name: str, change: Change) -> Iterator[bytes]:
    begin = b"del map %s " % _file(store, name)
    return (begin + key for key in sorted(change.delete))


def _marked(store: Store, mark: str) -> bytes:
    return b"set map %s %s %s" % (_file(store, TABLE), MARK, mark.encode())


def _file(store: Store, name: str) -> bytes:
    return bytes(store.map_file(name))


def _rebuild(session: Session, store: Store, table: Table) -> None:
    file = _file(store, TABLE)
    version = session.new_version(store.map_file(TABLE))
    for part in store.whole_map(table.checksums, table.mark):
        session.fill(b"add map @%d %s" % (version, file), part)
        time.sleep(len(part) / PACE)
    session.tell([b"commit map @%d %s" % (version, file)])
