"""What a stack registers with Pulumi for its manifests.

Refuses to register anything itself.
"""

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from cellwright.changes import HISTORY
from cellwright.derivation import derive_bytes
from cellwright.manifest import Manifest
from cellwright.model import FLEET_STACK, QUARANTINE, Fleet
from cellwright.secret_text import SecretText

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
    the cells' leave to read it, so that routers go on by themselves once it is there again. What
    is remembered of ids stays whatever is destroyed.
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


def digest(root: bytes, registrations: Iterable[Registration], secrets: str = "") -> str:
    """Return what stands for all that a stack registers, secrets included, in hexadecimal.

    `secrets` is which versions of them are valid.

    It is keyed (HMAC-SHA256), since a cluster keeps it where a Secret's values may not be read.
    """
    key = derive_bytes(root, "fleet/applied", 32)
    what: list[Any] = [
        (one.token, one.name, one.protect, one.retain, one.manifest.body) for one in registrations
    ]
    return hmac.new(key, _encoded([secrets, *what]), hashlib.sha256).hexdigest()


def _encoded(what: Any) -> bytes:
    """Return a value as JSON: quickly, unless it holds what only the slower library writes."""
    try:
        return msgspec.json.encode(what)
    except (OverflowError, UnicodeEncodeError):
        text = json.dumps(what, ensure_ascii=False, default=_parts)
        return text.encode("utf-8", "surrogatepass")


def _parts(text: Any) -> Any:
    """Return a value with secrets as JSON can hold it: the names of its secrets, not themselves."""
    if isinstance(text, SecretText):
        return {"secret": text.parts}
    raise TypeError(f"cannot digest a value of type {type(text).__name__}")


def _registration(fleet: Fleet, manifest: Manifest) -> Registration:
    group, _, version = str(manifest.body["apiVersion"]).rpartition("/")
    cluster = manifest.cluster if manifest.stack == FLEET_STACK else ""
    parts = (cluster, manifest.namespace, manifest.name)
    protect = retain = False
    if manifest.stack == FLEET_STACK:
        is_memory = HISTORY in (manifest.body["metadata"].get("labels") or {})
        retain = manifest.kind == "Namespace" or is_memory
    elif manifest.kind in _PROTECTED_KINDS and not _is_without_data(manifest):
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


def _is_without_data(manifest: Manifest) -> bool:
    """Return whether this is a StatefulSet that has no volumes."""
    spec = manifest.body.get("spec") or {}
    return manifest.kind == "StatefulSet" and not spec.get("volumeClaimTemplates")
