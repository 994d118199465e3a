"""What the clusters say of each stack of a fleet, beside what is declared.

Each cluster is asked by a few calls of kubectl, all clusters at once; one that does not answer is
told, and keeps nobody from learning of the others. Refuses to change anything.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from cellwright.changes import Change
from cellwright.comparison import (
    Differences,
    added_data,
    autoscaled,
    claims,
    is_extra,
    is_ours,
    told,
    without_notes,
)
from cellwright.edge.failure import CommandError
from cellwright.edge.kubectl import Kubectl, resource
from cellwright.edge.live import differing
from cellwright.edge.volumes import measured
from cellwright.edge.waiting import by_namespace, custom, observed
from cellwright.fleet_state import StackState, Undeclared, holds_since, is_of, last_run
from cellwright.growth import resize_of
from cellwright.identity import CELL_LABEL
from cellwright.manifest import Identity, Manifest
from cellwright.model import FLEET_STACK, Fleet
from cellwright.reasons import Reason, about

Body = Mapping[str, Any]

_AT_ONCE = 8  # clusters
_PATIENCE = 60.0  # seconds for the workloads of a whole cluster
_WORKLOADS = ("CronJob", "DaemonSet", "Deployment", "Job", "StatefulSet")
_LEASE = "cellwright-up"
_NO_SUCH_KIND = "doesn't have a resource type"
_LISTED = tuple(
    resource({"apiVersion": version, "kind": kind})
    for version, kinds in {
        "v1": (
            "ConfigMap LimitRange Namespace PersistentVolumeClaim ResourceQuota Secret Service "
            "ServiceAccount"
        ),
        "apps/v1": "DaemonSet Deployment StatefulSet",
        "autoscaling/v2": "HorizontalPodAutoscaler",
        "batch/v1": "CronJob Job",
        "networking.k8s.io/v1": "Ingress NetworkPolicy",
        "policy/v1": "PodDisruptionBudget",
        "rbac.authorization.k8s.io/v1": "Role RoleBinding",
    }.items()
    for kind in kinds.split()
)
"""Kinds of which objects that nothing declares are looked for, beside those of the manifests."""


@dataclass(frozen=True, slots=True)
class FleetState:
    """Every stack in each of its clusters, and cells that nothing declares."""

    stacks: tuple[StackState, ...]
    undeclared: tuple[Undeclared, ...]
    away: Mapping[str, str]
    """Why clusters did not answer, by name; those that no cell is in among them."""


def fleet_state(fleet: Fleet, stacks: Mapping[str, Iterable[Manifest]]) -> FleetState:
    """Ask all clusters of a fleet of its stacks, whose manifests are given by name."""
    declared: dict[str, dict[str, list[Manifest]]] = {name: {} for name in fleet.clusters}
    for stack, manifests in stacks.items():
        for one in manifests:
            declared[one.cluster].setdefault(stack, []).append(one)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = list(pool.map(lambda name: _asked(fleet, name, declared[name]), fleet.clusters))
    found = [one for each in answers for one in each.stacks]
    order = {name: number for number, name in enumerate(fleet.cells)}
    found.sort(key=lambda one: (order.get(one.stack, len(order)), one.cluster))
    undeclared = tuple(one for each in answers for one in each.undeclared)
    away = {name: why for each in answers for name, why in each.away.items()}
    return FleetState(tuple(found), undeclared, away)


def _asked(fleet: Fleet, name: str, declared: Mapping[str, list[Manifest]]) -> FleetState:
    kubectl = Kubectl(fleet.clusters[name])
    try:
        kubectl.greet()
        cluster = _Cluster(fleet, name, kubectl, declared)
        return FleetState(tuple(cluster.stacks()), cluster.undeclared, {})
    except CommandError as error:
        states = tuple(StackState(stack, name, away=str(error)) for stack in declared)
        return FleetState(states, (), {name: str(error)})


class _Cluster:
    """One cluster, and what is declared there by stack."""

    def __init__(
        self, fleet: Fleet, name: str, kubectl: Kubectl, declared: Mapping[str, list[Manifest]]
    ) -> None:
        self._fleet, self._name, self._kubectl, self._declared = fleet, name, kubectl, declared
        self._wanted = {one.identity: one for stack in declared.values() for one in stack}
        self._volumes = claims(self._wanted.values())
        bodies = self._held([one.body for one in self._wanted.values()])
        self._held_by = {self._identity(body): body for body in bodies}
        self._ours: dict[str, list[Body]] = defaultdict(list)
        for body in bodies:
            if is_ours(body, fleet.name):
                self._ours[str(body["metadata"].get("namespace", ""))].append(body)
        self.undeclared = tuple(self._undeclared())
        """Cells of this fleet whose namespace is here, and that are not declared here."""

    def stacks(self) -> list[StackState]:
        """Return the state of each stack."""
        spaces = {_namespace(self._fleet, stack): stack for stack in self._declared}
        objects = self._observed(set(spaces))
        reasons = by_namespace(objects)
        held_since = self._held_since()
        changed, extra = self._changed(), self._extra()
        found = []
        for namespace, stack in spaces.items():
            own = self._declared[stack]
            missing = tuple(one for one in own if one.identity not in self._held_by)
            differences = Differences(missing, tuple(changed[stack]), tuple(extra[stack]))
            body = self._held_by.get(Identity(self._name, "", "Namespace", "", namespace))
            run = last_run(body) if body else None
            cell = self._fleet.cells.get(stack)
            state = StackState(
                stack,
                self._name,
                is_there=any(one.kind != "Namespace" and one not in missing for one in own),
                keeps_volume=self._keeps_volume(namespace),
                reasons=_why(reasons.get(namespace, ()), own, differences),
                differences=differences,
                last_run=run,
                growing=self._growing(namespace),
                is_applying=is_of(run, held_since),
                node_port=self._node_port(namespace),
                is_draining=cell is not None and cell.draining,
            )
            found.append(state)
        ready = {one.stack for one in found if one.is_there and not one.reasons}
        databases = {space: stack for space, stack in spaces.items() if stack in ready}
        volumes = measured(self._kubectl, objects, databases)
        return [replace(one, volume=volumes.get(one.stack)) for one in found]

    def _undeclared(self) -> Iterator[Undeclared]:
        for body in self._ours[""]:
            cell = _cell_of(body)
            if body["kind"] != "Namespace" or not cell or self._identity(body) in self._wanted:
                continue
            namespace = str(body["metadata"]["name"])
            if (
                namespace != f"{self._fleet.namespace_prefix}cell-{cell}"
            ):  # another fleet's of the same name
                continue
            yield Undeclared(
                cell,
                self._name,
                namespace,
                is_running=any(each["kind"] in _WORKLOADS for each in self._ours[namespace]),
                keeps_volume=self._keeps_volume(namespace),
                is_going=(body.get("status") or {}).get("phase") == "Terminating",
            )

    def _held(self, declared: Sequence[Body]) -> list[Body]:
        try:
            return self._kubectl.held(declared, _LISTED)
        except CommandError as error:
            if _NO_SUCH_KIND not in str(error):
                raise
        # Custom resources whose definitions are not there are missing like them.
        known = [body for body in declared if not custom([body])]
        return self._kubectl.held(known, _LISTED)

    def _observed(self, spaces: Collection[str]) -> list[Body]:
        there = [one.body for one in self._wanted.values() if one.identity in self._held_by]
        return observed(self._kubectl, spaces, there, _PATIENCE)

    def _changed(self) -> Mapping[str, list[Change]]:
        """Return what differs from its declaration, by stack."""
        manifests = [one for one in self._wanted.values() if one.identity in self._held_by]
        held = {one.identity: without_notes(self._held_by[one.identity]) for one in manifests}
        scaled = autoscaled([*held.values(), *(one.body for one in manifests)])
        changes = {
            one.manifest.identity: one
            for one in told(differing(self._kubectl, manifests, held), scaled)
        }
        for one in manifests:
            if (added := added_data(one, held[one.identity])) is not None:
                first = changes.get(one.identity, replace(added, fields=()))
                known = {field.path: field for field in (*added.fields, *first.fields)}
                changes[one.identity] = replace(first, fields=tuple(known.values()))
        found = defaultdict(list)
        for change in changes.values():
            found[change.stack].append(change)
        return found

    def _extra(self) -> Mapping[str, list[Manifest]]:
        """Return what nothing declares, by the stack in whose namespace it is.

        A cell's right to read the directory stands there, and is the cell's own.
        """
        found = defaultdict(list)
        gone = {one.cell for one in self.undeclared} - self._declared.keys()
        for stack in self._declared:
            for body in self._ours[_namespace(self._fleet, stack)]:
                cell, identity = _cell_of(body), self._identity(body)
                if cell not in gone and is_extra(body, self._wanted, identity, self._volumes):
                    owner = cell if cell in self._declared else stack
                    body_shown = without_notes(body)
                    found[owner].append(Manifest(owner, self._name, "", 0, 0, body_shown))
        return found

    def _held_since(self) -> datetime | None:
        """Return since when an `up` is under way here, if one is."""
        runs = [last_run(body) for body in self._ours[""] if body["kind"] == "Namespace"]
        if not any(run and run.result == "running" for run in runs):
            return None
        space = _namespace(self._fleet, FLEET_STACK)
        found = self._kubectl.named("leases.coordination.k8s.io", space, [_LEASE])
        now = datetime.now(UTC)
        return next((since for one in found if (since := holds_since(one, now))), None)

    def _growing(self, namespace: str) -> str:
        """Return what the volumes of a namespace wait for that do not have their sizes yet."""
        waiting = []
        for body in self._ours[namespace]:
            if body["kind"] == "PersistentVolumeClaim":
                requests = ((body.get("spec") or {}).get("resources") or {}).get("requests") or {}
                size = str(requests.get("storage", ""))
                if size and (resize := resize_of(body, size)) is not None:
                    waiting.append(resize.message)
        return "; ".join(waiting)

    def _keeps_volume(self, namespace: str) -> bool:
        return any(each["kind"] == "PersistentVolumeClaim" for each in self._ours[namespace])

    def _node_port(self, namespace: str) -> int | None:
        service = self._held_by.get(Identity(self._name, "", "Service", namespace, "router"))
        ports = [port.get("nodePort") for port in service["spec"]["ports"]] if service else []
        return ports[0] if ports else None

    def _identity(self, body: Body) -> Identity:
        return Manifest("", self._name, "", 0, 0, body).identity


def _why(
    found: Iterable[Reason], declared: Sequence[Manifest], differences: Differences
) -> tuple[Reason, ...]:
    """Return the reasons of declared objects, the worst first.

    That a Service has no pods is no news where a workload is missing.
    """
    reasons = about(found, [one.body for one in declared])
    if any(one.kind in _WORKLOADS for one in differences.missing):
        reasons = [each for each in reasons if each.kind != "Service"]
    return tuple(sorted(reasons, key=lambda each: not each.is_stuck))


def _namespace(fleet: Fleet, stack: str) -> str:
    return fleet.directory_namespace if stack == FLEET_STACK else fleet.cells[stack].namespace


def _cell_of(body: Body) -> str:
    return str((body["metadata"].get("labels") or {}).get(CELL_LABEL, ""))
