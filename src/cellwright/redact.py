"""Objects as they may be shown: no secret stands in them.

A secret that is derived is named. Of other values of a Secret only the keys are kept: they may
come from anywhere.
"""

from typing import Any

from cellwright.node import SECRET_KEY, Hole, Node

REDACTED = "(secret)"
_SECRET_FIELDS = ("data", "stringData")


def redacted(node: Any) -> Any:
    """Return an object, which may have holes, as it may be shown."""
    if not isinstance(node, dict):
        return node
    shown = {key: _without_marks(value) for key, value in node.items()}
    if node.get("kind") == "Secret":
        for field in _SECRET_FIELDS:
            values = node.get(field)
            if isinstance(values, Hole):
                shown[field] = values._replace(is_secret=True)
            elif isinstance(values, dict):
                shown[field] = {key: secret_name(value) for key, value in values.items()}
    return shown


def secret_name(value: Any) -> Any:
    """Return what is shown of a secret value, or of a mapping of them that fills one hole."""
    if isinstance(value, Hole):
        return value._replace(is_secret=True)
    if isinstance(value, dict):
        if set(value) == {SECRET_KEY}:
            return f"(secret {value[SECRET_KEY]})"
        return {key: secret_name(one) for key, one in value.items()}
    return REDACTED


def _without_marks(node: Node) -> Node:
    if isinstance(node, dict):
        if set(node) == {SECRET_KEY}:
            shown: Node = secret_name(node)
            return shown
        return {key: _without_marks(one) for key, one in node.items()}
    if isinstance(node, list):
        return [_without_marks(one) for one in node]
    return node
