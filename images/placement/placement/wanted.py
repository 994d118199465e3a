"""Whom a shard of the directory gives to a cell, from its text and the homes beside it.

An organization belongs to its home, wherever an override sends its requests. In the override's cell
it belongs only if writes there fork; else it is a visitor: known, but not at home. Who is `gone` is
nobody's, so that rows that were removed for good do not come back. Refuses to check the text
(`agent.directory` did).
"""

import re
from typing import NamedTuple

from agent.directory import parse_homes

_ENTRY = re.compile(rb"[= ]([a-z]+)(?:-[0-9]+)?:([^:\n]+):([0-9]+):([a-z0-9-]+)")
"""State, cell, id and name. A value stands behind its key, or in a line of its own behind a blank;
values of other entries are names and have no colon."""
_GONE = b"gone"


class Organization(NamedTuple):
    """An organization as the database is told it."""

    id: int
    name: str


class Wanted(NamedTuple):
    """The organizations that a cell is given, and those that visit it."""

    residents: list[Organization]
    visitors: list[Organization]


def wanted(text: bytes, homes: str, cell: str) -> Wanted:
    """Return what a shard says of a cell, in the shard's order."""
    away = parse_homes(homes)
    found = Wanted([], [])
    for state, serving, number, called in _ENTRY.findall(text):
        if state == _GONE:
            continue
        one = Organization(int(number), called.decode())
        override, is_served = away.get(one.name), serving.decode() == cell
        if override is None:
            is_resident = is_served
        else:
            is_resident = override.cell == cell or (is_served and override.forks)
        if is_resident:
            found.residents.append(one)
        elif is_served:
            found.visitors.append(one)
    return found
