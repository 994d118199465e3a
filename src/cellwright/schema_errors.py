"""What jsonschema finds, as problems: where, what was expected, and what was likely meant.

Slow, and used only for documents that do not fit. Refuses to decide: `cellwright.schema` has.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple, Protocol

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from referencing import Registry, Resource

from cellwright.document import Document
from cellwright.forms import FORMATS, repairs
from cellwright.problem import Path, Place, Problem, described, dotted, nearest, shown

_TYPES = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}
_CHOICES = ("const", "enum")
_TYPES_FILE = "types.json"
_MOST_PLACES = 3


class Placed(Protocol):
    """What knows where the parts of a value are written."""

    def place(self, path: Path, *, key: bool = False) -> Place:
        """Return where `path` stands, or the nearest thing around it; of its key if asked."""


def explain(schemas: Mapping[str, Any], kind: str, document: Document) -> list[Problem]:
    """Return every problem of a document of that kind, given all schemas by file name."""
    registry: Registry[Any] = Registry().with_resources(
        [(name, Resource.from_contents(body)) for name, body in schemas.items()]
    )
    schema = schemas[f"{kind.lower()}.json"]
    validator = VALIDATOR(schema, registry=registry, format_checker=checker())
    known = Fields(schemas, schema)
    found = [
        one
        for error in validator.iter_errors(document.value)
        for one in problems_of(document, error, known)
    ]
    meant = {one.hint for one in found if one.code == "CW102"}
    mistyped = {one.place for one in found if one.code == "CW101"}
    return [
        one
        for one in dict.fromkeys(found)
        if not (one.code == "CW103" and f"did you mean {one.message.split()[2]}?" in meant)
        and not (one.code == "CW104" and one.place in mistyped)
    ]


class Fields:
    """What a schema says about fields, through its references to shared types."""

    def __init__(self, schemas: Mapping[str, Any], schema: Any) -> None:
        self._schemas, self._schema = schemas, schema
        self.homes: dict[str, list[str]] = {}
        for path, key in self._keys(schema, ""):
            self.homes.setdefault(key, []).append(path)

    def schema_at(self, error: ValidationError) -> Any:
        """Return the schema that an error is about, with what its field adds to it."""
        schema = self.resolved(self._schema)
        for part in list(error.absolute_schema_path)[:-1]:  # which leaves references out
            schema = schema[part]
            schema = self.resolved(schema) if isinstance(schema, dict) else schema
        return schema

    def resolved(self, schema: Any) -> Any:
        """Return a schema with what it refers to, its own words first."""
        if "$ref" not in schema:
            return schema
        file, _, name = str(schema["$ref"]).partition("#/$defs/")
        shared = self._schemas[file or _TYPES_FILE]["$defs"][name]
        return {**shared, **{key: value for key, value in schema.items() if key != "$ref"}}

    def _keys(self, schema: Any, path: str) -> Iterator[tuple[str, str]]:
        for key, below in self.resolved(schema).get("properties", {}).items():
            if path:
                yield path, key
            yield from self._keys(below, f"{path}.{key}" if path else key)


def problems_of(
    document: Placed, error: ValidationError, known: Fields | None = None
) -> Iterator[Problem]:
    """Yield an error of a validator as problems; `known` has the words of our own schemas."""
    for one in _likely(error):
        path: Path = tuple(one.absolute_path)
        for found in _explained(one, known):
            here = (*path, *found.below)
            place = document.place(here, key=found.key)
            yield Problem(place, dotted(here), found.code, found.message, found.hint)


class _Found(NamedTuple):
    code: str
    message: str
    hint: str = ""
    below: Path = ()
    key: bool = False


def _explained(error: ValidationError, known: Fields | None) -> Iterator[_Found]:
    rule = str(error.validator)
    value: Any = error.instance
    schema: Any = known.schema_at(error) if known else error.schema
    limit: Any = error.validator_value
    if rule == "additionalProperties":
        yield from _unknown(schema, value, known.homes if known else {})
    elif rule == "required":
        for key in limit:
            if key not in value:
                field = schema.get("properties", {}).get(key, {})
                hint = str((known.resolved(field) if known else field).get("description", ""))
                yield _Found("CW103", f"the key {key!r} is missing", hint)
    elif rule == "type":
        expected = _TYPES.get(str(limit), str(limit))
        message = f"expected {expected}, not {described(value)}"
        if value is None:
            message = f"expected {expected}, but nothing is there"
        yield _Found("CW101", message, _type_hint(schema, value) or _example(schema))
    elif rule in ("pattern", "format"):
        is_key = "propertyNames" in list(error.absolute_schema_path)
        what = f"the key {shown(value)}" if is_key else shown(value)
        form = schema.get("title", "of the expected form")
        below = (value,) if is_key else ()
        hint = _form_hint(error, _example(schema))
        yield _Found("CW105", f"{what} is not {form}", hint, below, key=is_key)
    elif rule == "uniqueItems":
        index = next(i for i, one in enumerate(value) if one in value[:i])
        item = value[index]
        called = shown(item) if isinstance(item, str | int) else "an item"
        yield _Found("CW104", f"{called} stands twice in the list", "keep one", (index,))
    else:
        yield _Found("CW104", _not_allowed(error), _allowed_hint(error, schema))


def _unknown(schema: Any, value: Any, homes: Mapping[str, list[str]]) -> Iterator[_Found]:
    known = schema.get("properties", {})
    for key in value:
        if key not in known:
            others = homes.get(key, [])
            hint = nearest(key, known)
            if 0 < len(others) <= _MOST_PLACES:
                hint = "it belongs to " + " or ".join(others)
            yield _Found("CW102", f"unknown key {key!r}", hint, (key,), key=True)


def _likely(error: ValidationError) -> list[ValidationError]:
    """Return the parts of a failed `oneOf` that the user most likely meant."""
    if error.validator != "oneOf" or not error.context:
        return [error]
    branches: dict[int, list[ValidationError]] = {}
    for part in error.context:
        branches.setdefault(int(part.schema_path[0]), []).append(part)
    chosen = [
        parts
        for parts in branches.values()
        if not any(part.validator in _CHOICES for part in parts)
    ]
    if chosen:
        return [one for part in min(chosen, key=len) for one in _likely(part)]
    choices = [part for part in error.context if part.validator in _CHOICES]
    first = choices[0]
    allowed: list[Any] = []
    for part in choices:
        limit: Any = part.validator_value
        allowed += limit if part.validator == "enum" else [limit]
    first.validator, first.validator_value = "enum", allowed
    return [first]


def _not_allowed(error: ValidationError) -> str:
    rule = str(error.validator)
    value: Any = error.instance
    limit: Any = error.validator_value
    messages = {
        "const": f"expected {shown(limit)}, not {shown(value)}",
        "minimum": f"{shown(value)} is less than {limit}",
        "maximum": f"{shown(value)} is more than {limit}",
        "minItems": f"expected at least {limit} item{'' if limit == 1 else 's'}",
        "maxItems": f"{len(_sized(value))} items, more than {limit}",
        "minProperties": f"expected at least {limit} key{'' if limit == 1 else 's'}",
        "maxProperties": f"{len(_sized(value))} keys, more than {limit}",
        "minLength": "empty text",
        "maxLength": f"{len(_sized(value))} characters, more than {limit}",
    }
    if rule == "enum" and len(limit) == 1:
        return f"expected {shown(limit[0])}, not {shown(value)}"
    if rule == "enum":
        return f"{shown(value)} is not one of " + ", ".join(shown(known) for known in limit)
    return messages.get(rule) or " ".join(error.message.split())[:200]


def _sized(value: Any) -> Any:
    return value if isinstance(value, str | list | dict) else ""


def _allowed_hint(error: ValidationError, schema: Any) -> str:
    limit: Any = error.validator_value
    if error.validator == "enum":
        words = [str(word) for word in limit]
        hint = nearest(str(error.instance), words)
        return hint if hint.startswith("did you") else ""
    return "" if error.validator in ("const", "maxLength") else _example(schema)


def _type_hint(schema: Any, value: Any) -> str:
    expected = schema.get("type")
    if expected in ("integer", "number") and isinstance(value, str):
        return f"write {value} without quotes" if re.fullmatch(r"-?[0-9]{1,15}", value) else ""
    if expected == "boolean" and isinstance(value, str) and value in ("true", "false"):
        return f"write {value} without quotes"
    if expected == "string" and isinstance(value, bool | int | float):
        text = str(value).lower() if isinstance(value, bool) else str(value)
        return f'write "{text}" in quotes' if _fits(schema, text) else ""
    if expected == "array" and isinstance(value, str | int):
        return f"write [{value}]"
    if expected == "object" and value is None:
        return "indent what belongs to it"
    return ""


def _form_hint(error: ValidationError, example: str) -> str:
    form: Any = error.schema
    value = str(error.instance)
    for repaired in repairs(value):
        if repaired and repaired != value and _fits(form, repaired):
            return f"write {repaired}"
    described_as = str(form.get("description", "")).rstrip(".")
    parts = [part for part in (described_as, example) if part]
    return "; ".join(parts) or f"it has to match {form.get('pattern', form.get('format'))}"


def _fits(schema: Any, text: str) -> bool:
    return bool(VALIDATOR(_own(schema), format_checker=checker()).is_valid(text))


def _own(schema: Any) -> dict[str, Any]:
    kept = ("type", "pattern", "format", "minLength", "maxLength")
    return {key: schema[key] for key in kept if key in schema}


def _example(schema: Any) -> str:
    examples = schema.get("examples", []) if isinstance(schema, dict) else []
    return f"for example {_written(examples[0])}" if examples else ""


def _written(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_written(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_written(one) for one in value) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _pattern(validator: Any, pattern: str, value: Any, schema: Any) -> Iterator[ValidationError]:
    """Match as ECMA 262 does, where `$` is the end of the text and not a line feed before it."""
    del validator, schema
    python = f"{pattern[:-1]}\\Z" if pattern.endswith("$") else pattern
    if isinstance(value, str) and not re.search(python, value):
        yield ValidationError(f"{value!r} does not match {pattern!r}")


@cache
def checker() -> FormatChecker:
    """Return what decides on `format`, which is what the deciding library asks, too."""
    found = FormatChecker(formats=())
    for name, decide in FORMATS.items():
        found.checks(name)(lambda text, decide=decide: not isinstance(text, str) or decide(text))
    return found


VALIDATOR: Any = extend(Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]
"""Validates as the deciding library does."""
