"""What valid definitions ask for that can't be done: changes to what never changes, no home.

The places are looked up only if there is a problem, by reading the definitions again. Refuses
to judge definitions by themselves (`consistency` does).
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from cellwright.document import Document, documents
from cellwright.model import Cell, Fleet
from cellwright.problem import NOT_PLACED, Path, Problem, dotted
from cellwright.quantity import amount
from cellwright.snapshot import LEDGER

_ID: Path = ("spec", "id")
_NEW_CELL = "make a new cell and move the organizations there"


class Volume(NamedTuple):
    """What the volume of a cell's database was made with; None is the cluster's own class."""

    storage: str
    storage_class: str | None


class FixedCell(NamedTuple):
    """What never changes about a cell; None is what is not known of it."""

    id: int | None
    cluster: str | None
    version: int | None
    volume: Volume | None


class Fixed(NamedTuple):
    """What never changes about a fleet: its cells, and the ids of its organizations, by name."""

    cells: Mapping[str, FixedCell]
    organizations: Mapping[str, int]


class Finding(NamedTuple):
    """A problem whose place is not known yet: that of `path` in a definition."""

    kind: str
    name: str
    path: Path
    code: str
    message: str
    hint: str


def fixed(fleet: Fleet) -> Fixed:
    """Return what never changes about a fleet, as its definitions have it."""
    cells = {name: _fixed_cell(cell) for name, cell in fleet.cells.items()}
    return Fixed(cells, {name: one.id for name, one in fleet.organizations.items()})


def changes_forbidden(
    before: Fixed, after: Fleet, definitions: Mapping[str, bytes]
) -> list[Problem]:
    """Return which changes between two states of a fleet can't be made.

    `definitions` are the files of the state `after`, in which the problems are placed.
    """
    return placed(forbidden(before, after), definitions)


def not_placed(fleet: Fleet, definitions: Mapping[str, bytes]) -> list[Problem]:
    """Return a problem for each organization that has no home yet."""
    message, hint = "not placed", "run: cellwright place --write"
    homeless = (
        Finding("Organization", one.name, ("spec",), NOT_PLACED, message, hint)
        for one in fleet.organizations.values()
        if one.cell is None
    )
    return placed(homeless, definitions)


def forbidden(before: Fixed, after: Fleet) -> Iterator[Finding]:
    """Yield which changes between two states of a fleet can't be made."""
    for name, cell in after.cells.items():
        if name in before.cells:
            yield from _of_cell(before.cells[name], cell)
    ids = {name: one.id for name, one in before.cells.items() if one.id is not None}
    yield from _ids("Cell", ids, {name: one.id for name, one in after.cells.items()})
    new = {name: one.id for name, one in after.organizations.items()}
    yield from _ids("Organization", before.organizations, new)


def _fixed_cell(cell: Cell) -> FixedCell:
    database = cell.postgres
    volume = Volume(database.storage, database.storage_class)
    return FixedCell(cell.id, cell.cluster, database.version, volume)


def _of_cell(old: FixedCell, cell: Cell) -> Iterator[Finding]:
    new = _fixed_cell(cell)
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


def _ids(kind: str, before: Mapping[str, int], after: Mapping[str, int]) -> Iterator[Finding]:
    owners = {number: name for name, number in before.items()}
    noun = kind.lower()
    for name, number in after.items():
        old = before.get(name)
        if old is not None and old != number:
            message = f"the id goes from {old} to {number}"
            yield Finding(kind, name, _ID, "CW401", message, f"write {old}")
        elif old is None and number in owners:
            owner = owners[number]
            message = f"the id {number} belonged to the {noun} {owner}"
            hint = "take an id that nobody had"
            if kind == "Organization" and owner not in after:
                hint = f"{hint}; a customer with a new name keeps name {owner} and gets a new path"
            yield Finding(kind, name, _ID, "CW402", message, hint)


def placed(findings: Iterable[Finding], definitions: Mapping[str, bytes]) -> list[Problem]:
    """Return the problems, each with its place in these files, sorted by it."""
    wanted = list(findings)
    if not wanted:
        return []
    found = _documents(definitions, {(one.kind, one.name) for one in wanted})
    return sorted(
        Problem(
            found[one.kind, one.name].place(one.path),
            dotted(one.path),
            one.code,
            one.message,
            one.hint,
        )
        for one in wanted
    )


def _documents(
    definitions: Mapping[str, bytes], wanted: set[tuple[str, str]]
) -> dict[tuple[str, str], Document]:
    found: dict[tuple[str, str], Document] = {}
    for file, data in definitions.items():
        for document in documents(file, data) if file != LEDGER else ():
            if isinstance(document, Document):
                value: Any = document.value
                called = (value["kind"], value["metadata"]["name"])
                if called in wanted:
                    found[called] = document
    return found
