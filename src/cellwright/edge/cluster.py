"""What a cluster says of the cells."""

from dataclasses import dataclass
from typing import Any

from cellwright.edge.kubectl import Kubectl
from cellwright.model import Cell, Fleet

_KINDS = ("deployments", "statefulsets", "services")


@dataclass(frozen=True, slots=True)
class CellState:
    """Whether a cell's parts are ready: `absent`, `ready`, or what it waits for."""

    cell: str
    state: str
    node_port: int | None


def cell_states(fleet: Fleet) -> list[CellState]:
    """Return the state of every cell. Raises CommandError for a cluster that can't be asked."""
    found = []
    for cluster in fleet.used_clusters():
        kubectl = Kubectl(fleet.clusters[cluster])
        kubectl.greet()
        listed = kubectl.ours(_KINDS)
        cells = [cell for cell in fleet.cells.values() if cell.cluster == cluster]
        found += [_state(cell, listed) for cell in cells]
    return sorted(found, key=lambda one: one.cell)


def _state(cell: Cell, objects: list[Any]) -> CellState:
    own = [one for one in objects if one["metadata"]["namespace"] == cell.namespace]
    workloads = [one for one in own if one["kind"] != "Service"]
    waiting = [one["metadata"]["name"] for one in workloads if not _is_ready(one)]
    if not workloads:
        state = "absent"
    else:
        state = "waits for " + ", ".join(sorted(waiting)) if waiting else "ready"
    ports = [
        port.get("nodePort")
        for one in own
        if one["kind"] == "Service" and one["metadata"]["name"] == "router"
        for port in one["spec"]["ports"]
    ]
    return CellState(cell.name, state, ports[0] if ports else None)


def _is_ready(workload: Any) -> bool:
    """Return whether all pods are ready and as declared: old ones may serve while new ones fail."""
    status = workload.get("status", {})
    seen = status.get("observedGeneration", 0) >= workload["metadata"]["generation"]
    wanted = workload["spec"].get("replicas", 1)
    if workload["kind"] == "StatefulSet":
        new = status.get("currentRevision") == status.get("updateRevision")
    else:
        new = status.get("updatedReplicas", 0) >= wanted
    return bool(seen and new and status.get("readyReplicas", 0) >= wanted)
