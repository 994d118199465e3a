"""Reads what is known of a cell that is to be retired, and whether it is this fleet's to retire.

A cell that is declared no more is found by its namespace, or by the settings of its stack.
Refuses to change anything (`edge.destroying` does).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cellwright.edge.clusters import ClusterState, read_clusters
from cellwright.edge.failure import CommandError
from cellwright.edge.guard import cluster_findings, namespace_findings, object_findings
from cellwright.edge.kubectl import Kubectl
from cellwright.edge.live_entries import told
from cellwright.edge.settings import read_settings
from cellwright.edge.stack_resources import read_resources
from cellwright.edge.up.reading import Situation, read_situation
from cellwright.fixed import Finding
from cellwright.forbidden import placed
from cellwright.identity import CELL_LABEL
from cellwright.model import FLEET_STACK, Fleet
from cellwright.plan import Loaded, Plan
from cellwright.problem import Problem
from cellwright.retirement import RETIREMENT_ANNOTATION, Retiree, record_in, residents

_RING = "cellwright.dev/ring"
_RUNNING = ("deployments", "statefulsets", "jobs", "pods")
_CLAIMS = "persistentvolumeclaims"
_SECONDS = 8.0  # until a cluster counts as away


@dataclass(frozen=True, slots=True)
class Claim:
    """A volume claim of a namespace, and how much it holds."""

    name: str
    storage: str


@dataclass(frozen=True, slots=True)
class Reading:
    """A cell that is to be retired, its volume claims, and all that was asked.

    `ending` says what a namespace that is being deleted waits for.
    """

    situation: Situation
    retiree: Retiree
    claims: tuple[Claim, ...]
    problems: tuple[Problem, ...]
    ending: tuple[str, ...] = ()


def read_retiree(  # noqa: PLR0913 - a workspace, as it was read and planned
    root: Path, loaded: Loaded, plan: Plan, fleet: Fleet, name: str, *, seen_in: str | None = None
) -> Reading:
    """Return what is known of a cell, which was `seen_in` a cluster before if it may be gone now.

    Raises CommandError for a cell that nothing knows, and for a cluster that does not answer: an
    organization could live on the cell by the directory of any cluster.
    """
    clusters = read_clusters(fleet, fleet.clusters)
    namespace = f"{fleet.namespace_prefix}cell-{name}"
    where = _cluster_of(root, fleet, clusters.states, namespace, name) or seen_in
    needed = {*fleet.used_clusters(), *([where] if where else [])}
    if away := [clusters.away[one] for one in sorted(needed) if one in clusters.away]:
        raise CommandError("; ".join(away))
    situation = read_situation(root, loaded, plan, fleet, clusters)
    if where is None and name in situation.backend:
        where = fleet.used_clusters()[0]  # an empty stack that was never applied
    if where is None:
        unknown = "".join(f"; {why}" for why in clusters.away.values())
        raise CommandError(
            f"no cell {name!r}: it is not declared, and neither a cluster nor the backend has "
            f"anything of it{unknown}"
        )
    state = clusters.states[where]
    problems = placed(_findings(situation, state, name), loaded.snapshot.definitions)
    objects = _objects(fleet, state, namespace)
    return Reading(
        situation,
        _retiree(situation, state, namespace, name, objects),
        tuple(_claims(objects)),
        tuple(problems),
        tuple(_ending(state.namespaces.get(namespace))),
    )


def namespace_body(fleet: Fleet, cluster: str, namespace: str) -> Mapping[str, Any] | None:
    """Return a namespace as it is now, None if it is gone. Raises CommandError."""
    return Kubectl(fleet.clusters[cluster]).find(f"/api/v1/namespaces/{namespace}")


def waits_for(body: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Return what a namespace that is being deleted waits for; nothing for another one."""
    return tuple(_ending(body))


def still_running(fleet: Fleet, cluster: str, namespace: str) -> tuple[str, ...]:
    """Return what runs in a namespace, as `Pod app-1`. Raises CommandError."""
    return tuple(
        _running(Kubectl(fleet.clusters[cluster]).present(_RUNNING, namespace, seconds=_SECONDS))
    )


def _cluster_of(
    root: Path, fleet: Fleet, states: Mapping[str, ClusterState], namespace: str, name: str
) -> str | None:
    """Return the cluster that a cell is in: declared, seen there, or noted in its settings."""
    if name in fleet.cells:
        return fleet.cells[name].cluster
    seen = [one.name for one in states.values() if namespace in one.namespaces]
    noted = sorted(read_settings(root, name).clusters or {})
    found = seen or noted
    if len(found) > 1:
        clusters = " and ".join(found)
        raise CommandError(f"cell {name} is in clusters {clusters}: declare it again to choose one")
    if found and found[0] not in fleet.clusters:
        raise CommandError(
            f"the stack of cell {name} was applied to cluster {found[0]}, which is not declared: "
            "declare it again under spec.clusters of the fleet"
        )
    return found[0] if found else None


