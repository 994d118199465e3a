"""What of a stack is protected from deletion, and a digest by which a stack is known unchanged."""

import hashlib
import json
from collections.abc import Iterable
from typing import NamedTuple

from cellwright.manifest import Manifest
from cellwright.model import QUARANTINE, Fleet
from cellwright.render import FLEET_STACK

WANTED = "manifests"
"""What holds the digest of a stack: an input of its component, and an output of the stack."""
_PROTECTED_KINDS = {"Namespace", "StatefulSet"}


class Protection(NamedTuple):
    """`protect`: nobody may delete it; `retain`: it stays when its stack is destroyed."""

    protect: bool
    retain: bool


def protection(fleet: Fleet, manifest: Manifest) -> Protection:
    """Return how an object is protected.

    Protected is the data of a cell that is in service or holds organizations. With a retained
    namespace the volume claim stays, whatever else of the cell is destroyed.
    """
    if manifest.stack == FLEET_STACK or manifest.kind not in _PROTECTED_KINDS:
        return Protection(protect=False, retain=False)
    cell = fleet.cells[manifest.stack]
    return Protection(
        protect=cell.ring != QUARANTINE or bool(fleet.held_by(cell.name)),
        retain=manifest.kind == "Namespace" and cell.postgres.keep_volume,
    )


def digest(fleet: Fleet, manifests: Iterable[Manifest]) -> str:
    """Return the SHA-256 of all that a stack registers, secrets by reference, in hexadecimal."""
    found = hashlib.sha256()
    for manifest in manifests:
        order = (manifest.rank, manifest.after)
        parts = [manifest.cluster, order, protection(fleet, manifest), manifest.body]
        found.update(json.dumps(parts, sort_keys=True).encode() + b"\n")
    return found.hexdigest()
