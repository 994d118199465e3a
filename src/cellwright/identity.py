"""Whose an object is: the fleet's name and id, which every object in a cluster carries.

The id is made from the fleet's first root secret and does not give it away: two fleets have two
ids. It stays when the root secret is rotated. Refuses to read objects anywhere.
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

SECRETS_ANNOTATION = "cellwright.dev/secrets"
"""On objects and pods that ask for it by an empty one: which versions of secrets they are given, so
that pods start anew where these change.
"""

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
    """Return the id of the fleet with this first root secret: 16 hexadecimal digits."""
    return derive_bytes(root, "fleet/id", _ID_BYTES).hex()


def owner_of(body: Mapping[str, Any]) -> Owner:
    """Return whom an object as read from a cluster says it belongs to."""
    labels = body["metadata"].get("labels") or {}
    return Owner(str(labels.get(FLEET_LABEL, "")), str(labels.get(FLEET_ID_LABEL, "")))


def identified(
    body: Mapping[str, Any], fleet: str, number: str, secrets: str = ""
) -> dict[str, Any]:
    """Return an object as it is applied for a fleet: with its labels, under its field manager.

    Claim templates of a StatefulSet are left alone: they can't be changed, and what is rendered
    must be applicable by other means, too. They carry the fleet's name by their own labels. Pods
    that ask for the id, by a label without a value, are given it, and so is the version of secrets.
    """
    metadata = body["metadata"]
    labels = {**(metadata.get("labels") or {}), FLEET_LABEL: fleet, FLEET_ID_LABEL: number}
    annotations = {**(metadata.get("annotations") or {}), MANAGER_ANNOTATION: MANAGER + number}
    made = {**body, "metadata": {**metadata, "labels": labels, "annotations": annotations}}
    return with_secrets_tag(with_pods_id(made, "", number), "", secrets)


def with_pods_id(body: Mapping[str, Any], asked: str, given: str) -> dict[str, Any]:
    """Return an object with another fleet's id in the label of its pods, where that is `asked`."""
    return _with_pods(body, "labels", FLEET_ID_LABEL, asked, given)


def with_secrets_tag(body: Mapping[str, Any], asked: str, given: str) -> dict[str, Any]:
    """Return an object with another version of secrets, its own and its pods', where `asked`."""
    body = _with_pods(body, "annotations", SECRETS_ANNOTATION, asked, given)
    return _replaced(body, "annotations", SECRETS_ANNOTATION, asked, given)


def secrets_tag(body: Mapping[str, Any]) -> str:
    """Return which secrets an object or its pods were given; empty where that is not noted."""
    pod = (body.get("spec") or {}).get("template") or {}
    return str(
        _noted(body, "annotations", SECRETS_ANNOTATION)
        or _noted(pod, "annotations", SECRETS_ANNOTATION)
        or ""
    )


def _with_pods(
    body: Mapping[str, Any], field: str, key: str, asked: str, given: str
) -> dict[str, Any]:
    pod = (body.get("spec") or {}).get("template") or {}
    if _noted(pod, field, key) != asked:
        return dict(body)
    return {**body, "spec": {**body["spec"], "template": _replaced(pod, field, key, asked, given)}}


def _replaced(
    body: Mapping[str, Any], field: str, key: str, asked: str, given: str
) -> dict[str, Any]:
    if _noted(body, field, key) != asked:
        return dict(body)
    metadata = body["metadata"]
    return {**body, "metadata": {**metadata, field: {**metadata[field], key: given}}}


def _noted(body: Mapping[str, Any], field: str, key: str) -> str | None:
    found: str | None = ((body.get("metadata") or {}).get(field) or {}).get(key)
    return found


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
