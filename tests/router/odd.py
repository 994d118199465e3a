"""Answers of an API server that are not as the Kubernetes API describes them.

Each was seen to end an agent that trusted what it was told, or is one of their kinds.
"""

import json
from typing import Any

from agent.answers import MOST_BYTES

_GOOD: dict[str, Any] = {
    "metadata": {"name": "directory-00", "resourceVersion": "7", "annotations": {}},
    "data": {"table": ""},
}


def _changed(path: str, value: object) -> dict[str, Any]:
    """Return the ConfigMap with one value changed, by its path with dots between keys."""
    body: dict[str, Any] = json.loads(json.dumps(_GOOD))
    *parents, last = path.split("/")
    inner = body
    for key in parents:
        inner = inner[key]
    inner[last] = value
    return body


BODIES = {
    "metadata is text": _changed("metadata", "none"),
    "metadata is a list": _changed("metadata", [1]),
    "the name is a number": _changed("metadata/name", 7),
    "the name is missing": _changed("metadata/name", None),
    "the name has a quote and a line end": _changed("metadata/name", 'a"\n{b'),
    "annotations are a list": _changed("metadata/annotations", ["a"]),
    "the checksum is a number": _changed("metadata/annotations", {"cellwright.dev/checksum": 7}),
    "labels are a list": _changed("metadata/labels", ["a"]),
    "the fleet's id is a number": _changed("metadata/labels", {"cellwright.dev/fleet-id": 7}),
    "the version is a number": _changed("metadata/resourceVersion", 7),
    "the version has 5,000 digits": _changed("metadata/resourceVersion", "9" * 5000),
    "the version is of another script": _changed("metadata/resourceVersion", "\u0667"),
    "data are a list": _changed("data", []) | {"data": [1]},
    "the text is a number": _changed("data/table", 7),
    "the text is an object": _changed("data/table", {}),
    "the text has half of a surrogate pair": _changed("data/table", "\ud800"),
    "an annotation has half of a surrogate pair": _changed(
        "metadata/annotations", {"cellwright.dev/checksum": "\udfff"}
    ),
}
TEXTS = {
    "nothing": b"",
    "no JSON": b"<html>502 Bad Gateway</html>",
    "cut off": b'{"metadata": {"resourceVersion": "7"',
    "not UTF-8": b'{"kind": "\xff\xfe"}',
    "a list": b"[]",
    "a number of 5,000 digits": b'{"metadata": ' + b"9" * 5000 + b"}",
    "deep": b'{"items": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    "too long": b'{"kind": "' + b"a" * MOST_BYTES + b'"}',
}
LISTS = {
    **TEXTS,
    "items are an object": b'{"items": {"a": 1}}',
    "an item is null": b'{"items": [null]}',
    "an item is text": b'{"items": ["a"]}',
    "metadata of the list are text": b'{"metadata": "a", "items": []}',
    "the way to more is a number": b'{"metadata": {"continue": 7}, "items": []}',
    **{name: json.dumps({"items": [body]}).encode() for name, body in BODIES.items()},
}
EVENTS = {
    **TEXTS,
    "the type is a list": b'{"type": [], "object": {}}',
    "the object is text": b'{"type": "ADDED", "object": "a"}',
    "the message is a number": b'{"type": "ERROR", "object": {"message": 7}}',
    **{
        name: json.dumps({"type": "MODIFIED", "object": body}).encode()
        for name, body in BODIES.items()
    },
}
