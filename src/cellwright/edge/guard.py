"""What must not be done to what the clusters hold, asked before a run touches anything.

`up`, the Pulumi program and `check --against live` refuse the same. Refuses to change anything.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from cellwright.edge.clusters import ClusterState, read_clusters
from cellwright.edge.facts import read_facts
from cellwright.edge.failure import CommandError
from cellwright.edge.kubectl import Kubectl
from cellwright.edge.live import cell_growths, is_managed, local_changes, selector_of
from cellwright.edge.settings import Settings, read_settings
from cellwright.edge.versions import version_findings
from cellwright.fixed import Finding
from cellwright.forbidden import placed
from cellwright.growth import Growth
from cellwright.identity import Owner, belonging, owner_of, unowned
from cellwright.manifest import Manifest
from cellwright.model import DIRECTORY_NAMESPACE, FLEET_STACK, Fleet
from cellwright.plan import Loaded, planned
from cellwright.problem import Path as FieldPath
from cellwright.problem import Problem
from cellwright.registration import protected_of
from cellwright.standing import Facts, refusals
from cellwright.wholeness import directory_findings

_NAME: FieldPath = ("metadata", "name")
_ADOPT = "if it is this fleet's, `cellwright adopt` takes it on; else use another namespacePrefix"
_OTHER = (
    "restore the settings and the root secret of that fleet (docs/recovery.md), or give this one a "
    "namespacePrefix or a cluster of its own"
)

_LOST = (
    "restore stacks/Pulumi.*.yaml and the state, or give the root secret to `cellwright adopt`; "
    "another fleet needs a namespacePrefix of its own"
)


class Guarded(NamedTuple):
    """The manifests of a stack, and why they must not be applied."""

    manifests: tuple[Manifest, ...]
    problems: tuple[Problem, ...]


def guarded(root: Path, loaded: Loaded, fleet: Fleet, stack: str, number: str) -> Guarded:
    """Return what the Pulumi program registers for one stack, and what is wrong with that.

    `number` is the fleet's id. Raises CommandError for a cluster that does not answer.
    """
    names = fleet.used_clusters() if stack == FLEET_STACK else (fleet.cells[stack].cluster,)
    clusters = read_clusters(fleet, names)
    if clusters.away:
        raise CommandError("; ".join(clusters.away.values()))
    facts = read_facts(fleet, names)
    stacks = planned(loaded, [stack], facts.history(fleet)).stacks
    definitions = loaded.snapshot.definitions
    protected = protected_of(fleet, stacks)
    changed = local_changes(facts.data, protected)
    problems = refusals(facts.fixed, fleet, changed, protected, definitions)
    settings = {name: read_settings(root, name) for name in (FLEET_STACK, stack)}
    found = [
        *cluster_findings(fleet, settings, clusters.states),
        *namespace_findings(fleet, number, clusters.states, [stack]),
        *version_findings(
            fleet, {name: one.state for name, one in settings.items()}, clusters.states
        ),
        *(
            _growth_findings(cell_growths(facts.data, stacks[stack]))
            if stack != FLEET_STACK
            else directory_findings(fleet, facts.directories, stacks[stack])
        ),
    ]
    found += dropped_findings(fleet, facts, stacks)
    if not found:
        found += object_findings(fleet, number, stacks, clusters.states)
    return Guarded(stacks[stack], (*problems, *placed(found, definitions)))


def cluster_findings(
    fleet: Fleet, settings: Mapping[str, Settings], states: Mapping[str, ClusterState]
) -> Iterator[Finding]:
    """Yield clusters that are not those to which stacks were applied, or that have two names."""
    for stack, said in settings.items():
        home = fleet.cells[stack].cluster if stack in fleet.cells else ""
        for cluster in said.clusters or ():
            if home and cluster != home:
                message = f"the cluster goes from {cluster} to {home}"
                hint = "make a new cell and move the organizations there"
                yield Finding("Cell", stack, ("spec", "cluster"), "CW405", message, hint)
    recorded = {
        (cluster, uid): stack
        for stack, said in reversed([*settings.items()])  # the first one is named
        for cluster, uid in (said.clusters or {}).items()
    }
    names = {state.uid: name for name, state in states.items()}
    for (cluster, uid), stack in recorded.items():
        if names.get(uid, cluster) != cluster and cluster not in states:
            name = names[uid]
            message = f"cluster {name} is the one that stack {stack} was applied to as {cluster}"
            hint = f"write {cluster}: the objects of a cluster would be deleted with its name"
            yield Finding("Fleet", fleet.name, ("spec", "clusters", name), "CW405", message, hint)
        if cluster in states and states[cluster].uid != uid:
            message = (
                f"cluster {cluster} is not the one that stack {stack} was applied to: its "
                f"kube-system has UID {states[cluster].uid}, not {uid}"
            )
            hint = "choose the right context; for a cluster made anew see docs/recovery.md"
            path: FieldPath = ("spec", "clusters", cluster)
            yield Finding("Fleet", fleet.name, path, "CW420", message, hint)
    first: dict[str, str] = {}
    for name, state in states.items():
        if state.uid in first:
            message = f"cluster {name} is the same cluster as {first[state.uid]}"
            path = ("spec", "clusters", name)
            hint = "a cluster has one name in a fleet"
            yield Finding("Fleet", fleet.name, path, "CW231", message, hint)
        first.setdefault(state.uid, name)


def namespace_findings(
    fleet: Fleet, number: str, states: Mapping[str, ClusterState], stacks: Iterable[str]
) -> Iterator[Finding]:
    """Yield the namespaces of stacks that are there and not this fleet's, whose id is `number`.

    The directory's is always looked at: it tells whose fleet a cluster holds.
    """
    for cluster, state in states.items():
        for stack in dict.fromkeys((FLEET_STACK, *stacks)):
            if stack != FLEET_STACK and fleet.cells[stack].cluster != cluster:
                continue
            namespace = fleet.directory_namespace
            if stack != FLEET_STACK:
                namespace = fleet.cells[stack].namespace
            owner = state.owner(namespace)
            if owner is None or owner == Owner(fleet.name, number):
                continue
            where = f"Namespace {namespace} in cluster {cluster}"
            yield _finding(fleet, stack, f"{where} {belonging(owner, fleet.name)}", owner)
        yield from _prefix_findings(fleet, number, state)


def _prefix_findings(fleet: Fleet, number: str, state: ClusterState) -> Iterator[Finding]:
    """Yield where this fleet has its directory, if that is in another namespace than declared."""
    for name, body in state.namespaces.items():
        is_directory = name.endswith(DIRECTORY_NAMESPACE) and name != fleet.directory_namespace
        if is_directory and owner_of(body) == Owner(fleet.name, number):
            prefix = name.removesuffix(DIRECTORY_NAMESPACE).removesuffix("-")
            message = (
                f"the fleet has its directory in namespace {name} of cluster {state.name}: "
                "namespacePrefix never changes"
            )
            hint = f"write namespacePrefix: {prefix}" if prefix else "take namespacePrefix out"
            yield Finding("Fleet", fleet.name, ("spec", "namespacePrefix"), "CW405", message, hint)


def lost_findings(fleet: Fleet, states: Mapping[str, ClusterState]) -> Iterator[Finding]:
    """Yield the clusters that hold a fleet whose settings this workspace does not have."""
    for cluster, state in states.items():
        namespaces = [fleet.directory_namespace]
        namespaces += [cell.namespace for cell in fleet.cells.values() if cell.cluster == cluster]
        standing = [one for one in namespaces if one in state.namespaces]
        if not standing:
            continue
        message = (
            f"cluster {cluster} has namespace {standing[0]}, of {state.owner(standing[0])}, and no "
            "stack of this workspace has a root secret"
        )
        yield Finding("Fleet", fleet.name, _NAME, "CW422", message, _LOST)


def live_findings(root: Path, fleet: Fleet, facts: Facts) -> list[Finding]:
    """Return what `up` would refuse of a whole fleet since it is not this workspace's, or since its
    directory is not whole.

    The settings tell the fleet's id, so that no secret is needed. Raises CommandError for a
    cluster that does not answer.
    """
    clusters = read_clusters(fleet, fleet.clusters)
    if clusters.away:
        raise CommandError("; ".join(clusters.away.values()))
    settings = read_settings(root, FLEET_STACK)
    if not settings.fleet_id:
        return list(lost_findings(fleet, clusters.states))
    number, states = settings.fleet_id, clusters.states
    said = {name: read_settings(root, name).state for name in (FLEET_STACK, *fleet.cells)}
    return [
        *cluster_findings(fleet, {FLEET_STACK: settings}, states),
        *namespace_findings(fleet, number, states, fleet.cells),
        *version_findings(fleet, said, states),
        *directory_findings(fleet, facts.directories),
    ]


def object_findings(
    fleet: Fleet,
    number: str,
    stacks: Mapping[str, Iterable[Manifest]],
    states: Mapping[str, ClusterState],
) -> Iterator[Finding]:
    """Yield the objects that stacks would take on and that are not this fleet's.

    Only what may be there is asked for: objects of namespaces that are, and of whole clusters.
    """
    selector = selector_of(stacks)
    for cluster, state in states.items():
        asked = [
            one
            for manifests in stacks.values()
            for one in manifests
            if one.cluster == cluster
            and one.kind != "Namespace"
            and (not one.namespace or one.namespace in state.namespaces)
        ]
        if not asked:
            continue
        held = Kubectl(fleet.clusters[cluster]).held([one.body for one in asked], selector=selector)
        owners = {Manifest("", cluster, "", 0, 0, body).identity: owner_of(body) for body in held}
        for one in asked:
            owner = owners.get(one.identity)
            if owner and (why := unowned(one, owner, fleet.name, number)):
                yield _finding(fleet, one.stack, why, owner)


def dropped_findings(
    fleet: Fleet, facts: Facts, stacks: Mapping[str, Iterable[Manifest]]
) -> Iterator[Finding]:
    """Yield what holds data and is declared no more: Pulumi protects it, and would refuse."""
    held: dict[str, list[Manifest]] = {}
    for one in facts.data:
        if one.stack in stacks:
            held.setdefault(one.stack, []).append(one)
    declared = {one.identity for manifests in stacks.values() for one in manifests}
    for one in protected_of(fleet, held):
        if one.identity not in declared and is_managed(one.body):
            message = f"{one.kind} {one.namespace}/{one.name} holds data and is declared no more"
            hint = "declare it again; or delete it with kubectl, then run `cellwright up --all`"
            yield Finding("Cell", one.stack, ("spec",), "CW406", message, hint)


def _growth_findings(growing: Iterable[Growth]) -> Iterator[Finding]:
    """Yield why a typed `pulumi up` must not run where volumes grow."""
    for growth in growing:
        if growth.grows or growth.takes_set_away:
            message = (
                f"StatefulSet {growth.namespace}/{growth.name} would be made anew for its volume, "
                f"which grows from {growth.before} to {growth.after}"
            )
            hint = "run `cellwright up`, which makes the volume larger while Postgres runs"
            yield Finding(
                "Cell", growth.stack, ("spec", "postgres", "storage"), "CW406", message, hint
            )


def _finding(fleet: Fleet, stack: str, message: str, owner: Owner) -> Finding:
    kind, name = ("Fleet", fleet.name) if stack == FLEET_STACK else ("Cell", stack)
    hint = _OTHER if owner.fleet_id else _ADOPT
    return Finding(kind, name, _NAME, "CW421", message, hint)
