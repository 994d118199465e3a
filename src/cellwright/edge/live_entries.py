"""What routers are told of organizations now: the directory's ConfigMaps in each cluster.

Refuses to tell of more organizations than those that are asked for.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from cellwright.edge.failure import CommandError
from cellwright.edge.kubectl import Kubectl
from cellwright.entry import Entries, Entry
from cellwright.model import Fleet
from cellwright.wholeness import CELLS, SHARDS


@dataclass(frozen=True, slots=True)
class Told:
    """An entry as a cluster's directory has it: of which resourceVersion its newest shard is."""

    cluster: str
    version: str
    entry: Entry


def told(fleet: Fleet, cluster: str, organizations: Collection[str]) -> Iterator[Told]:
    """Yield the entries of these organizations, or of all if none is named.

    Raises CommandError.
    """
    kubectl = Kubectl(fleet.clusters[cluster])
    kubectl.greet()
    cells = kubectl.named("configmaps", fleet.directory_namespace, [CELLS])
    if not cells:
        hint = "`cellwright up` applies the fleet's stack"
        raise CommandError(f"cluster {cluster} has no directory; {hint}")
    try:
        count = int(cells[0]["metadata"]["annotations"][SHARDS][:4])
    except (KeyError, ValueError):
        raise CommandError(f"cluster {cluster}: {CELLS} says no number of shards") from None
    # An organization's path and hosts may be in any of them.
    names = [f"directory-{number:02d}" for number in range(count)]
    found = Entries(organizations)
    versions = {}
    for shard in kubectl.named("configmaps", fleet.directory_namespace, names):
        name = shard["metadata"]["name"]
        versions[name] = int(shard["metadata"]["resourceVersion"])
        try:
            found.read(name, (shard.get("data") or {}).get("table", ""))
        except ValueError:
            why = f"{name} is malformed; routers refuse it"
            raise CommandError(f"cluster {cluster}: {why}") from None
    for entry in found:
        yield Told(cluster, str(max(versions[one] for one in entry.shards)), entry)
