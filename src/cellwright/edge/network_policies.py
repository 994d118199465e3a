"""Whether the clusters' networks enforce NetworkPolicies, seen by trying what they forbid.

The API takes policies in any cluster; whether they count is its network's affair. So a router's
pod of each cluster asks for a connection to the Postgres of its cell, which no policy allows.
Refuses to guess: where nothing can be tried, that is what is told.
"""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from cellwright.edge.failure import CommandError
from cellwright.edge.kubectl import Kubectl
from cellwright.model import Fleet
from cellwright.readiness import is_ready

Body = Mapping[str, Any]

_AT_ONCE = 8  # clusters
_PODS = "app.kubernetes.io/managed-by=cellwright,app.kubernetes.io/name in (postgres,router)"
_NAME = "app.kubernetes.io/name"
_CONTAINER = "haproxy"
_PORT = 5432
CONNECT = f"""
import socket, sys
try:
    socket.create_connection((sys.argv[1], {_PORT}), 3).close()
    print("reached")
except TimeoutError:
    print("kept off")
except OSError as error:
    print(error)
"""
"""What a router's Python runs. A refusal proves nothing: a Postgres that restarts refuses, too."""


@dataclass(frozen=True, slots=True)
class Enforcement:
    """Whether a cluster enforces NetworkPolicies, None if that is not known; and why so."""

    is_enforced: bool | None
    why: str

    def __str__(self) -> str:
        said = {True: "enforced", False: "not enforced", None: "unknown"}[self.is_enforced]
        return f"{said} ({self.why})"


def enforcement(fleet: Fleet) -> dict[str, Enforcement]:
    """Return what was found in each cluster that has a cell, by its name."""
    names = list(fleet.used_clusters())
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return dict(zip(names, pool.map(lambda name: _tried(fleet, name), names), strict=True))


def _tried(fleet: Fleet, cluster: str) -> Enforcement:
    kubectl = Kubectl(fleet.clusters[cluster])
    try:
        found = _pods(kubectl.pods(_PODS))
        for cell in fleet.cells.values():
            pods = found.get(cell.namespace, {}) if cell.cluster == cluster else {}
            if {"postgres", "router"} <= pods.keys():
                return _asked(kubectl, cell.name, pods)
    except CommandError as error:
        return Enforcement(None, str(error))
    return Enforcement(None, "no cell has a router and a Postgres that are ready")


def _pods(listed: Iterable[Body]) -> dict[str, dict[str, Body]]:
    """Return a pod that is ready of each namespace and name."""
    found: dict[str, dict[str, Body]] = {}
    for body in listed:
        metadata = body["metadata"]
        if is_ready(body) and (body.get("status") or {}).get("podIP"):
            found.setdefault(metadata["namespace"], {})[metadata["labels"][_NAME]] = body
    return found


def _asked(kubectl: Kubectl, cell: str, pods: Mapping[str, Body]) -> Enforcement:
    router = pods["router"]["metadata"]
    command = ("python3", "-c", CONNECT, pods["postgres"]["status"]["podIP"])
    said = kubectl.execute(router["namespace"], router["name"], _CONTAINER, *command).strip()
    if said == "reached":
        why = f"a router of cell {cell} reached its Postgres, which no policy allows"
        return Enforcement(is_enforced=False, why=why)
    if said == "kept off":
        why = f"a router of cell {cell} did not reach its Postgres"
        return Enforcement(is_enforced=True, why=why)
    return Enforcement(None, f"a router of cell {cell} was to try, and said {said[:80]!r}")
