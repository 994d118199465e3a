"""Which table the routers of a fleet serve, asked of each through its cluster's API server.

That way is open to whoever may use the cluster, also without a way to the network of its pods.
Refuses to change anything, and to take silence for consent: a router that can't be asked is behind.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from cellwright.edge.failure import CommandError
from cellwright.edge.kubectl import Kubectl
from cellwright.model import Fleet

DIRECTORY = "cellwright.dev/directory"
"""The label of all ConfigMaps of the directory."""

_ROUTERS = "app.kubernetes.io/name=router,app.kubernetes.io/managed-by=cellwright"
_PORT = 8405
_AT_ONCE = 16  # questions under way, of which each is a process
_PATIENCE = 8.0  # seconds until a router counts as away
_PAUSE = 0.5  # seconds between two rounds


@dataclass(frozen=True, slots=True)
class Behind:
    """A router that does not serve the version wanted, but `version` (0 is none) at most.

    `seen` is what was seen last. A cluster that is away, or has no router, has no cell and pod.
    """

    cluster: str
    cell: str
    pod: str
    version: int
    seen: str

    def __str__(self) -> str:
        where = f"cell {self.cell}, pod {self.pod}, " if self.pod else ""
        return f"{where}cluster {self.cluster}: {self.seen}"


@dataclass(frozen=True, slots=True)
class Waited:
    """The version that was wanted of each cluster, as far as known; routers, and who is behind."""

    versions: Mapping[str, int]
    routers: int
    behind: tuple[Behind, ...]


def wait(
    fleet: Fleet,
    clusters: Iterable[str],
    version: int | None,
    seconds: float,
    sleep: Callable[[float], None] = time.sleep,
) -> Waited:
    """Return once every router of these clusters serves the version, or the time is over.

    Without a version, that is what each cluster's directory holds when it is first asked.
    """
    deadline = time.monotonic() + seconds
    asked = [_Cluster(fleet, name, version) for name in clusters]
    with ThreadPoolExecutor(len(asked)) as each, ThreadPoolExecutor(_AT_ONCE) as pool:
        while True:
            behind = [one for some in each.map(lambda one: one.ask(pool), asked) for one in some]
            left = deadline - time.monotonic()
            if not behind or left <= 0:
                break
            sleep(min(_PAUSE, left))
    versions = {one.name: one.version for one in asked if one.version is not None}
    return Waited(versions, sum(one.routers for one in asked), tuple(behind))


class _Cluster:
    """The routers of one cluster, and those that are known to serve the version."""

    def __init__(self, fleet: Fleet, name: str, version: int | None) -> None:
        self.name, self.version, self.routers = name, version, 0
        self._kubectl = Kubectl(fleet.clusters[name])
        self._directory = fleet.directory_namespace
        cells = [one for one in fleet.cells.values() if one.cluster == name]
        self._namespaces = {one.namespace: one.name for one in cells}
        self._done: set[str] = set()

    def ask(self, pool: ThreadPoolExecutor) -> list[Behind]:
        """Return who is behind now."""
        try:
            if self.version is None:
                self.version = self._newest()
            pods = [one for one in self._kubectl.pods(_ROUTERS) if self._counts(one)]
        except CommandError as error:
            return [Behind(self.name, "", "", 0, str(error))]
        self.routers = len(pods)
        if not pods:
            return [Behind(self.name, "", "", 0, "there is no router")]
        open_ = [one for one in pods if one["metadata"]["uid"] not in self._done]
        said = list(pool.map(partial(self._ask, self.version), open_))
        self._done |= {
            pod["metadata"]["uid"] for pod, one in zip(open_, said, strict=True) if one is None
        }
        return [one for one in said if one]

    def _newest(self) -> int:
        found = self._kubectl.versions("configmaps", self._directory, DIRECTORY)
        if not found:
            raise CommandError("there is no directory; `cellwright up` applies the fleet's stack")
        return max(found)

    def _counts(self, pod: Mapping[str, Any]) -> bool:
        """Tell whether it is one of ours that has, or may have, a table from before.

        A pod that has not started yet will list what is there when it does.
        """
        status = pod.get("status", {})
        started = [
            one
            for one in status.get("initContainerStatuses", [])
            if "running" in one.get("state", {}) or one.get("lastState")
        ]
        phase = status.get("phase")
        return (
            pod["metadata"]["namespace"] in self._namespaces
            and phase not in {"Succeeded", "Failed"}
            and (phase != "Pending" or bool(started))
        )

    def _ask(self, version: int, pod: Mapping[str, Any]) -> Behind | None:
        """Return what a router says that does not serve the version, None of one that does."""
        metadata = pod["metadata"]
        late = partial(Behind, self.name, self._namespaces[metadata["namespace"]], metadata["name"])
        path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}:{_PORT}"
        try:
            table = self._kubectl.document(f"{path}/proxy/table", seconds=_PATIENCE)
            reached = int(table["resource_version"] or 0)
            served, refused = table["served"], table["refused"]
        except CommandError as error:
            return late(0, str(error))
        except (KeyError, TypeError, ValueError):
            return late(0, "its answer is not that of a router")
        if reached >= version and served is True:
            return None
        said = f"serves version {reached}" if served else "HAProxy does not serve the table yet"
        reasons = (f"refuses {name}: {why}" for name, why in refused.items())
        return late(reached, "; ".join([said, *reasons]))
