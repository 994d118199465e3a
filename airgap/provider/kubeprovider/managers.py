"""Ownership of fields in server-side apply: names, and taking over what a person changed by hand.

As the official plugin: each resource has a manager of its own, kept in the state. Before an update
the fields that kubectl wrote since (edit, patch, scale, apply) become that manager's, so that the
update mends them, and so do those of the resource's creation, which is no apply. Fields of any
other manager are a conflict, unless the user forces.
"""

import re
import secrets
from typing import Any

from .objects import Json

TAKEN_OVER = (
    ("Apply", "kubectl"),
    ("Update", "kubectl"),
    ("Update", "before-first-apply"),
    ("Update", "pulumi-kubernetes"),
    ("Update", "pulumi-resource-kubernetes"),
)
"""Operation and beginning of the name of managers whose fields an update takes over."""

_CONFLICT = re.compile(r'conflicts? with "([^"]+)"( with subresource)?( using)?')
"""The API server says the version that a manager used of updates only, not of applies."""


def fresh_manager() -> str:
    """A name for a new resource's fields, of the official plugin's form."""
    return f"pulumi-kubernetes-{secrets.token_hex(4)}"


def adopted(entries: list[Json], manager: str) -> list[Json] | None:
    """`metadata.managedFields` after taking over, or None when there is nothing to take over."""
    ours = [entry for entry in entries if _is(entry, manager)]
    theirs = [entry for entry in entries if not _is(entry, manager) and _taken_over(entry, manager)]
    if not theirs:
        return None
    fields: Json = {}
    for entry in [*ours, *theirs]:
        fields = _united(fields, entry.get("fieldsV1", {}))
    merged = {
        **(ours or theirs)[0],
        "manager": manager,
        "operation": "Apply",
        "fieldsV1": fields,
    }
    others = [entry for entry in entries if entry not in ours and entry not in theirs]
    return [*others, merged]


def all_taken_over(conflict: str, manager: str) -> bool:
    """Whether an update by `manager` would take over every manager that the message names."""
    found = _CONFLICT.findall(conflict)
    return bool(found) and all(
        not subresource and _taken(name, "Update" if update else "Apply", manager)
        for name, subresource, update in found
    )


def _is(entry: Json, manager: str) -> bool:
    return (
        entry.get("manager") == manager
        and entry.get("operation") == "Apply"
        and not entry.get("subresource")
    )


def _taken_over(entry: Json, manager: str) -> bool:
    name, operation = str(entry.get("manager", "")), str(entry.get("operation", ""))
    return not entry.get("subresource") and _taken(name, operation, manager)


def _taken(name: str, operation: str, manager: str) -> bool:
    created = name == manager and operation == "Update"
    return created or any(
        operation == taken and name.startswith(prefix) for taken, prefix in TAKEN_OVER
    )


def _united(one: Any, other: Any) -> Any:
    """The union of two `fieldsV1` sets, which are objects nested by field."""
    return {
        key: _united(one.get(key, {}), other.get(key, {}))
        for key in [*one, *(set(other) - set(one))]
    }
