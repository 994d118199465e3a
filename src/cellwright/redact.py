"""Objects as they may be shown: no secret stands in them.

A secret that is derived is named, also within text. Of other values of a Secret, and of the text
around secrets, nothing is kept but that it is there: it may come from anywhere.
"""

from typing import Any

from cellwright.node import Hole, Node
from cellwright.secret_text import SecretText

REDACTED = "(secret)"
_SECRET_FIELDS = ("data", "stringData")


def redacted(node: Any) -> Any:
    """Return an object, which may have holes, as it may be shown."""
    if not isinstance(node, dict):
        return node
    shown = {key: _with_names(value) for key, value in node.items()}
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
    if isinstance(value, SecretText):
        return repr(value)
    if isinstance(value, dict):
        return {key: secret_name(one) for key, one in value.items()}
    return REDACTED


def _with_names(node: Node) -> Node:
    if isinstance(node, SecretText):
        return repr(node)
    if isinstance(node, dict):
        return {key: _with_names(one) for key, one in node.items()}
    if isinstance(node, list):
        return [_with_names(one) for one in node]
    return node
