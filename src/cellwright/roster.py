"""Which organizations come, go and change their cell between two states of a fleet.

Refuses to judge that (`residents` does).
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from cellwright.fixed import Fixed
from cellwright.model import Fleet


class Move(NamedTuple):
    """An organization that is on another cell than before."""

    organization: str
    before: str
    after: str


class RosterChanges(NamedTuple):
    """Organizations that are added, removed, and on another cell than before, by name."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    moved: tuple[Move, ...] = ()


def roster_changes(before: Mapping[str, str], after: Mapping[str, str]) -> RosterChanges:
    """Return what differs between two assignments: the cell of each organization by its name."""
    if before == after:
        return RosterChanges()
    both = (name for name, cell in after.items() if before.get(name, cell) != cell)
    return RosterChanges(
        tuple(sorted(after.keys() - before.keys())),
        tuple(sorted(before.keys() - after.keys())),
        tuple(Move(name, before[name], after[name]) for name in sorted(both)),
    )


def homes_before(fixed: Fixed) -> dict[str, str]:
    """Return the assignment that the directory has; who lives nowhere is in none."""
    return {name: one.cell for name, one in fixed.organizations.items() if one.cell}


def homes_after(fleet: Fleet) -> dict[str, str]:
    """Return the assignment that the definitions have."""
    return dict(_homes(fleet))


def _homes(fleet: Fleet) -> Iterator[tuple[str, str]]:
    for name, one in fleet.organizations.items():
        if one.cell:
            yield name, one.cell
