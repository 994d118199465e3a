"""Names that follow content: an object that can't be changed is another one when it differs.

A Job runs once, and Kubernetes refuses to change what it runs. So one whose annotation says so is
named by its own `spec`, as it is after all patches. Refuses to know what an object is for.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from cellwright.manifest import Manifest
from cellwright.node import Hole
from cellwright.shape import whole

NAME_ANNOTATION = "cellwright.dev/name-suffix"
"""With the value `content`: a digest of the object's `spec` is added to its name."""
_LENGTH = 10  # characters; one namespace has few such objects


def named_by_content(one: Manifest) -> Manifest:
    """Return a manifest under the name that its annotation asks for.

    Raises ValueError for an annotation that asks for something else.
    """
    annotations = one.body["metadata"].get("annotations")
    if not isinstance(annotations, dict) or NAME_ANNOTATION not in annotations:
        return one
    if annotations[NAME_ANNOTATION] != "content":
        said = annotations[NAME_ANNOTATION]
        raise ValueError(f"the annotation {NAME_ANNOTATION} is {said!r}, not 'content'")
    return _renamed(one, f"{one.name}-{_digest(one.body)}")


def _digest(body: Mapping[str, Any]) -> str:
    spec = json.dumps(body.get("spec"), sort_keys=True, default=repr)
    return hashlib.sha256(spec.encode()).hexdigest()[:_LENGTH]


def _renamed(one: Manifest, name: str) -> Manifest:
    """Return a manifest with another name, of the same shape if the name is a value of it."""
    shape, values = one.shape, one.values
    hole = shape.node["metadata"]["name"]  # type: ignore[index, call-overload]
    if isinstance(hole, Hole):
        values = (*values[: hole.number], name, *values[hole.number + 1 :])
        body = shape.body(values)
    else:
        body = {**one.body, "metadata": {**one.body["metadata"], "name": name}}
        shape = whole(body, one.template)
    return Manifest(one.stack, one.cluster, one.template, one.rank, one.after, body, shape, values)
