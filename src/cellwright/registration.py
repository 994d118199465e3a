"""What a stack registers with Pulumi for its manifests, and whether a state already holds it.

Refuses to register anything itself.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cellwright.manifest import Manifest
from cellwright.model import FLEET_STACK, QUARANTINE, Fleet

_PROTECTED_KINDS = {"Namespace", "PersistentVolumeClaim", "StatefulSet"}
_SECRET_INPUTS = frozenset(("data", "stringData"))


@dataclass(frozen=True, slots=True)
class Registration:
    """One manifest as a Pulumi resource.

    `protect`: nobody may delete it. `retain`: it stays when its stack is destroyed.
    """

    token: str
    name: str
    manifest: Manifest
    protect: bool
    retain: bool

    @property
    def secret_inputs(self) -> frozenset[str]:
        """The inputs that hold secrets, by name."""
        return _SECRET_INPUTS if self.manifest.kind == "Secret" else frozenset()


def registrations(fleet: Fleet, manifests: Iterable[Manifest]) -> tuple[Registration, ...]:
    """Return what is registered for a stack's manifests, in their order.

    Protected is the data of a cell that is in service or holds organizations. With a retained
    namespace the volume claim stays, whatever else of the cell is destroyed; with the directory's
    the cells' leave to read it, so that routers go on by themselves once it is there again.
    """
    return tuple(_registration(fleet, manifest) for manifest in manifests)


def protected_of(fleet: Fleet, stacks: Mapping[str, Iterable[Manifest]]) -> list[Manifest]:
    """Return what nobody may delete, of the stacks of cells that the fleet has."""
    return [
        one.manifest
        for name, manifests in stacks.items()
        if name in fleet.cells
        for one in registrations(fleet, manifests)
        if one.protect
    ]


def is_applied(state: Mapping[str, Any], wanted: Iterable[Registration]) -> bool:
    """Return whether an exported state holds exactly what is wanted, ready and finished.

    `state` is the `deployment` of `pulumi stack export`. Secrets are encrypted there; that they
    are present is enough, since their values change only with the root secret.
    """
    held = {}
    for resource in state.get("resources") or ():
        token, _, name = str(resource["urn"]).rpartition("::")
        if str(resource["type"]).startswith("kubernetes:"):
            held[token.rpartition("$")[2], name] = resource
    listed = tuple(wanted)
    return (
        not state.get("pending_operations")
        and len(held) == len(listed)
        and all(_is_held(held.get((one.token, one.name)), one) for one in listed)
    )


def _is_held(resource: Mapping[str, Any] | None, wanted: Registration) -> bool:
    if resource is None or resource.get("initErrors") or resource.get("delete"):
        return False
    flags = (bool(resource.get("protect")), bool(resource.get("retainOnDelete")))
    if flags != (wanted.protect, wanted.retain):
        return False
    inputs = {key: one for key, one in resource["inputs"].items() if not key.startswith("__")}
    hidden = wanted.secret_inputs
    return inputs.keys() == wanted.manifest.body.keys() and all(
        inputs[key] == value for key, value in wanted.manifest.body.items() if key not in hidden
    )


def _registration(fleet: Fleet, manifest: Manifest) -> Registration:
    group, _, version = str(manifest.body["apiVersion"]).rpartition("/")
    cluster = manifest.cluster if manifest.stack == FLEET_STACK else ""
    parts = (cluster, manifest.namespace, manifest.name)
    protect = retain = False
    if manifest.stack == FLEET_STACK:
        retain = manifest.kind == "Namespace"
    elif manifest.kind in _PROTECTED_KINDS:
        cell = fleet.cells[manifest.stack]
        protect = cell.ring != QUARANTINE or bool(fleet.held_by(cell.name))
        retain = manifest.kind == "Namespace" and cell.postgres.keep_volume
    return Registration(
        token=f"kubernetes:{group or 'core'}/{version}:{manifest.kind}",
        name="/".join(part for part in parts if part),
        manifest=manifest,
        protect=protect,
        retain=retain,
    )
