"""Which directory routers serve and placements have put into the databases of their cells.

Each is asked through its cluster's API server. That way is open to whoever may use the cluster,
also without a way to the network of its pods.
Refuses to change anything, and to take silence for consent: who can't be asked is behind.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from cellwright.edge.failure import CommandError
from cellwright.edge.kubectl import Kubectl
from cellwright.model import Fleet

DIRECTORY = "cellwright.dev/directory"
"""The label of all ConfigMaps of the directory."""

_NAME = "app.kubernetes.io/name"
_ASKED = f"{_NAME} in (router,placement),app.kubernetes.io/managed-by=cellwright"
_PORT = 8405
_AT_ONCE = 16  # questions under way, of which each is a process
_PATIENCE = 8.0  # seconds until a pod counts as away
_PAUSE = 0.5  # seconds between two rounds


@dataclass(frozen=True, slots=True)
class Behind:
    """A router or a placement without the version wanted, but with `version` (0 is none) at most.

    `seen` is what was seen last. A cluster that is away, or has no router, has no cell and pod; a
    cell whose placement does not run has no pod.
    """

    cluster: str
    cell: str
    pod: str
    version: int
    seen: str

    def __str__(self) -> str:
        cell = f"cell {self.cell}, " if self.cell else ""
        pod = f"pod {self.pod}, " if self.pod else ""
        return f"{cell}{pod}cluster {self.cluster}: {self.seen}"


@dataclass(frozen=True, slots=True)
class Waited:
    """The version that was wanted of each cluster, as far as known, and who is behind.

    So many `routers` were found, and so many cells with a placement.
    """

    versions: Mapping[str, int]
    routers: int
    placements: int
    behind: tuple[Behind, ...]


def wait(
    fleet: Fleet,
    clusters: Iterable[str],
    version: int | None,
    seconds: float,
    is_over: Callable[[], bool] = lambda: False,
) -> Waited:
    """Return once every router of these clusters serves the version and every cell's placement has
    put it into the database, or the time `is_over`.

    Without a version, that is what each cluster's directory holds when it is first asked. A cell
    that an older release has made has no placement.
    """
    deadline = time.monotonic() + seconds
    asked = [_Cluster(fleet, name, version) for name in clusters]
    with ThreadPoolExecutor(len(asked)) as each, ThreadPoolExecutor(_AT_ONCE) as pool:
        while True:
            behind = [one for some in each.map(lambda one: one.ask(pool), asked) for one in some]
            left = deadline - time.monotonic()
            if not behind or left <= 0 or is_over():
                break
            time.sleep(min(_PAUSE, left))
    versions = {one.name: one.version for one in asked if one.version is not None}
    routers, placements = (
        sum(counts) for counts in zip(*(one.counts for one in asked), strict=True)
    )
    return Waited(versions, routers, placements, tuple(behind))


def is_run(fleet: Fleet, cluster: str) -> bool:
    """Return whether a router or a placement of the fleet's cells in a cluster runs.

    Raises CommandError.
    """
    namespaces = {one.namespace for one in fleet.cells.values() if one.cluster == cluster}
    pods = Kubectl(fleet.clusters[cluster]).pods(_ASKED)
    return any(one["metadata"]["namespace"] in namespaces for one in pods)


class _Cluster:
    """The pods of one cluster that count, and those that are known to have the version."""

    def __init__(self, fleet: Fleet, name: str, version: int | None) -> None:
        self.name, self.version = name, version
        self.counts = (0, 0)
        """How many routers there are, and cells with a placement."""
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
            pods = [one for one in self._kubectl.pods(_ASKED) if self._counts(one)]
            routers = [one for one in pods if _name(one) == "router"]
            placements: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
            for one in pods:
                if _name(one) == "placement":
                    placements[one["metadata"]["namespace"]].append(one)
            silent = self._without_pod(placements)
        except CommandError as error:
            return [Behind(self.name, "", "", 0, str(error))]
        self.counts = len(routers), len(placements) + len(silent)
        if not routers:
            return [Behind(self.name, "", "", 0, "there is no router")]
        behind = self._ask_all(pool, routers)
        # Who has put it into the database has done it for all others of its cell.
        for some in placements.values():
            late = self._ask_all(pool, some)
            behind += late[:1] if len(late) == len(some) else []
        return behind + silent

    def _ask_all(self, pool: ThreadPoolExecutor, pods: Sequence[Mapping[str, Any]]) -> list[Behind]:
        """Return those of some pods that are behind; who once was not is not asked again."""
        assert self.version is not None  # noqa: S101 - for the types
        open_ = [one for one in pods if one["metadata"]["uid"] not in self._done]
        said = list(pool.map(partial(self._ask, self.version), open_))
        self._done |= {
            pod["metadata"]["uid"] for pod, one in zip(open_, said, strict=True) if one is None
        }
        return [one for one in said if one]

    def _without_pod(self, found: Collection[str]) -> list[Behind]:
        """Return the cells whose placement is there and does not run."""
        missing = self._namespaces.keys() - set(found)
        if not missing:
            return []
        held = self._kubectl.ours(["deployments.v1.apps"], f"{_NAME}=placement")
        return [
            Behind(self.name, self._namespaces[namespace], "", 0, "its placement does not run")
            for namespace in sorted(missing & {one["metadata"]["namespace"] for one in held})
        ]

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
        """Return what a pod says that does not have the version, None of one that does."""
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
            return late(0, f"its answer is not that of a {_name(pod)}")
        if reached >= version and served is True:
            return None
        if _name(pod) == "router":
            said = f"serves version {reached}" if served else "HAProxy does not serve the table yet"
        else:
            said = f"has version {reached} in the database"
            said += f": {table['problem']}" if table.get("problem") else ""
        reasons = (f"refuses {name}: {why}" for name, why in refused.items())
        return late(reached, "; ".join([said, *reasons]))


def _name(pod: Mapping[str, Any]) -> str:
    return str(pod["metadata"]["labels"][_NAME])
