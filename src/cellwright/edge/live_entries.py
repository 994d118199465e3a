"""What routers are told of organizations now: the directory's ConfigMaps in each cluster.

Refuses to tell of more organizations than those that are asked for.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from cellwright.directory import shard_number
from cellwright.edge.failure import CommandError
from cellwright.edge.kubectl import Kubectl
from cellwright.entry import Entry, entries
from cellwright.model import Cluster
from cellwright.render import DIRECTORY_NAMESPACE

_CELLS = "directory-cells"
_SHARDS = "cellwright.dev/shards"


@dataclass(frozen=True, slots=True)
class Told:
    """An entry as a cluster's directory has it: in which shard, of which resourceVersion."""

    cluster: str
    shard: str
    version: str
    entry: Entry


def told(cluster: Cluster, organizations: Collection[str]) -> Iterator[Told]:
    """Yield the entries of these organizations, or of all if none is named, by shard.

    Raises CommandError.
    """
    kubectl = Kubectl(cluster)
    kubectl.greet()
    cells = kubectl.named("configmaps", DIRECTORY_NAMESPACE, [_CELLS])
    if not cells:
        hint = "`cellwright up` applies the fleet's stack"
        raise CommandError(f"cluster {cluster.name} has no directory; {hint}")
    try:
        count = int(cells[0]["metadata"]["annotations"][_SHARDS])
    except (KeyError, ValueError):
        raise CommandError(f"cluster {cluster.name}: {_CELLS} says no number of shards") from None
    numbers = {shard_number(one, count) for one in organizations} or set(range(count))
    names = [f"directory-{number:02d}" for number in sorted(numbers)]
    for shard in kubectl.named("configmaps", DIRECTORY_NAMESPACE, names):
        yield from _of_shard(cluster.name, shard, organizations)


def _of_shard(cluster: str, shard: Any, organizations: Collection[str]) -> Iterator[Told]:
    metadata = shard["metadata"]
    name, version = metadata["name"], metadata["resourceVersion"]
    try:
        found = entries((shard.get("data") or {}).get("table", ""))
    except ValueError:
        raise CommandError(f"cluster {cluster}: {name} is malformed; routers refuse it") from None
    for entry in found.values():
        if not organizations or entry.organization in organizations:
            yield Told(cluster, name, version, entry)