def _findings(situation: Situation, state: ClusterState, name: str) -> Iterator[Finding]:
    """Yield why a cell is not this fleet's to destroy."""
    fleet = situation.fleet
    if situation.secrets is None:
        raise CommandError(
            "no stack of this workspace has the fleet's root secret, which shows whose the cell "
            "is: see `cellwright adopt`"
        )
    number = situation.secrets.fleet_id
    names = [one for one in (FLEET_STACK, name) if one in situation.backend]
    settings = {one: read_settings(situation.root, one) for one in names}
    yield from cluster_findings(fleet, settings, situation.clusters.states)
    stacks = [name] if name in fleet.cells else []
    only = {state.name: state}
    found = list(namespace_findings(fleet, number, only, stacks))
    if not stacks:
        found += _undeclared_findings(fleet, state, name, number)
    elif not found:
        manifests = {name: situation.manifests[name]}
        found += object_findings(fleet, number, manifests, only)
    yield from found


def _undeclared_findings(
    fleet: Fleet, state: ClusterState, name: str, number: str
) -> Iterator[Finding]:
    namespace = f"{fleet.namespace_prefix}cell-{name}"
    owner = state.owner(namespace)
    if owner is None:
        return
    labels = state.namespaces[namespace]["metadata"].get("labels") or {}
    if owner.fleet_id != number or labels.get(CELL_LABEL) != name:
        message = f"Namespace {namespace} in cluster {state.name} belongs to {owner}"
        hint = "only the workspace of its own fleet can retire it"
        yield Finding("", "cells", (), "CW421", message, hint)


def _retiree(
    situation: Situation,
    state: ClusterState,
    namespace: str,
    name: str,
    objects: Iterable[Mapping[str, Any]],
) -> Retiree:
    fleet = situation.fleet
    body = state.namespaces.get(namespace)
    metadata = body["metadata"] if body else {}
    annotations = metadata.get("annotations") or {}
    stamp = state.applied(namespace)
    declared = fleet.cells.get(name)
    resources = None
    if name in situation.backend:
        resources = read_resources(situation.root, name)
    return Retiree(
        name=name,
        cluster=state.name,
        namespace=namespace,
        declared=declared,
        organizations=_residents(situation, name),
        ring=None if body is None else str((metadata.get("labels") or {}).get(_RING, "")),
        applied=stamp.updated if stamp else "",
        is_current=declared is not None and not situation.changed_clusters(name),
        resources=resources,
        running=tuple(_running(objects)),
        record=record_in(annotations.get(RETIREMENT_ANNOTATION, "")),
    )


def _residents(situation: Situation, name: str) -> tuple[str, ...]:
    fleet = situation.fleet
    declared = {one.name: (one.cell, one.serving_cell) for one in fleet.organizations.values()}
    live: defaultdict[str, set[str | None]] = defaultdict(set)
    for cluster in situation.clusters.states:
        if situation.is_there(FLEET_STACK, cluster):
            for entry in told(fleet, cluster, ()):
                live[entry.entry.organization].add(entry.entry.home.cell)
    history = situation.facts.fixed.history
    for organization, home in (history.homes if history else {}).items():
        live[organization].add(home)
    return residents(name, declared, live)


def _objects(fleet: Fleet, state: ClusterState, namespace: str) -> list[Mapping[str, Any]]:
    if namespace not in state.namespaces:
        return []
    return Kubectl(fleet.clusters[state.name]).present(
        (*_RUNNING, _CLAIMS), namespace, seconds=_SECONDS
    )


def _running(objects: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for one in objects:
        if one["kind"] != "PersistentVolumeClaim":
            yield f"{one['kind']} {one['metadata']['name']}"


def _claims(objects: Iterable[Mapping[str, Any]]) -> Iterator[Claim]:
    for one in objects:
        if one["kind"] == "PersistentVolumeClaim":
            requests = one["spec"].get("resources", {}).get("requests", {})
            yield Claim(one["metadata"]["name"], str(requests.get("storage", "")))


def _ending(body: Mapping[str, Any] | None) -> Iterator[str]:
    if body is None or not body["metadata"].get("deletionTimestamp"):
        return
    conditions = (body.get("status") or {}).get("conditions") or ()
    said = [
        str(one.get("message", ""))
        for one in conditions
        if one.get("status") == "True" and one.get("message")
    ]
    yield from said or ["the end of what is in it"]
