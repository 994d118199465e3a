"""Why a run of `up` must not begin: what never changes, what is not this fleet's, lost settings."""

from collections.abc import Collection, Iterator

from cellwright.edge.guard import (
    cluster_findings,
    dropped_findings,
    lost_findings,
    namespace_findings,
    object_findings,
)
from cellwright.edge.live import local_changes
from cellwright.edge.settings import read_settings
from cellwright.edge.up.growing import growth_findings
from cellwright.edge.up.reading import Situation
from cellwright.edge.versions import version_findings
from cellwright.fixed import Finding
from cellwright.forbidden import placed
from cellwright.model import FLEET_STACK
from cellwright.problem import Problem
from cellwright.registration import protected_of
from cellwright.standing import refusals
from cellwright.wholeness import directory_findings


def refused(situation: Situation, stacks: Collection[str]) -> list[Problem]:
    """Return why some stacks must not be applied to what the clusters hold.

    What never changes counts for the whole fleet: the directory is made from all of it. Objects
    that must not be made anew are those of these stacks: nobody touches the others. Raises
    CommandError for a cluster that stops answering.
    """
    fleet, facts = situation.fleet, situation.facts
    definitions = situation.loaded.snapshot.definitions
    manifests = {name: situation.manifests[name] for name in stacks}
    protected = protected_of(fleet, manifests)
    changed = local_changes(facts.data, protected)
    problems = refusals(facts.fixed, fleet, changed, protected, definitions)
    return [*problems, *placed(_findings(situation, stacks), definitions)]


def _findings(situation: Situation, stacks: Collection[str]) -> Iterator[Finding]:
    fleet, states = situation.fleet, situation.clusters.states
    settings = {
        name: read_settings(situation.root, name)
        for name in (FLEET_STACK, *stacks)
        if name in situation.backend and situation.backend[name].resources
    }
    found = list(cluster_findings(fleet, settings, states))
    found += growth_findings(situation, stacks)
    found += dropped_findings(
        fleet, situation.facts, {name: situation.manifests[name] for name in stacks}
    )
    if FLEET_STACK in stacks:
        declared = situation.manifests[FLEET_STACK]
        found += directory_findings(fleet, situation.facts.directories, declared)
    said = {FLEET_STACK: situation.secrets.state if situation.secrets else None}
    said |= {name: situation.cell_states.get(name) for name in stacks if name != FLEET_STACK}
    found += version_findings(fleet, said, states)
    if situation.secrets is None:
        found += lost_findings(fleet, states)
    else:
        number = situation.secrets.fleet_id
        cells = [name for name in stacks if name != FLEET_STACK]
        found += namespace_findings(fleet, number, states, cells)
        if not found:
            manifests = {name: situation.manifests[name] for name in stacks}
            found += object_findings(fleet, number, manifests, states)
    yield from found
