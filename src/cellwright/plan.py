"""The whole pure part in one place: what was read to everything that a run would do.

Refuses effects: no clock, no randomness, no environment, no network, no process.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from cellwright.api_types import ApiTypes
from cellwright.audit import find_unsafe, find_wrong, own_templates
from cellwright.check import Checker
from cellwright.document import Document, read_json_lines, read_yaml
from cellwright.manifest import Manifest
from cellwright.model import Fleet
from cellwright.parse import parse
from cellwright.problem import Place, Problem, nearest
from cellwright.render import FLEET_STACK, Renderer
from cellwright.schema import Schemas
from cellwright.template import Templates
from cellwright.values import check_values


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that was read, once: file contents by path relative to the workspace.

    `templates` are those in force, by path below `templates/`, and our own again below
    `shipped/`. `api_types` are reduced descriptions of the Kubernetes API: the shipped one under
    the empty name, and those of the workspace under the names of their clusters.
    `values_schema` is the workspace's schema of `spec.values`, None without one.
    """

    definitions: Mapping[str, bytes]
    schemas: Mapping[str, Any]
    templates: Mapping[str, str]
    api_types: Mapping[str, Any]
    values_schema: Any
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
    templates = Templates(snapshot.templates)
    own = own_templates(templates)
    unsafe = find_unsafe(templates, own)
    if fleet is None or unsafe:
        return Plan(fleet, {}, _sorted([*problems, *unsafe]))
    types, wrong = _types(snapshot, fleet)
    renderer = Renderer(fleet, templates, types)
    checker = Checker(fleet, types)
    stacks = {}
    found: dict[Problem, list[str]] = {}
    for name in (FLEET_STACK, *fleet.cells) if only is None else only:
        rendered = renderer.stack(name)
        stacks[name] = rendered.manifests
        for problem in (*rendered.problems, *checker.check(rendered.manifests)):
            found.setdefault(problem, []).append(name)
    wrong += (one for one in find_wrong(templates, own, types.values()) if one not in found)
    wrong += (_of_stacks(problem, names) for problem, names in found.items())
    return Plan(fleet, stacks, _sorted([*problems, *wrong]))


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
    fleet, problems = parse(documents)
    if snapshot.values_schema is not None:
        problems += check_values(snapshot.values_schema, documents)
    return (None if problems else fleet), problems


def _sorted(problems: list[Problem]) -> tuple[Problem, ...]:
    return tuple(sorted(dict.fromkeys(problems)))


def _types(snapshot: Snapshot, fleet: Fleet) -> tuple[dict[str, ApiTypes], list[Problem]]:
    own = {name: ApiTypes(body) for name, body in snapshot.api_types.items()}
    problems = []
    for name in sorted(own.keys() - fleet.clusters.keys() - {""}):
        message = f"no cluster {name!r} is declared, whose types these could be"
        place = Place(f"schemas/kubernetes/{name}.json")
        problems.append(Problem(place, "", "CW205", message, nearest(name, fleet.clusters)))
    return {name: own.get(name, own[""]) for name in fleet.clusters}, problems


def _of_stacks(problem: Problem, stacks: list[str]) -> Problem:
    """Return a problem that says for which stacks it was found."""
    names = list(dict.fromkeys(stacks))
    shown = ", ".join(names if len(names) <= 3 else names[:2])
    rest = f" and {len(names) - 2} more" if len(names) > 3 else ""
    return problem._replace(message=f"{problem.message}, for {shown}{rest}")
