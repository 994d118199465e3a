"""Holds objects against the types of the Kubernetes API, offline.

The types come from a cluster's own OpenAPI document, reduced (`reduce`) to what is needed here:
which fields an object has, what each may hold, and by which key the items of a list are told
apart. An object of a kind that the document does not hold is a problem too: what cannot be
checked is not waved through.

    type      "string" "label" "boolean" "int32" "int64" "number" "quantity" "int-or-string"
              | "any"
              | name of one of `types`
              | {"enum": [...]} | {"list": type, "key": field or ""} | {"map": type}
              | {"fields": {name: type}, "required": [name], "open": bool}
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from cellwright.node import Hole, Node
from cellwright.problem import Path, nearest
from cellwright.quantity import amount
from cellwright.secret_text import SecretText

_LABEL = re.compile(r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?\Z")
_LABEL_KEY = re.compile(
    r"(?:(?=[^/]{1,253}/)[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?/)?"
    r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?\Z"
)
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

    number: int
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

    def field(self, of: Type, name: str) -> Type:
        """Return the type of a field or entry of an object; "any" if it is not known."""
        of = self.resolve(of)
        if isinstance(of, dict):
            return of["map"] if "map" in of else of.get("fields", {}).get(name, "any")
        return "any"

    def items(self, of: Type) -> Type:
        """Return the type of a list's items; "any" if it is not known."""
        of = self.resolve(of)
        return of.get("list", "any") if isinstance(of, dict) else "any"

    def list_key(self, of: Type) -> str:
        """Return the field that tells a list's items apart, or nothing."""
        of = self.resolve(of)
        return str(of.get("key", "")) if isinstance(of, dict) else ""

    def resolve(self, of: Type) -> Type:
        """Return what a type's name stands for."""
        while isinstance(of, str) and of in self._types:
            of = self._types[of]
        return of

    def examine(
        self, node: Node, of: Type, path: Path = (), *, is_part: bool = False
    ) -> Iterator[Finding | Duty]:
        """Yield what is wrong with a node of type `of`, and what its holes must hold.

        A part of an object (`is_part`) may lack what a whole one must have.
        """
        of = self.resolve(of)
        if isinstance(node, Hole):
            yield Duty(node.number, path, of)
        elif isinstance(of, str) or "enum" in of:
            yield from _wrong(node, of, path)
        elif "list" in of:
            yield from self._examine_list(node, of, path, is_part=is_part)
        elif not isinstance(node, dict):
            yield _expected("a mapping", node, path, "write {}")
        elif "map" in of:
            for key, one in node.items():
                if of["map"] == "label" and not _LABEL_KEY.match(key):
                    yield Finding((*path, key), "CW305", f"{key!r} is no key of a label", key=True)
                yield from self.examine(one, of["map"], (*path, key), is_part=is_part)
        else:
            yield from self._examine_fields(node, of, path, is_part=is_part)

    def _examine_list(
        self, node: Node, of: Type, path: Path, *, is_part: bool
    ) -> Iterator[Finding | Duty]:
        if isinstance(node, list):
            for index, one in enumerate(node):
                yield from self.examine(one, of["list"], (*path, index), is_part=is_part)
        else:
            yield _expected("a list", node, path, "write []")

    def _examine_fields(
        self, node: dict[str, Node], of: Type, path: Path, *, is_part: bool
    ) -> Iterator[Finding | Duty]:
        fields = of["fields"]
        for key, one in node.items():
            if key in fields:
                yield from self.examine(one, fields[key], (*path, key), is_part=is_part)
            elif not of.get("open"):
                message = f"Kubernetes {self.version} has no field {key!r} here"
                yield Finding((*path, key), "CW304", message, nearest(key, fields), key=True)
        for key in () if is_part else of.get("required", ()):
            if key not in node:
                yield Finding(path, "CW305", f"the field {key!r} is missing")


def checked_types(document: Any) -> Any:
    """Return a reduced document as it is. Raises ValueError for anything else."""
    expected = {"kubernetes": str, "kinds": dict, "types": dict}
    found = document if isinstance(document, dict) else {}
    wrong = [key for key, kind in expected.items() if not isinstance(found.get(key), kind)]
    if wrong:
        raise ValueError(f"{wrong[0]!r} is missing or of the wrong type")
    for group, kinds in document["kinds"].items():
        for name, one in (kinds if isinstance(kinds, dict) else {group: None}).items():
            parts = one if isinstance(one, dict) else {}
            is_known = parts.get("type") in document["types"]
            if not is_known or not isinstance(parts.get("namespaced"), bool):
                raise ValueError(f"the kind {name} is not described")
    for name, of in document["types"].items():
        if not _is_type(of, document["types"]):
            raise ValueError(f"the type {name} is not described")
    return document


def _is_type(of: Any, types: Mapping[str, Any]) -> bool:
    if isinstance(of, str):
        return of in _SIMPLE or of in types
    if not isinstance(of, dict):
        return False
    if "enum" in of:
        return isinstance(of["enum"], list)
    if "list" in of:
        return isinstance(of.get("key"), str) and _is_type(of["list"], types)
    if "map" in of:
        return _is_type(of["map"], types)
    fields = of.get("fields")
    return isinstance(fields, dict) and all(_is_type(one, types) for one in fields.values())


def _is_text(value: Any) -> bool:
    return isinstance(value, str | SecretText)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_SIMPLE: dict[str, tuple[Callable[[Any], object], str]] = {
    "any": (lambda _: True, ""),
    "string": (_is_text, "text"),
    "label": (
        lambda value: isinstance(value, str) and _LABEL.match(value),
        "a label's value (letters and digits, with - _ . between them, at most 63)",
    ),
    "boolean": (lambda value: isinstance(value, bool), "true or false"),
    "int32": (lambda value: _is_whole(value) and -(2**31) <= value < 2**31, "a number, 32 bits"),
    "int64": (lambda value: _is_whole(value) and -(2**63) <= value < 2**63, "a number, 64 bits"),
    "number": (_is_number, "a number"),
    "quantity": (
        lambda value: _is_number(value) or (isinstance(value, str) and amount(value) is not None),
        "a quantity such as 250m or 64Mi",
    ),
    "int-or-string": (
        lambda value: _is_whole(value) or isinstance(value, str),
        "a whole number or text",
    ),
}


def _wrong(node: Any, of: Type, path: Path) -> Iterator[Finding]:
    """Yield why a node is not of a simple type."""
    if isinstance(of, dict):
        if node is None:
            yield _expected("text", node, path, "leave the key out")
        elif node not in of["enum"]:
            known = [str(one) for one in of["enum"] if one]
            message = f"Kubernetes does not know {node!r:.80} here"
            yield Finding(path, "CW305", message, nearest(str(node), known))
        return
    fits, noun = _SIMPLE[of]
    if not fits(node):
        hint = "add `| string`" if of in ("string", "label") and _is_number(node) else ""
        yield _expected(noun, node, path, "leave the key out", hint)


def _expected(noun: str, node: Any, path: Path, instead: str, hint: str = "") -> Finding:
    if node is None:
        return Finding(path, "CW305", f"expected {noun}, not nothing", instead)
    return Finding(path, "CW305", f"expected {noun}, not {node!r:.80}", hint)
