"""The whole pure part in one place: what was read to everything that a run would do.

Refuses effects: no clock, no randomness, no environment, no network, no process.
"""

import gc
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from cellwright.check import check
from cellwright.consistency import find_problems
from cellwright.declared import Declared
from cellwright.document import documents
from cellwright.forbidden import not_placed
from cellwright.ledger import FILE as LEDGER
from cellwright.ledger import read_ledger
from cellwright.manifest import Manifest
from cellwright.model import Fleet
from cellwright.parse import parse
from cellwright.problem import Problem
from cellwright.render import FLEET_STACK, Renderer
from cellwright.schema import Schemas


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that was read, once: file contents by path relative to the workspace."""

    definitions: Mapping[str, bytes]
    schemas: Mapping[str, Any]
    templates: Mapping[str, str]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """The fleet and each stack's manifests; with problems, whatever could be made of it."""

    fleet: Fleet | None
    stacks: Mapping[str, tuple[Manifest, ...]]
    problems: tuple[Problem, ...]


def plan(
    snapshot: Snapshot, only: Collection[str] | None = None, *, needs_homes: bool = True
) -> Plan:
    """Return the plan of a workspace; of the stacks named in `only`, if any are named.

    An organization that is not placed is a problem if `needs_homes`: nothing can be applied.
    Raises KeyError for a stack in `only` that a valid fleet does not have.
    """
    fleet, problems = load(snapshot)
    if fleet is None:
        return Plan(None, {}, _sorted(problems))
    if needs_homes:
        problems += not_placed(fleet, snapshot.definitions)
    renderer = Renderer(snapshot.templates)
    stacks = {}
    for name in (FLEET_STACK, *fleet.cells) if only is None else only:
        rendered = renderer.stack(fleet, name)
        stacks[name] = rendered.manifests
        problems += rendered.problems
        problems += check(fleet, rendered.manifests)
    return Plan(fleet, stacks, _sorted(problems))


def load(snapshot: Snapshot) -> tuple[Fleet | None, list[Problem]]:
    """Return the fleet that the definitions declare, or None and all problems."""
    definitions = dict(snapshot.definitions)
    ledger, wrong = read_ledger(definitions.pop(LEDGER, None))
    problems = [*snapshot.problems, *wrong]
    declared = Declared(definitions, ledger)
    declared.incomplete = bool(problems)
    with _millions():
        problems += _take_in(definitions, Schemas(snapshot.schemas), declared)
        problems += find_problems(declared)
        return (None if problems else parse(declared)), problems


def _take_in(
    definitions: Mapping[str, bytes], schemas: Schemas, declared: Declared
) -> Iterator[Problem]:
    for file, data in definitions.items():
        for found in documents(file, data):
            if isinstance(found, Problem):
                declared.incomplete = True
                yield found
            elif schemas.fits(found.value):
                declared.add(found)
            else:
                declared.miss(found)
                yield from schemas.explain(found)


@contextmanager
def _millions() -> Iterator[None]:
    """Let the garbage collector look for cycles less often among values that all stay."""
    before = gc.get_threshold()
    gc.set_threshold(100_000, 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _sorted(problems: list[Problem]) -> tuple[Problem, ...]:
    return tuple(sorted(dict.fromkeys(problems)))
