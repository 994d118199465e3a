"""Why a run of `up` must not begin: what never changes, what is not this fleet's, lost settings."""

from collections.abc import Collection, Iterator

from cellwright.edge.guard import cluster_findings, namespace_findings, object_findings
from cellwright.edge.live import local_changes
from cellwright.edge.settings import read_settings
from cellwright.edge.up.growing import growth_findings
from cellwright.edge.up.reading import Situation
from cellwright.fixed import Finding
from cellwright.forbidden import placed
from cellwright.identity import fleet_id
from cellwright.model import FLEET_STACK
from cellwright.problem import Problem
from cellwright.registration import protected_of
from cellwright.standing import refusals


def refused(situation: Situation, stacks: Collection[str]) -> list[Problem]:
    """Return why some stacks must not be applied to what the clusters hold.

    What never changes counts for the whole fleet: the directory is made from all of it. Raises
    CommandError for a cluster that stops answering.
    """
    fleet, facts = situation.fleet, situation.facts
    definitions = situation.loaded.snapshot.definitions
    protected = protected_of(fleet, situation.manifests)
    changed = local_changes(facts.data, protected)
    problems = refusals(facts.fixed, fleet, changed, protected, definitions)
    return [*problems, *placed(_findings(situation, stacks), definitions)]


def _findings(situation: Situation, stacks: Collection[str]) -> Iterator[Finding]:
    fleet, states = situation.fleet, situation.clusters.states
    settings = {
        name: read_settings(situation.root, name)
        for name in stacks
        if name in situation.backend and situation.backend[name].resources
    }
    found = list(cluster_findings(fleet, settings, states))
    found += growth_findings(situation, stacks)
    if situation.secret is None:
        found += lost_findings(situation)
    else:
        number = fleet_id(situation.secret)
        cells = [name for name in stacks if name != FLEET_STACK]
        found += namespace_findings(fleet, number, states, cells)
        if not found:
            manifests = {name: situation.manifests[name] for name in stacks}
            found += object_findings(fleet, number, manifests, states)
    yield from found


def lost_findings(situation: Situation) -> Iterator[Finding]:
    """Yield the namespaces of a fleet whose root secret this workspace does not have."""
    fleet = situation.fleet
    for cluster, state in situation.clusters.states.items():
        namespaces = [fleet.directory_namespace]
        namespaces += [cell.namespace for cell in fleet.cells.values() if cell.cluster == cluster]
        for namespace in namespaces:
            owner = state.owner(namespace)
            if owner is None:
                continue
            message = (
                f"cluster {cluster} has namespace {namespace}, of {owner}, and no stack of this "
                "workspace has a root secret"
            )
            hint = (
                "restore stacks/Pulumi.*.yaml and the state, or give the root secret to "
                "`cellwright adopt`; another fleet needs a namespacePrefix of its own"
            )
            path = ("metadata", "name")
            yield Finding("Fleet", fleet.name, path, "CW422", message, hint)
            return
