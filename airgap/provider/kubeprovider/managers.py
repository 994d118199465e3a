"""Ownership of fields in server-side apply: names, and taking over what a person changed by hand.

As the official plugin: each resource has a manager of its own, kept in the state; before an update
the fields that kubectl wrote since (edit, patch, scale, apply) become that manager's, so that the
update mends them. Fields of any other manager are a conflict, unless the user forces.
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

_CONFLICT = re.compile(r'conflicts? with "([^"]+)"')


def fresh_manager() -> str:
    """A name for a new resource's fields, of the official plugin's form."""
    return f"pulumi-kubernetes-{secrets.token_hex(4)}"


def adopted(entries: list[Json], manager: str) -> list[Json] | None:
    """`metadata.managedFields` after taking over, or None when there is nothing to take over."""
    ours = [entry for entry in entries if _is(entry, manager)]
    theirs = [entry for entry in entries if not _is(entry, manager) and _taken_over(entry)]
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


def all_taken_over(conflict: str) -> bool:
    """Whether an update would take over every manager that a conflict's message names."""
    names = _CONFLICT.findall(conflict)
    prefixes = tuple(prefix for _, prefix in TAKEN_OVER)
    return bool(names) and all(name.startswith(prefixes) for name in names)


def _is(entry: Json, manager: str) -> bool:
    return (
        entry.get("manager") == manager
        and entry.get("operation") == "Apply"
        and not entry.get("subresource")
    )


def _taken_over(entry: Json) -> bool:
    name = str(entry.get("manager", ""))
    return not entry.get("subresource") and any(
        entry.get("operation") == operation and name.startswith(prefix)
        for operation, prefix in TAKEN_OVER
    )


def _united(one: Any, other: Any) -> Any:
    """The union of two `fieldsV1` sets, which are objects nested by field."""
    return {
        key: _united(one.get(key, {}), other.get(key, {}))
        for key in [*one, *(set(other) - set(one))]
    }
