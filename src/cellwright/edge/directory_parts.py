"""Writes parts of the directory outside of a run of the fleet's stack.

Which ids are used is remembered before a cell is made or its last trace goes, whatever stacks a run
is for; and what was lost of a directory is made anew by `cellwright adopt`. All is written under
the field manager of Pulumi's plugin, so that the next run of the stack finds its own objects.
"""

from collections.abc import Iterable, Mapping

from cellwright.changes import HISTORY
from cellwright.edge.kubectl import Kubectl
from cellwright.edge.up.reading import Situation
from cellwright.fleet_secrets import StackSecrets
from cellwright.identity import MANAGER, identified
from cellwright.manifest import Manifest
from cellwright.model import FLEET_STACK, Fleet
from cellwright.signature import signed
from cellwright.wholeness import Directory


def remember(situation: Situation) -> None:
    """Note the ids and ranges of cells that stand or are declared, where a directory is.

    Raises CommandError for a cluster that stops answering.
    """
    known = situation.facts.fixed.history
    used = situation.facts.history(situation.fleet).cells
    if known is None or {one[:3] for one in used} <= {one[:3] for one in known.cells}:
        return
    for cluster in situation.clusters.states:
        if not situation.is_there(FLEET_STACK, cluster):
            continue
        pieces = [
            one
            for one in situation.manifests[FLEET_STACK]
            if one.cluster == cluster and HISTORY in (one.body["metadata"].get("labels") or {})
        ]
        _write(situation.fleet, cluster, pieces, situation.secrets_of(FLEET_STACK))


def lost_parts(
    declared: Iterable[Manifest], held: Mapping[str, Directory]
) -> dict[str, list[Manifest]]:
    """Return what is missing of directories, as the declared manifests have it, by cluster."""
    found: dict[str, list[Manifest]] = {}
    for one in declared:
        if one.cluster in held and one.name in held[one.cluster].missing:
            found.setdefault(one.cluster, []).append(one)
    return found


def make_lost(fleet: Fleet, parts: Mapping[str, Iterable[Manifest]], secrets: StackSecrets) -> None:
    """Make what is missing of directories. Raises CommandError."""
    for cluster, manifests in parts.items():
        _write(fleet, cluster, manifests, secrets)


def _write(
    fleet: Fleet, cluster: str, manifests: Iterable[Manifest], secrets: StackSecrets
) -> None:
    number = secrets.fleet_id
    named = [identified(one.body, fleet.name, number, secrets.tag) for one in manifests]
    bodies = [signed(body, cluster, secrets.signing) for body in named]
    if bodies:
        Kubectl(fleet.clusters[cluster]).apply(bodies, MANAGER + number)
