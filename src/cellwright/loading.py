"""What was read to the fleet that it declares, or all that is wrong with the definitions.

Refuses to render, and so loads nothing of templates: whoever only asks about the fleet gets an
answer soon.
"""

import gc
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from cellwright.consistency import find_problems
from cellwright.declared import Declared
from cellwright.document import (
    Document,
    documents,
    empty_or_marked,
    is_json,
    json_documents,
)
from cellwright.layout import LEDGER
from cellwright.ledger import read_ledger
from cellwright.model import Fleet
from cellwright.parse import parse
from cellwright.problem import Problem
from cellwright.schema import Schemas
from cellwright.snapshot import Snapshot

MANY_BYTES = 256 * 1024
"""The size of a file of JSON lines from which on `bulk` is worth its start."""


def load(snapshot: Snapshot) -> tuple[Fleet | None, list[Problem]]:
    """Return the fleet that the definitions declare, or None and all problems in order."""
    return load_declared(snapshot)[:2]


def load_declared(snapshot: Snapshot) -> tuple[Fleet | None, list[Problem], Declared]:
    """Return what `load` does, and what was declared, which knows the places of organizations."""
    definitions = dict(snapshot.definitions)
    ledger, wrong = read_ledger(definitions.pop(LEDGER, None))
    problems = [*snapshot.problems, *wrong]
    declared = Declared(definitions, ledger)
    declared.incomplete = bool(problems)
    with many_values():
        problems += _take_in(definitions, Schemas(snapshot.schemas), declared)
        problems += find_problems(declared)
        if snapshot.values_schema is not None and declared.fleets:
            from cellwright.values import check_values  # noqa: PLC0415 - loads jsonschema

            problems += check_values(snapshot.values_schema, declared)
        return (None if problems else parse(declared)), sorted(set(problems)), declared


def _take_in(
    definitions: Mapping[str, bytes], schemas: Schemas, declared: Declared
) -> Iterator[Problem]:
    for file, data in definitions.items():
        is_bulk = is_json(file) and len(data) >= MANY_BYTES
        if is_bulk and not empty_or_marked(file, data):
            yield from _take_in_lines(file, data, schemas, declared)
        else:
            yield from _take_in_each(documents(file, data), schemas, declared)


def _take_in_lines(
    file: str, data: bytes, schemas: Schemas, declared: Declared
) -> Iterator[Problem]:
    from cellwright import bulk  # noqa: PLC0415 - msgspec is loaded for large files

    number = 1
    for lines in bulk.parts(data):
        values = bulk.decoded(lines)
        if (
            values is not None
            and schemas.all_fit("Organization", values)
            and bulk.is_beyond_doubt(lines, values)
        ):
            declared.add_organizations(file, number, values)
        else:
            yield from _take_in_each(json_documents(file, lines, number), schemas, declared)
        number += len(lines)


def _take_in_each(
    found: Iterable[Document | Problem], schemas: Schemas, declared: Declared
) -> Iterator[Problem]:
    for one in found:
        if isinstance(one, Problem):
            declared.incomplete = True
            yield one
        elif schemas.fits(one.value):
            declared.add(one)
        else:
            declared.miss(one)
            yield from schemas.explain(one)


@contextmanager
def many_values() -> Iterator[None]:
    """Let the garbage collector look for cycles less often among values that all stay."""
    before = gc.get_threshold()
    gc.set_threshold(100_000, 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)
