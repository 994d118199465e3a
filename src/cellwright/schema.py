"""Holds each document against the JSON Schema of its kind.

The schemas in `schemas/` are the single source; this module turns what jsonschema finds into
problems with a place. Refuses anything that needs more than one document (`parse` does that).
"""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from referencing import Registry, Resource

from cellwright.document import Document, Value
from cellwright.problem import Path, Place, Problem, dotted, nearest

API_VERSION = "cellwright/v1"
KINDS = ("Fleet", "Cell", "Organization")

_TYPES = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}


class Schemas:
    """The schema of each kind, ready to check documents."""

    def __init__(self, documents: Mapping[str, Any]) -> None:
        """Take the schema files' contents by file name (`types.json`, `cell.json`, …)."""
        resources = [(name, Resource.from_contents(body)) for name, body in documents.items()]
        registry: Registry[Any] = Registry().with_resources(resources)
        self._documents = documents
        self._validators = {
            kind: Draft202012Validator(documents[f"{kind.lower()}.json"], registry=registry)
            for kind in KINDS
        }

    def check(self, document: Document) -> list[Problem]:
        """Return every problem of one document; none means that it fits its kind's schema."""
        value = document.value
        if not isinstance(value, dict):
            expected = "a mapping with apiVersion, kind, metadata and spec"
            message = f"this is {_noun(value)}, not a definition"
            return [Problem(document.place(()), "", "CW006", message, f"expected {expected}")]
        kind = value.get("kind")
        if kind not in KINDS:
            return [self._unknown_kind(document, value)]
        errors = self._validators[str(kind)].iter_errors(value)
        found = (problem for error in errors for problem in problems_of(document, error))
        return list(dict.fromkeys(found))

    @staticmethod
    def _unknown_kind(document: Document, value: dict[str, Value]) -> Problem:
        if "kind" not in value:
            place = document.place(())
            hint = "expected " + ", ".join(KINDS)
            return Problem(place, "", "CW103", "the key 'kind' is missing", hint)
        kind = value["kind"]
        place = document.place(("kind",))
        if not isinstance(kind, str):
            return Problem(place, "kind", "CW101", f"expected text, not {_noun(kind)}")
        return Problem(place, "kind", "CW104", f"no kind {kind!r}", nearest(kind, KINDS))


class Placed(Protocol):
    """What knows where the parts of a value are written."""

    def place(self, path: Path, *, key: bool = False) -> Place:
        """Return where `path` stands, or the nearest thing around it; of its key if asked."""


def problems_of(document: Placed, error: ValidationError) -> Iterable[Problem]:
    """Return an error of a validator as problems with places."""
    error = _deepest(error)
    schema: Any = error.schema
    limit: Any = error.validator_value
    instance: Any = error.instance
    path: Path = tuple(error.absolute_path)
    where = dotted(path)
    rule = str(error.validator)
    if rule == "additionalProperties":
        known = schema.get("properties", {})
        for key in instance:
            if key not in known:
                here = (*path, key)
                message = f"unknown key {key!r}"
                hint = nearest(key, known)
                yield Problem(document.place(here, key=True), dotted(here), "CW102", message, hint)
    elif rule == "required":
        for key in limit:
            if key not in instance:
                message = f"the key {key!r} is missing"
                hint = _described(schema, key)
                yield Problem(document.place(path), where, "CW103", message, hint)
    elif rule == "type":
        expected = _TYPES[str(limit)]
        message = f"expected {expected}, not {_noun(error.instance)}"
        yield Problem(document.place(path), where, "CW101", message, _example(schema))
    else:
        yield Problem(document.place(path), where, "CW104", _message(error), _hint(error))


def _deepest(error: ValidationError) -> ValidationError:
    """Return the part of a failed `oneOf` that the user most likely meant."""
    while error.validator == "oneOf" and error.context:
        fitting = [part for part in error.context if part.validator not in ("const", "enum")]
        branches = {part.schema_path[0] for part in error.context}
        wrong_kind = {
            part.schema_path[0] for part in error.context if part.validator in ("const", "enum")
        }
        likely = [part for part in fitting if part.schema_path[0] in branches - wrong_kind]
        error = (likely or list(error.context))[0]
    return error


def _message(error: ValidationError) -> str:
    value = error.instance
    limit: Any = error.validator_value
    shown = _shown(value)
    messages = {
        "const": f"expected {_shown(limit)}, not {shown}",
        "minimum": f"{shown} is less than {limit}",
        "maximum": f"{shown} is more than {limit}",
        "minItems": f"expected at least {limit} item",
        "maxItems": f"expected at most {limit} items",
        "minProperties": f"expected at least {limit} key",
        "minLength": "empty text",
        "maxLength": f"longer than {limit} characters",
        "uniqueItems": "a value stands twice in the list",
        "pattern": f"{shown} is not of the expected form",
    }
    rule = str(error.validator)
    if rule == "enum":
        return f"{shown} is not one of " + ", ".join(_shown(known) for known in limit)
    return messages.get(rule) or " ".join(error.message.split())[:200]


def _hint(error: ValidationError) -> str:
    if error.validator == "enum" and isinstance(error.instance, str):
        known: Any = error.validator_value
        words = [str(word) for word in known]
        hint = nearest(error.instance, words)
        return hint if hint.startswith("did") else ""
    return _example(error.schema)


def _example(schema: Any) -> str:
    examples = schema.get("examples", []) if isinstance(schema, dict) else []
    return f"for example {_shown(examples[0])}" if examples else ""


def _described(schema: Any, key: str) -> str:
    found = schema.get("properties", {}).get(key, {})
    return str(found.get("description", ""))


def _noun(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    for kind, word in ((dict, "a mapping"), (list, "a list"), (str, "text")):
        if isinstance(value, kind):
            return word
    return "a number"


def _shown(value: object) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 80 else text[:77] + "…"
