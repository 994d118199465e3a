"""Whose an object is: the fleet's name and id, which every object in a cluster carries.

The id is made from the root secret and does not give it away: whoever holds the root secret can
show that a fleet is theirs, and a fleet with another root secret (and so with other passwords)
has another id. Refuses to read objects anywhere.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from cellwright.derivation import derive_bytes
from cellwright.manifest import Manifest

FLEET_LABEL = "cellwright.dev/fleet"
FLEET_ID_LABEL = "cellwright.dev/fleet-id"
CELL_LABEL = "cellwright.dev/cell"
APPLIED_ANNOTATION = "cellwright.dev/applied"
"""On a stack's namespace: what was applied last."""
LAST_RUN_ANNOTATION = "cellwright.dev/last-run"
"""On a stack's namespace: how the last run of it went."""

MANAGER_ANNOTATION = "pulumi.com/patchFieldManager"
"""Names the field manager under which Pulumi's plugin applies an object. By default that is another
one for each resource in each state, so that a new state could not take back what an old one set.
"""
MANAGER = "cellwright-"
"""What the names of the fleets' field managers begin with; the fleet's id follows."""

_ID_BYTES = 8


class Owner(NamedTuple):
    """Whom an object says it belongs to; empty where it says nothing."""

    fleet: str
    fleet_id: str

    def __str__(self) -> str:
        if not (self.fleet or self.fleet_id):
            return "no fleet"
        return f"fleet {self.fleet or '(unnamed)'} (id {self.fleet_id or 'unknown'})"


def fleet_id(root: bytes) -> str:
    """Return the id of the fleet with this root secret: 16 hexadecimal digits."""
    return derive_bytes(root, "fleet/id", _ID_BYTES).hex()


def owner_of(body: Mapping[str, Any]) -> Owner:
    """Return whom an object as read from a cluster says it belongs to."""
    labels = body["metadata"].get("labels") or {}
    return Owner(str(labels.get(FLEET_LABEL, "")), str(labels.get(FLEET_ID_LABEL, "")))


def identified(body: Mapping[str, Any], fleet: str, number: str) -> dict[str, Any]:
    """Return an object as it is applied for a fleet: with its labels, under its field manager.

    Claim templates of a StatefulSet are left alone: they can't be changed, and what is rendered
    must be applicable by other means, too. They carry the fleet's name by their own labels. Pods
    that ask for the id, by a label without a value, are given it.
    """
    metadata = body["metadata"]
    labels = {**(metadata.get("labels") or {}), FLEET_LABEL: fleet, FLEET_ID_LABEL: number}
    annotations = {**(metadata.get("annotations") or {}), MANAGER_ANNOTATION: MANAGER + number}
    made = {**body, "metadata": {**metadata, "labels": labels, "annotations": annotations}}
    return with_pods_id(made, "", number)


def with_pods_id(body: Mapping[str, Any], asked: str, given: str) -> dict[str, Any]:
    """Return an object with another fleet's id in the label of its pods, where that is `asked`."""
    pod = (body.get("spec") or {}).get("template") or {}
    labels = (pod.get("metadata") or {}).get("labels") or {}
    if labels.get(FLEET_ID_LABEL) != asked:
        return dict(body)
    metadata = {**pod["metadata"], "labels": {**labels, FLEET_ID_LABEL: given}}
    return {**body, "spec": {**body["spec"], "template": {**pod, "metadata": metadata}}}


def unowned(manifest: Manifest, owner: Owner, fleet: str, number: str) -> str:
    """Return why an object that is there can't be taken for this fleet's; empty if it can."""
    if owner == Owner(fleet, number):
        return ""
    name = f"{manifest.namespace}/{manifest.name}" if manifest.namespace else manifest.name
    return f"{manifest.kind} {name} in cluster {manifest.cluster} {belonging(owner, fleet)}"


def belonging(owner: Owner, fleet: str) -> str:
    """Return whom an object that is there belongs to, as the end of a sentence."""
    if not owner.fleet_id and owner.fleet in ("", fleet):
        return "exists and belongs to no fleet"
    return f"belongs to {owner}"
