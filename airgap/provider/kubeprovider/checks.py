"""What can be said of an object's inputs without asking the cluster."""

from .annotations import bad_annotations
from .kinds import Kind
from .objects import Json, dig


def checked(kind: Kind, inputs: Json, default_namespace: str | None) -> tuple[Json, list[str]]:
    """The inputs with their defaults, and every reason against them.

    `default_namespace` is None for kinds of the whole cluster, whose namespace is left out.
    """
    reasons = []
    for field, wanted in (("apiVersion", kind.api_version), ("kind", kind.kind)):
        if inputs.get(field, wanted) != wanted:
            reasons.append(f"{field} is {inputs[field]!r}, but the resource's type says {wanted!r}")
    metadata = inputs.get("metadata", {})
    if not isinstance(metadata, dict):
        return inputs, [*reasons, "metadata must be an object"]
    if not metadata.get("name"):
        reasons.append("metadata.name is required (this provider makes up no names)")
    reasons += [
        f"annotation {name}: expected {expected}" for name, expected in bad_annotations(inputs)
    ]
    named = {key: value for key, value in metadata.items() if key != "namespace"}
    if default_namespace is not None:
        named["namespace"] = dig(metadata, "namespace") or default_namespace
    return {**inputs, "apiVersion": kind.api_version, "kind": kind.kind, "metadata": named}, reasons
