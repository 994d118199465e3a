"""What valid definitions ask for that can't be done: changes to what never changes, no home.

The places are looked up only if there is a problem, by reading the definitions again. Refuses
to judge definitions by themselves (`consistency` does).
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cellwright.declared import Declared
from cellwright.document import Document, documents
from cellwright.fixed import Finding, Fixed, FixedCell, Volume, fixed_cell
from cellwright.history import UsedCell
from cellwright.layout import LEDGER
from cellwright.ledger import Ledger, read_ledger
from cellwright.model import Cell, Fleet
from cellwright.problem import NOT_PLACED, Path, Place, Problem, dotted
from cellwright.quantity import amount
from cellwright.residents import HOME, resident_problems

_ID: Path = ("spec", "id")
_MOST_HOMELESS = 20
_NEW_CELL = "make a new cell and move the organizations there"


def not_placed(declared: Declared) -> list[Problem]:
    """Return a problem for each of the first organizations that have no home yet.

    The last one counts the others: of a new fleet there may be hundreds of thousands.
    """
    hint = "run: cellwright place --write"
    homeless = [number for number, one in enumerate(declared.organizations) if one.cell is None]
    found = [
        Problem(declared.place(number, ("spec",)), "spec", NOT_PLACED, "not placed", hint)
        for number in homeless[:_MOST_HOMELESS]
    ]
    if more := len(homeless) - len(found):
        found[-1] = found[-1]._replace(message=f"not placed, nor are {more} more")
    return found


def forbidden(before: Fixed, after: Fleet) -> Iterator[Finding]:
    """Yield which changes between two states of a fleet can't be made."""
    for name, cell in after.cells.items():
        if name in before.cells:
            yield from _of_cell(before.cells[name], cell)
    yield from _cell_ids(before, after)
    yield from _cell_ranges(before, after)
    yield from resident_problems(before, after)


def _of_cell(old: FixedCell, cell: Cell) -> Iterator[Finding]:
    new = fixed_cell(cell)
    database: Path = ("spec", "postgres")
    if old.version is not None and old.version != new.version:
        message = f"the major version of Postgres goes from {old.version} to {new.version}"
        yield Finding("Cell", cell.name, (*database, "version"), "CW403", message, _NEW_CELL)
    if old.volume is not None and new.volume is not None:
        yield from _of_volume(cell.name, old.volume, new.volume)
    if old.cluster is not None and old.cluster != new.cluster:
        message = f"the cluster goes from {old.cluster} to {new.cluster}"
        yield Finding("Cell", cell.name, ("spec", "cluster"), "CW405", message, _NEW_CELL)


def _of_volume(cell: str, old: Volume, new: Volume) -> Iterator[Finding]:
    database: Path = ("spec", "postgres")
    less, more = amount(new.storage), amount(old.storage)
    if less is not None and more is not None and less < more:
        message = f"the storage shrinks from {old.storage} to {new.storage}"
        yield Finding("Cell", cell, (*database, "storage"), "CW404", message, _NEW_CELL)
    if old.storage_class != new.storage_class:
        classes = " to ".join(
            one or "the cluster's default" for one in (old.storage_class, new.storage_class)
        )
        message = f"the storage class goes from {classes}"
        yield Finding("Cell", cell, (*database, "storageClass"), "CW405", message, _NEW_CELL)


def _cell_ids(before: Fixed, after: Fleet) -> Iterator[Finding]:
    """Find cells with another id than they have, and new ones with an id that was used."""
    owners = {cell.id: cell for cell in _used(before)}
    for name, cell in after.cells.items():
        stands = before.cells.get(name)
        old = stands and stands.id
        if old is not None and old != cell.id:
            message = f"the id goes from {old} to {cell.id}"
            yield Finding("Cell", name, _ID, "CW401", message, f"write {old}")
        elif old is None and (owner := owners.get(cell.id)):
            if owner.name == name and not owner.retired:  # torn down, and declared all the time
                continue
            where = _where(before.cells[owner.name]) if owner.name in before.cells else ""
            message = f"the id {cell.id} belonged to the cell {owner.name}{where}"
            yield Finding("Cell", name, _ID, "CW402", message, "take an id that nobody had")


def _cell_ranges(before: Fixed, after: Fleet) -> Iterator[Finding]:
    """Find id ranges that overlap with one that another cell has, or had: its rows stay."""
    used = [(one.id_range, one.name) for one in _used(before) if one.id_range]
    for name, cell in after.cells.items():
        own = cell.id_range
        for old, owner in used if own else ():
            if own is None or owner == name or own.last < old.first or old.last < own.first:
                continue
            where = _where(before.cells[owner]) if owner in before.cells else ""
            message = f"the range overlaps with that of the cell {owner}{where}"
            hint = f"{old.first} to {old.last} are used; take a range that no cell had"
            yield Finding("Cell", name, ("spec", "idRange"), "CW410", message, hint)
            break


def _used(before: Fixed) -> list[UsedCell]:
    """Return the cells that are remembered, and behind them those that stand."""
    return [*(before.history.cells if before.history else ()), *before.used_cells()]


def _where(cell: FixedCell) -> str:
    return f" ({cell.where[0]})" if cell.where else ""


def placed(findings: Iterable[Finding], definitions: Mapping[str, bytes]) -> list[Problem]:
    """Return the problems, each with its place in these files, sorted by it."""
    wanted = list(findings)
    found = _documents(definitions, {(one.kind, one.name) for one in wanted if one.kind})
    homes = any(one.path == HOME for one in wanted)
    ledger = read_ledger(definitions.get(LEDGER) if homes else None)[0]
    return sorted(
        Problem(_place(one, found, ledger), dotted(one.path), one.code, one.message, one.hint)
        for one in wanted
    )


def _place(finding: Finding, found: Mapping[tuple[str, str], Document], ledger: Ledger) -> Place:
    if not finding.kind:
        return Place(finding.name)
    document = found[finding.kind, finding.name]
    place = document.place(finding.path)
    by_ledger = finding.path == HOME and finding.name in ledger.cells
    if by_ledger and place == document.place(finding.path[:-1]):
        return ledger.place(finding.name)
    return place


def _documents(
    definitions: Mapping[str, bytes], wanted: set[tuple[str, str]]
) -> dict[tuple[str, str], Document]:
    found: dict[tuple[str, str], Document] = {}
    for file, data in definitions.items() if wanted else ():
        for document in documents(file, data) if file != LEDGER else ():
            if isinstance(document, Document):
                value: Any = document.value
                called = (value["kind"], value["metadata"]["name"])
                if called in wanted:
                    found[called] = document
    return found
