"""The whole pure part in one place: what was read to everything that a run would do.

Refuses effects: no clock, no randomness, no environment, no network, no process.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from cellwright.api_types import ApiTypes
from cellwright.audit import find_unsafe, find_wrong, own_templates
from cellwright.check import Checker
from cellwright.declared import Declared
from cellwright.forbidden import not_placed
from cellwright.history import History, history_after
from cellwright.layout import API_TYPES
from cellwright.loading import load_declared, many_values
from cellwright.manifest import Manifest
from cellwright.model import FLEET_STACK, Fleet, UnknownStackError
from cellwright.problem import Place, Problem, nearest
from cellwright.render import Renderer
from cellwright.snapshot import Snapshot
from cellwright.template import Templates


@dataclass(frozen=True, slots=True)
class Plan:
    """The fleet and each stack's manifests; with problems, whatever could be made of it."""

    fleet: Fleet | None
    stacks: Mapping[str, tuple[Manifest, ...]]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A workspace's fleet, None with problems that hide it, and nothing rendered yet."""

    snapshot: Snapshot
    fleet: Fleet | None
    problems: tuple[Problem, ...]
    declared: Declared


def loaded(snapshot: Snapshot) -> Loaded:
    """Return the fleet of a workspace, of which clusters can be asked before it is planned."""
    fleet, problems, declared = load_declared(snapshot)
    return Loaded(snapshot, fleet, _sorted(problems), declared)


def plan(
    snapshot: Snapshot, only: Collection[str] | None = None, history: History | None = None
) -> Plan:
    """Return the plan of a workspace; of the stacks named in `only`, if any are named.

    `history` is what the directory remembers of ids; unless given, what is declared. Raises
    UnknownStackError for a stack in `only` that a valid fleet does not have.
    """
    return planned(loaded(snapshot), only, history)


def planned(
    one: Loaded, only: Collection[str] | None = None, history: History | None = None
) -> Plan:
    """Return the plan of what was loaded, as `plan` does."""
    fleet, problems = one.fleet, list(one.problems)
    templates = Templates(one.snapshot.templates)
    own = own_templates(templates)
    unsafe = find_unsafe(templates, own)
    if fleet is not None:
        problems += not_placed(one.declared)
        for name in only or ():
            if name != FLEET_STACK and name not in fleet.cells:
                raise UnknownStackError(name)
    if fleet is None or unsafe:
        return Plan(fleet, {}, _sorted([*problems, *unsafe]))
    types, wrong = _types(one.snapshot, fleet)
    wrong += find_wrong(templates, own, types.values())
    renderer = Renderer(fleet, templates, types, history)
    stacks, found = _rendered(renderer, fleet, types, only)
    wrong = [*found, *(other for other in wrong if not _is_among(other, found))]
    return Plan(fleet, stacks, _sorted([*problems, *wrong]))


def with_history(one: Loaded, made: Plan, history: History) -> Plan:
    """Return the plan that was made of `one`, going on from what clusters remember of ids.

    Only the fleet's stack knows it, if that was planned and its history differs.
    """
    fleet = made.fleet
    if fleet is None or FLEET_STACK not in made.stacks:
        return made
    if history == history_after(None, {}, (), fleet):
        return made
    again = planned(one, [FLEET_STACK], history)
    problems = _sorted([*made.problems, *again.problems])
    return Plan(fleet, {**made.stacks, **again.stacks}, problems)


def _rendered(
    renderer: Renderer,
    fleet: Fleet,
    types: Mapping[str, ApiTypes],
    only: Collection[str] | None,
) -> tuple[dict[str, tuple[Manifest, ...]], list[Problem]]:
    """Return the manifests of the fleet's stacks, or of those named in `only`, all checked.

    `types` are those of each cluster.
    """
    checker = Checker(fleet, types)
    stacks = {}
    found: dict[Problem, list[str]] = {}
    with many_values():
        for name in (FLEET_STACK, *fleet.cells) if only is None else only:
            made = renderer.stack(name)
            stacks[name] = made.manifests
            for problem in (*made.problems, *checker.check(made.manifests)):
                found.setdefault(problem, []).append(name)
    return stacks, [_of_stacks(problem, names) for problem, names in found.items()]


def _is_among(one: Problem, found: list[Problem]) -> bool:
    """Return whether a problem of a template was found in a stack, too."""
    where = (one.place, one.path, one.code)
    return any((other.place, other.path, other.code) == where for other in found)


def _sorted(problems: list[Problem]) -> tuple[Problem, ...]:
    return tuple(sorted(dict.fromkeys(problems)))


def _types(snapshot: Snapshot, fleet: Fleet) -> tuple[dict[str, ApiTypes], list[Problem]]:
    own = {name: ApiTypes(body) for name, body in snapshot.api_types.items()}
    problems = []
    for name in sorted(own.keys() - fleet.clusters.keys() - {""}):
        message = f"no cluster {name!r} is declared, whose types these could be"
        place = Place(f"{API_TYPES}/{name}.json")
        problems.append(Problem(place, "", "CW205", message, nearest(name, fleet.clusters)))
    return {name: own.get(name, own[""]) for name in fleet.clusters}, problems


def _of_stacks(problem: Problem, stacks: list[str]) -> Problem:
    """Return a problem that says for which stacks it was found."""
    names = list(dict.fromkeys(stacks))
    shown = ", ".join(names if len(names) <= 3 else names[:2])
    rest = f" and {len(names) - 2} more" if len(names) > 3 else ""
    return problem._replace(message=f"{problem.message}, for {shown}{rest}")
