"""How a run of `up` gets its lease and its root secret, also where nothing is there yet.

The settings of the fleet's stack come first, since with them the root secret is kept; then the
directory's namespace, in which the lease is; then everything else.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from cellwright.edge.clusters import Clusters, read_clusters
from cellwright.edge.directory_parts import remember
from cellwright.edge.failure import CommandError
from cellwright.edge.kubectl import Kubectl, RefusedError
from cellwright.edge.settings import read_settings
from cellwright.edge.stack_settings import ensure, new_secrets
from cellwright.edge.state_listing import Stack
from cellwright.edge.up.leases import Leases
from cellwright.edge.up.reading import Situation
from cellwright.fleet_secrets import FleetSecrets, StackSecrets
from cellwright.identity import FLEET_ID_LABEL, FLEET_LABEL, identified
from cellwright.model import FLEET_STACK, Fleet


def lease_labels(
    root: Path, fleet: Fleet, clusters: Clusters, number: str = ""
) -> dict[str, dict[str, str]]:
    """Return the clusters that have a place for this fleet's lease, with the labels of the lease.

    `number` is the fleet's id where its settings are lost. Raises CommandError for settings that
    can't be read.
    """
    number = number or read_settings(root, FLEET_STACK).fleet_id
    return {
        name: _labels(fleet, number)
        for name, state in clusters.states.items()
        if number and (owner := state.owner(fleet.directory_namespace)) and owner.fleet_id == number
    }


def held_clusters(root: Path, fleet: Fleet, leases: Leases, number: str = "") -> Clusters:
    """Take the lease of each cluster that has a place for it; return what clusters hold then.

    Raises CommandError for a cluster that is away, and where another run holds a lease.
    """
    clusters = _all_there(fleet)
    labels = lease_labels(root, fleet, clusters, number)
    for cluster, one in labels.items():
        leases.take(cluster, one)
    return _all_there(fleet) if labels else clusters  # another run may have ended meanwhile


def _all_there(fleet: Fleet) -> Clusters:
    clusters = read_clusters(fleet, fleet.used_clusters())
    if clusters.away:
        raise CommandError("; ".join(clusters.away.values()))
    return clusters


def begin(
    situation: Situation, wanted: Iterable[str], leases: Leases, tell: Callable[[str], None]
) -> tuple[FleetSecrets, Mapping[str, Stack]]:
    """Make the root secret, the fleet's stack and the directory's namespaces where missing.

    Returns the fleet's secrets and the backend's stacks. Raises CommandError where another run has
    begun in the meantime.
    """
    fleet, states = situation.fleet, situation.clusters.states
    clusters = sorted(
        {one for name in wanted for one in situation.clusters_of(name) if one in states}
    )
    secrets = situation.secrets or new_secrets()
    situation = replace(situation, secrets=secrets)
    made: list[str] = []
    if not _is_set(situation, secrets):
        make_stacks(situation, [FLEET_STACK], made.append)
    for name in made:
        tell(f"{name}: stack made")
    number = secrets.fleet_id
    for cluster in clusters:
        if not situation.is_there(FLEET_STACK, cluster):
            _make_namespace(situation, cluster, secrets.of_fleet())
        leases.take(cluster, _labels(fleet, number))
    remember(situation)
    backend = dict(situation.backend)
    backend |= {name: Stack(name, "", 0) for name in made}
    return secrets, backend


def _is_set(situation: Situation, secrets: FleetSecrets) -> bool:
    """Return whether the fleet's stack has its settings: the root secret was read from them."""
    if FLEET_STACK not in situation.backend:
        return False
    states = situation.clusters.states
    uids = {one: states[one].uid for one in situation.clusters_of(FLEET_STACK) if one in states}
    known = read_settings(situation.root, FLEET_STACK)
    is_ours = known.has_root and known.fleet_id == secrets.fleet_id
    is_ours = is_ours and known.state == secrets.state
    return is_ours and uids.items() <= (known.clusters or {}).items()


def make_stacks(situation: Situation, names: Iterable[str], on_made: Callable[[str], None]) -> None:
    """Make those stacks that are missing, and bring their settings to what is there.

    Raises CommandError.
    """
    states = situation.clusters.states
    for name in names:
        clusters = [one for one in situation.clusters_of(name) if one in states]
        owner = situation.owner_of(name, clusters)
        ensure(situation.root, name, owner, situation.backend, on_made)


def _make_namespace(situation: Situation, cluster: str, secrets: StackSecrets) -> None:
    """Make the directory's namespace, as its manifest has it; Pulumi takes it on afterwards."""
    fleet = situation.fleet
    (body,) = [
        one.body
        for one in situation.manifests[FLEET_STACK]
        if one.kind == "Namespace" and one.cluster == cluster
    ]
    kubectl = Kubectl(fleet.clusters[cluster])
    try:
        named = identified(body, fleet.name, secrets.fleet_id, secrets.tag)
        kubectl.create("/api/v1/namespaces", named)
    except RefusedError as error:
        if error.reason != "AlreadyExists":
            raise
        raise CommandError(
            f"namespace {fleet.directory_namespace} in cluster {cluster} was made in the meantime: "
            "another run has begun; run this again"
        ) from None


def _labels(fleet: Fleet, number: str) -> dict[str, str]:
    return {
        "app.kubernetes.io/name": "lease",
        "app.kubernetes.io/part-of": "cellwright",
        FLEET_LABEL: fleet.name,
        FLEET_ID_LABEL: number,
    }
