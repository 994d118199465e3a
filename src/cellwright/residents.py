"""Which changes of organizations can't be made: their ids, their homes, their removal.

There may be a million of them. So one pass finds who is in doubt, and of many with one problem the
first are named. Refuses to judge cells (`forbidden` does).
"""

from collections.abc import Iterable, Iterator, Mapping

from cellwright.fixed import Finding, Fixed
from cellwright.history import History, Resident
from cellwright.layout import ORGANIZATIONS
from cellwright.model import Fleet, Organization
from cellwright.problem import NOT_NEEDED, Path

GONE = "gone"
"""The state in which an organization may be removed."""

HOME: Path = ("spec", "cell")
"""Where a definition names the cell, if the ledger does not."""
_ID: Path = ("spec", "id")
_MOVED: Path = ("spec", "moved")
_MOST_NAMED = 20


def resident_problems(before: Fixed, after: Fleet) -> Iterator[Finding]:
    """Yield which changes of organizations between two states of a fleet can't be made."""
    known, history = before.organizations, before.history
    new: list[Organization] = []
    changed: list[Organization] = []
    for name, one in after.organizations.items():
        old = known.get(name)
        if old is None:
            new.append(one)
        elif one.id != old.id or one.cell != old.cell or one.moved:
            changed.append(one)
    if before.elsewhere:
        told = [after.organizations.get(name) for name in before.elsewhere]
        changed = list({one.name: one for one in (*changed, *told) if one}.values())
    yield from _some(_changed_ids(known, changed))
    yield from _some(_used_ids(known, history, after, new))
    yield from _some(_homes(before, changed))
    yield from _some(_needless(before, changed))
    yield from _some(_removed(before, after))


def _changed_ids(
    known: Mapping[str, Resident], changed: Iterable[Organization]
) -> Iterator[Finding]:
    for one in changed:
        old = known[one.name].id
        if old != one.id:
            message = f"the id goes from {old} to {one.id}"
            yield Finding("Organization", one.name, _ID, "CW401", message, f"write {old}")


def _used_ids(
    known: Mapping[str, Resident],
    history: History | None,
    after: Fleet,
    new: list[Organization],
) -> Iterator[Finding]:
    """Find organizations that the directory does not have, whose id somebody had before."""
    owners = {one.id: name for name, one in known.items()} if new else {}
    given_up = history.retired_of(one.id for one in new) if history else ()
    for one in new:
        hint = "take an id that nobody had"
        if owner := owners.get(one.id):
            message = f"the id {one.id} belonged to the organization {owner}"
            if owner not in after.organizations:
                hint = f"{hint}; a customer with a new name keeps name {owner} and gets a new path"
        elif history and one.id in given_up:
            message = f"the id {one.id} was given up: the organization that had it was removed"
            hint = f"{hint}, from {history.last_id + 1} on"
        else:
            continue
        yield Finding("Organization", one.name, _ID, "CW402", message, hint)


def _homes(before: Fixed, changed: Iterable[Organization]) -> Iterator[Finding]:
    for one in changed:
        left = min(_homes_of(before, one) - {one.cell, one.moved}, default=None)
        if left is None:
            continue
        goes = f"goes from {left} to {one.cell}" if one.cell else f"is not {left} any more"
        message = f"the cell {goes}; its rows would stay on {left}"
        hint = f"write cell: {left}; if its rows were moved, add moved: {{from: {left}, reason: …}}"
        if one.moved:
            hint = f"spec.moved says that it comes from {one.moved}, but it lives on {left}"
        yield Finding("Organization", one.name, HOME, "CW407", message, hint)


def _needless(before: Fixed, changed: Iterable[Organization]) -> Iterator[Finding]:
    for one in changed:
        homes = _homes_of(before, one)
        if one.moved and one.name not in before.moving and homes == {one.cell}:
            message = f"the organization lives on {one.cell} already"
            hint = "take spec.moved out"
            yield Finding("Organization", one.name, _MOVED, NOT_NEEDED, message, hint)


def _homes_of(before: Fixed, one: Organization) -> set[str]:
    """Return the cells that it lives on by each cluster's directory, where they are known.

    Without a history, an entry of the cell to which an override sends tells nothing about it.
    """
    told = [before.organizations[one.name], *before.elsewhere.get(one.name, ())]
    homes = {old.cell for old in told if old.cell is not None}
    if before.history is None and any(not isinstance(old, Organization) for old in told):
        homes -= {one.override}
    return homes


def _removed(before: Fixed, after: Fleet) -> Iterator[Finding]:
    for name in sorted(before.organizations.keys() - after.organizations.keys()):
        told = [before.organizations[name], *before.elsewhere.get(name, ())]
        state, cell = next(((one.state, one.cell) for one in told if one.state != GONE), (GONE, ""))
        if state != GONE:
            home = f" on cell {cell}" if cell else ""
            message = (
                f"the organization {name} is removed while it is {state.partition('-')[0]}{home}"
            )
            hint = "declare it with state: gone and apply that first"
            yield Finding("", ORGANIZATIONS, (), "CW409", message, hint)


def _some(findings: Iterator[Finding]) -> Iterator[Finding]:
    """Yield the first findings; the last of them counts the others."""
    named: list[Finding] = []
    more = 0
    for one in findings:
        if len(named) < _MOST_NAMED:
            named.append(one)
        else:
            more += 1
    if more:
        noun = "organization" if more == 1 else "organizations"
        named[-1] = named[-1]._replace(message=f"{named[-1].message}, as for {more} more {noun}")
    yield from named
