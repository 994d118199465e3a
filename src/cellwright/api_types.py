"""Holds objects against the types of the Kubernetes API, offline.

The types come from a cluster's own OpenAPI document, reduced (`reduce`) to what is needed here:
which fields an object has, what each may hold, and by which key the items of a list are told
apart. An object of a kind that the document does not hold is a problem too: what cannot be
checked is not waved through.

    type      "string" "boolean" "int32" "int64" "number" "quantity" "int-or-string" "any"
              | name of one of `types`
              | {"enum": [...]} | {"list": type, "key": field or ""} | {"map": type}
              | {"fields": {name: type}, "required": [name], "open": bool}
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cellwright.node import Hole, Node
from cellwright.problem import Path, nearest

_QUANTITY = re.compile(
    r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(m|k|[MGTPE]|[KMGTPE]i|n|u|[eE][+-]?[0-9]+)?\Z"
)
_RANGES = {"int32": 2**31, "int64": 2**63}

Type = Any  # str or dict, as described above


class Finding(NamedTuple):
    """What is wrong with an object, where in it, and whether that is about a key."""

    path: Path
    code: str
    message: str
    hint: str = ""
    key: bool = False


class Duty(NamedTuple):
    """What the value of a hole must be."""

    index: int
    path: Path
    type: Type


class ApiTypes:
    """The types of one Kubernetes version, with those of its extensions if it has any."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        """Take the reduced document."""
        self.version = str(document["kubernetes"])
        self._kinds: Mapping[str, Mapping[str, Any]] = document["kinds"]
        self._types: Mapping[str, Any] = document["types"]

    def of(self, api_version: str, kind: str) -> Type | None:
        """Return the type of a kind of object, or None if there is no such kind."""
        known = self._kinds.get(api_version, {}).get(kind)
        return known and known["type"]

    def is_namespaced(self, api_version: str, kind: str) -> bool:
        """Return whether objects of a known kind live in namespaces."""
        return bool(self._kinds[api_version][kind]["namespaced"])

    def unknown(self, api_version: str, kind: str) -> Finding:
        """Return what is wrong with a kind that is not known."""
        message = f"Kubernetes {self.version} has no {kind} in {api_version}"
        elsewhere = [group for group, kinds in self._kinds.items() if kind in kinds]
        if elsewhere:
            return Finding(("apiVersion",), "CW306", message, "it is in " + ", ".join(elsewhere))
        if api_version not in self._kinds:
            hint = nearest(api_version, self._kinds)
            if not hint.startswith("did"):
                hint = "kinds that a cluster has beyond these: `cellwright types`"
            return Finding(("apiVersion",), "CW306", message, hint)
        return Finding(("kind",), "CW306", message, nearest(kind, self._kinds[api_version]))

    def field(self, of: Type, name: str) -> Type | None:
        """Return the type of a field or entry of an object, or None if it has no such one."""
        of = self.resolve(of)
        if isinstance(of, dict):
            return of["map"] if "map" in of else of.get("fields", {}).get(name)
        return None

    def resolve(self, of: Type) -> Type:
        """Return what a type's name stands for."""
        while isinstance(of, str) and of in self._types:
            of = self._types[of]
        return of

    def examine(self, node: Node, of: Type, path: Path = ()) -> Iterator[Finding | Duty]:
        """Yield what is wrong with a node of type `of`, and what its holes must hold."""
        of = self.resolve(of)
        if isinstance(node, Hole):
            yield Duty(node.index, path, of)
        elif isinstance(of, str) or "enum" in of:
            message = _wrong(node, of)
            if message:
                yield Finding(path, "CW305", *message)
        elif "list" in of:
            if not isinstance(node, list):
                yield _expected("a list", node, path)
                return
            for index, one in enumerate(node):
                yield from self.examine(one, of["list"], (*path, index))
        elif not isinstance(node, dict):
            yield _expected("a mapping", node, path)
        elif "map" in of:
            for key, one in node.items():
                yield from self.examine(one, of["map"], (*path, key))
        else:
            yield from self._examine_fields(node, of, path)

    def _examine_fields(
        self, node: dict[str, Node], of: Type, path: Path
    ) -> Iterator[Finding | Duty]:
        fields = of["fields"]
        for key, one in node.items():
            if key in fields:
                yield from self.examine(one, fields[key], (*path, key))
            elif not of.get("open"):
                message = f"Kubernetes {self.version} has no field {key!r} here"
                yield Finding((*path, key), "CW304", message, nearest(key, fields), key=True)
        for key in of.get("required", ()):
            if key not in node:
                yield Finding(path, "CW305", f"the field {key!r} is missing")


def _wrong(node: Any, of: Type) -> tuple[str, str] | None:
    """Return why a node is not of a simple type, and a hint."""
    if of == "any":
        return None
    if isinstance(of, dict):
        if node in of["enum"]:
            return None
        known = [str(one) for one in of["enum"] if one]
        return f"expected one of the values that Kubernetes knows, not {node!r}", nearest(
            str(node), known
        )
    is_whole = isinstance(node, int) and not isinstance(node, bool)
    is_number = is_whole or isinstance(node, float)
    if of == "quantity":
        if is_number or (isinstance(node, str) and _QUANTITY.match(node)):
            return None
        return f"expected a quantity, not {node!r}", "for example 250m or 64Mi"
    fits = {
        "string": isinstance(node, str),
        "boolean": isinstance(node, bool),
        "number": is_number,
        "int-or-string": is_whole or isinstance(node, str),
    }.get(of, is_whole and -_RANGES[of] <= node < _RANGES[of] if of in _RANGES else False)
    if fits:
        return None
    if node is None:
        return f"expected {_NOUNS[of]}, not nothing", "leave the key out"
    hint = "add `| string`" if of == "string" and is_number else ""
    return f"expected {_NOUNS[of]}, not {node!r}", hint


_NOUNS = {
    "string": "text",
    "boolean": "true or false",
    "number": "a number",
    "int-or-string": "a whole number or text",
    "int32": "a whole number of 32 bits",
    "int64": "a whole number of 64 bits",
}


def _expected(noun: str, node: Any, path: Path) -> Finding:
    shown = "nothing" if node is None else repr(node)
    hint = ("write {}" if noun == "a mapping" else "write []") if node is None else ""
    return Finding(path, "CW305", f"expected {noun}, not {shown[:80]}", hint)
