"""The whole pure part in one place: what was read to everything that a run would do.

Refuses effects: no clock, no randomness, no environment, no network, no process.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from cellwright.check import check
from cellwright.document import Document, read_json_lines, read_yaml
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


def plan(snapshot: Snapshot, only: Collection[str] | None = None) -> Plan:
    """Return the plan of a workspace; of the stacks named in `only`, if any are named.

    Raises KeyError for a stack in `only` that a valid fleet does not have.
    """
    fleet, problems = load(snapshot)
    if fleet is None:
        return Plan(None, {}, _sorted(problems))
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
    documents: list[Document] = []
    problems = list(snapshot.problems)
    for file, data in snapshot.definitions.items():
        read = read_json_lines if file.endswith(".jsonl") else read_yaml
        found, wrong = read(file, data)
        documents += found
        problems += wrong
    schemas = Schemas(snapshot.schemas)
    problems += [problem for document in documents for problem in schemas.check(document)]
    if problems:
        return None, problems
    return parse(documents)


def _sorted(problems: list[Problem]) -> tuple[Problem, ...]:
    return tuple(sorted(dict.fromkeys(problems)))
