"""Reading plain Kubernetes objects (JSON as Python values); changes and interprets nothing."""

from typing import Any

Json = dict[str, Any]

SERVER_METADATA = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
)
"""Fields of `metadata` that only the API server writes."""

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
"""kubectl's annotation: a copy of the whole object, Secrets' values included."""


def dig(value: Any, *path: str) -> Any:
    """The value at `path`, or None where any part of it is missing."""
    for part in path:
        if not isinstance(value, dict):
            return None
        value = value.get(part)
    return value


def name_of(obj: Json) -> str:
    """`metadata.name`, empty when it is missing."""
    return str(dig(obj, "metadata", "name") or "")


def namespace_of(obj: Json) -> str:
    """`metadata.namespace`, empty for objects of the whole cluster."""
    return str(dig(obj, "metadata", "namespace") or "")


def identifier(obj: Json) -> str:
    """The resource's id in Pulumi's state, as the official plugin has it: `namespace/name`."""
    namespace = namespace_of(obj)
    return f"{namespace}/{name_of(obj)}" if namespace else name_of(obj)


def split_identifier(text: str) -> tuple[str, str]:
    """Namespace (may be empty) and name of an `identifier`."""
    namespace, _, name = text.rpartition("/")
    return namespace, name


def is_secret(obj: Json) -> bool:
    """Whether the object is a core Secret, whose `data` and `stringData` are always secret."""
    return obj.get("kind") == "Secret" and obj.get("apiVersion") == "v1"


def conditions(obj: Json) -> dict[str, Json]:
    """`status.conditions` by type."""
    found = dig(obj, "status", "conditions") or []
    return {str(condition.get("type")): condition for condition in found}
