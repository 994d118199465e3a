"""What valid definitions ask for that can't be done: changes to what never changes, no home.

The places are looked up only if there is a problem, by reading the definitions again. Refuses
to judge definitions by themselves (`consistency` does).
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from cellwright.declared import Declared
from cellwright.document import Document, documents
from cellwright.layout import LEDGER
from cellwright.model import Cell, Fleet, Organization
from cellwright.problem import NOT_PLACED, Path, Problem, dotted
from cellwright.quantity import amount

_ID: Path = ("spec", "id")
_MOST_HOMELESS = 20
_NEW_CELL = "make a new cell and move the organizations there"


class _Finding(NamedTuple):
    kind: str
    name: str
    path: Path
    code: str
    message: str
    hint: str


def changes_forbidden(
    before: Fleet, after: Fleet, definitions: Mapping[str, bytes]
) -> list[Problem]:
    """Return which changes between two states of a fleet can't be made.

    `definitions` are the files of the state `after`, in which the problems are placed.
    """
    return _placed(_forbidden(before, after), definitions)


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


def _forbidden(before: Fleet, after: Fleet) -> Iterator[_Finding]:
    for name, cell in after.cells.items():
        if name in before.cells:
            yield from _of_cell(before.cells[name], cell)
    yield from _ids("Cell", before.cells, after.cells)
    yield from _ids("Organization", before.organizations, after.organizations)


def _of_cell(old: Cell, new: Cell) -> Iterator[_Finding]:
    database: Path = ("spec", "postgres")
    a, b = old.postgres, new.postgres
    if a.version != b.version:
        message = f"the major version of Postgres goes from {a.version} to {b.version}"
        yield _Finding("Cell", new.name, (*database, "version"), "CW403", message, _NEW_CELL)
    less, more = amount(b.storage), amount(a.storage)
    if less is not None and more is not None and less < more:
        message = f"the storage shrinks from {a.storage} to {b.storage}"
        yield _Finding("Cell", new.name, (*database, "storage"), "CW404", message, _NEW_CELL)
    if a.storage_class != b.storage_class:
        classes = " to ".join(
            one or "the cluster's default" for one in (a.storage_class, b.storage_class)
        )
        message = f"the storage class goes from {classes}"
        yield _Finding("Cell", new.name, (*database, "storageClass"), "CW405", message, _NEW_CELL)
    if old.cluster != new.cluster:
        message = f"the cluster goes from {old.cluster} to {new.cluster}"
        yield _Finding("Cell", new.name, ("spec", "cluster"), "CW405", message, _NEW_CELL)


def _ids(
    kind: str,
    before: Mapping[str, Cell] | Mapping[str, Organization],
    after: Mapping[str, Cell] | Mapping[str, Organization],
) -> Iterator[_Finding]:
    owners = {one.id: name for name, one in before.items()}
    noun = kind.lower()
    for name, one in after.items():
        old = before.get(name)
        if old is not None and old.id != one.id:
            message = f"the id goes from {old.id} to {one.id}"
            yield _Finding(kind, name, _ID, "CW401", message, f"write {old.id}")
        elif old is None and one.id in owners:
            owner = owners[one.id]
            message = f"the id {one.id} belonged to the {noun} {owner}"
            hint = "take an id that nobody had"
            if kind == "Organization" and owner not in after:
                hint = f"{hint}; a customer with a new name keeps name {owner} and gets a new path"
            yield _Finding(kind, name, _ID, "CW402", message, hint)


def _placed(findings: Iterable[_Finding], definitions: Mapping[str, bytes]) -> list[Problem]:
    wanted = list(findings)
    if not wanted:
        return []
    found = _documents(definitions, {(one.kind, one.name) for one in wanted})
    return [
        Problem(
            found[one.kind, one.name].place(one.path),
            dotted(one.path),
            one.code,
            one.message,
            one.hint,
        )
        for one in wanted
    ]


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
