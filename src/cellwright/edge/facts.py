"""Asks clusters what never changes of a fleet: ids, ranges, homes, versions, and where data is.

Refuses to judge it (`standing` does) and to change anything.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cellwright.changes import DIRECTORY, HISTORY
from cellwright.edge.failure import CommandError
from cellwright.edge.kubectl import Kubectl
from cellwright.history import History, UsedCell
from cellwright.identity import CELL_LABEL
from cellwright.manifest import Manifest
from cellwright.model import FLEET_STACK, Cluster, Fleet
from cellwright.signature import unsigned
from cellwright.standing import Facts, is_of_another_fleet, standing
from cellwright.wholeness import MEMORY, directories

_CELLS = (
    "/api/v1/namespaces",
    "/api/v1/persistentvolumeclaims",
    "/apis/apps/v1/statefulsets",
    "/apis/rbac.authorization.k8s.io/v1/rolebindings",
)
"""Where the API has the objects that tell what never changes of cells."""
_DIRECTORY = "/api/v1/configmaps"
_AT_ONCE = 4  # requests at the same time
_DATA = ("PersistentVolumeClaim", "StatefulSet")

Body = Mapping[str, Any]
Keys = Collection[Ed25519PrivateKey]


def read_facts(
    fleet: Fleet, clusters: Iterable[str] | None = None, keys: Callable[[], Keys] = tuple
) -> Facts:
    """Return what never changes, as the clusters tell it, and the objects that hold data.

    Every declared cluster is asked unless some are named: a cell's data may be where its
    definition no longer says. `keys` gives those that may have signed the directory, once clusters
    have answered. Raises CommandError for a cluster that does not answer, or whose directory can't
    be read.
    """
    asked = [*_cells_of(fleet, clusters), *_directories_of(fleet, clusters)]
    return _facts(fleet, _answers(asked), keys)


def read_used_ids(fleet: Fleet) -> tuple[int, list[UsedCell]]:
    """Return the highest id of an organization that the clusters know, and the cells.

    The directory's shards are read only where it has no history yet. Raises CommandError as
    `read_facts` does.
    """
    found = _answers(_cells_of(fleet, None))
    for name, cluster in fleet.clusters.items():
        first = Kubectl(cluster).named("configmaps", fleet.directory_namespace, [MEMORY])
        if first:
            found += [_manifest(name, body) for body in first]
        else:
            found += _answers(_directories_of(fleet, [name]))
    fixed = _facts(fleet, found).fixed
    history = fixed.history or History()
    last = max((one.id for one in fixed.organizations.values()), default=0)
    return max(last, history.last_id), [*history.cells, *fixed.used_cells()]


class _Asked(NamedTuple):
    """Objects to be asked for: where the API of a cluster has them, and which labels they have."""

    cluster: Cluster
    path: str
    selector: str = ""


def _cells_of(fleet: Fleet, clusters: Iterable[str] | None) -> list[_Asked]:
    """Return what is asked for to know cells, in some clusters or in all that are declared."""
    return [_Asked(cluster, path) for cluster in _some(fleet, clusters) for path in _CELLS]


def _directories_of(fleet: Fleet, clusters: Iterable[str] | None) -> list[_Asked]:
    """Return what is asked for to know directories, wherever they are in a cluster."""
    return [
        _Asked(cluster, _DIRECTORY, label)
        for cluster in _some(fleet, clusters)
        for label in (DIRECTORY, HISTORY)
    ]


def _some(fleet: Fleet, clusters: Iterable[str] | None) -> list[Cluster]:
    return [fleet.clusters[name] for name in (fleet.clusters if clusters is None else clusters)]


def _answers(asked: Iterable[_Asked]) -> list[Manifest]:
    """Return the objects that are asked for, in this order. Raises CommandError."""
    listed = list(asked)
    for cluster in {one.cluster.name: one.cluster for one in listed}.values():
        Kubectl(cluster).greet()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = pool.map(
            lambda one: Kubectl(one.cluster).collection(one.path, one.selector), listed
        )
        return [
            _manifest(one.cluster.name, body)
            for one, bodies in zip(listed, answers, strict=True)
            for body in bodies
        ]


def _manifest(cluster: str, body: Body) -> Manifest:
    stack = (body["metadata"].get("labels") or {}).get(CELL_LABEL, FLEET_STACK)
    return Manifest(stack, cluster, "", 0, 0, body)


def _facts(fleet: Fleet, found: Iterable[Manifest], keys: Callable[[], Keys] = tuple) -> Facts:
    ours = [one for one in found if not is_of_another_fleet(fleet, one.body)]
    try:
        fixed = standing(fleet, ours)
    except ValueError as error:
        raise CommandError(f"the directory in the cluster can't be read: {error}") from None
    data = tuple(one for one in ours if one.kind in _DATA)
    return Facts(fixed, data, directories(fleet, ours), unsigned(ours, keys()))
