"""HAProxy's maps brought to the table, whatever they hold.

What a map holds is known from its mark. If that is the table before the change, the change is
made entry by entry; each entry says all about its key, so every request sees the old or the new
answer. If it is anything else (HAProxy has just started with older files, or a change broke off),
the map is built anew beside the old content and takes its place at once. Entries come before
others go, and a cell's address before its organizations, so that nothing is missing in between.
Refuses to look at the directory or to wait.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from agent.addresses import Addresses
from agent.haproxy import Session
from agent.maps import MAPS, MARK, Change
from agent.store import Store
from agent.table import Step, Table

UNKNOWN = "-"
"""The mark of a map while it is being changed."""

REBUILD = 0.5
"""A change to more than this share of a map's entries is made by building it anew."""

FEW = 1000
"""As many entries are always changed one by one."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What was done: entries changed, and maps built anew."""

    entries: int
    rebuilt: int


def apply(
    session: Session,
    store: Store,
    table: Table,
    step: Step,
    addresses: Addresses,
) -> Applied:
    """Make HAProxy serve the table, to which `step` leads from the one before.

    Raises AwayError and RuntimeApiError, after which the marks tell the next call where it is.
    """
    mark = table.mark
    marks = {name: session.mark(store.map_file(name)) for name in MAPS}
    stale = [name for name, found in marks.items() if found not in (None, mark)]
    steps = {
        name: change
        for name, change in (step.changes or {}).items()
        if name in stale and marks[name] == step.before and _is_small(change, table.entries(name))
    }
    cells = _cells_change(session, store, addresses)

    # Each `tell` is answered whole before the next: in lines that are on their way HAProxy goes on
    # after a command that failed.
    session.tell(_upserts(store, "cells", cells))
    session.tell(_marks(store, [name for name, change in steps.items() if change], UNKNOWN))
    session.tell(one for name, change in steps.items() for one in _upserts(store, name, change))
    for name in stale:
        if name not in steps:
            _rebuild(session, store, table, name)
    session.tell(one for name, change in steps.items() for one in _deletes(store, name, change))
    session.tell(_marks(store, steps, mark))
    session.tell(_deletes(store, "cells", cells))
    return Applied(sum(map(len, steps.values())) + len(cells), len(stale) - len(steps))


def _is_small(change: Change, entries: int) -> bool:
    return len(change) <= max(FEW, REBUILD * entries)


def _cells_change(session: Session, store: Store, addresses: Addresses) -> Change:
    held = session.lines(store.map_file("cells"))
    wanted = {name.encode(): one.encode() for name, one in addresses.items() if one}
    return Change(
        add={key: value for key, value in wanted.items() if key not in held},
        set={key: value for key, value in wanted.items() if held.get(key, value) != value},
        delete=[key for key in held if key not in wanted],
    )


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


def _marks(store: Store, names: Iterable[str], mark: str) -> Iterator[bytes]:
    return (b"set map %s %s %s" % (_file(store, name), MARK, mark.encode()) for name in names)


def _file(store: Store, name: str) -> bytes:
    return bytes(store.map_file(name))


def _rebuild(session: Session, store: Store, table: Table, name: str) -> None:
    file = _file(store, name)
    version = session.new_version(store.map_file(name))
    for part in store.whole_map(table.count, name, table.mark):
        session.fill(b"add map @%d %s" % (version, file), part.split(b"\n")[:-1])
    session.tell([b"commit map @%d %s" % (version, file)])
