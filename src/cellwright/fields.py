"""Every field of the definitions, as the schemas describe it.

Refuses to know what fields mean: all words come from the schemas.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from cellwright.layout import KINDS

Schemas = Mapping[str, Any]
"""The schema files' contents by file name."""

_TYPES = {"object": "mapping", "array": "list", "string": "text", "integer": "whole number"}
_INDEX = re.compile(r"\[[^]]*\]")


@dataclass(frozen=True, slots=True)
class Field:
    """One field: where it stands, what it means, and which values it takes.

    In `path` an item of a list is `[]`, and a key that users choose `<name>`. `form` describes
    the form of text that fields share, such as names. `default` and `example` are JSON. What
    there is not is empty.
    """

    kind: str
    path: str
    meaning: str
    values: str
    form: str
    required: bool
    default: str
    example: str


def fields(schemas: Schemas, kind: str) -> tuple[Field, ...]:
    """Return every field of a kind, each before those inside it."""
    found: dict[str, Field] = {}
    for one in _below(schemas, kind, schemas[f"{kind.lower()}.json"], ""):
        other = found.get(one.path)  # of another alternative
        found[one.path] = _merged(other, one) if other else one
    return tuple(found.values())


def find(schemas: Schemas, wanted: str) -> tuple[Field, ...]:
    """Return the fields that `wanted` names: `cell.spec.ring`, `spec.ring` or `ring`."""
    parts = _INDEX.sub("[]", wanted).replace("[]", ".[]").split(".")
    kinds = [kind for kind in KINDS if kind.lower() == parts[0].lower()]
    if kinds and len(parts) > 1:
        parts = parts[1:]
    return tuple(
        field
        for kind in kinds or KINDS
        for field in fields(schemas, kind)
        if _ends_with(field.path.replace("[]", ".[]").split("."), parts)
    )


def bundled(schemas: Schemas, kind: str) -> dict[str, Any]:
    """Return the schema of a kind as one document, with the shared types that it uses inside."""
    used: dict[str, Any] = {}
    schema = _localized(schemas, schemas[f"{kind.lower()}.json"], used)
    del schema["$id"]
    return {**schema, "$defs": dict(sorted(used.items()))}


def _localized(schemas: Schemas, value: Any, used: dict[str, Any]) -> Any:
    if isinstance(value, list):
        return [_localized(schemas, one, used) for one in value]
    if not isinstance(value, dict):
        return value
    found = {key: _localized(schemas, one, used) for key, one in value.items()}
    name = _shared(value)
    if name:
        found["$ref"] = f"#/$defs/{name}"
        if name not in used:
            used[name] = {}
            used[name] = _localized(schemas, schemas["types.json"]["$defs"][name], used)
    return found


def _below(schemas: Schemas, kind: str, schema: Any, path: str) -> Iterator[Field]:
    schema = _resolved(schemas, schema)
    branches = schema.get("oneOf", [schema])
    for branch in branches:
        required = {key for key in branch.get("required", ()) if _is_in_all(key, branches)}
        for key, one in branch.get("properties", {}).items():
            here = f"{path}.{key}" if path else key
            yield _field(schemas, kind, one, here, required=key in required)
            yield from _below(schemas, kind, one, here)
    if isinstance(schema.get("additionalProperties"), dict):
        here = f"{path}.<name>"
        yield _field(schemas, kind, schema["additionalProperties"], here, required=False)
        yield from _below(schemas, kind, schema["additionalProperties"], here)
    if isinstance(schema.get("items"), dict):
        yield from _below(schemas, kind, schema["items"], f"{path}[]")


def _is_in_all(key: str, branches: Iterable[Any]) -> bool:
    return all(key in branch.get("required", ()) for branch in branches)


def _field(schemas: Schemas, kind: str, schema: Any, path: str, *, required: bool) -> Field:
    whole = _resolved(schemas, schema)
    examples = whole.get("examples", [])
    return Field(
        kind=kind,
        path=path,
        meaning=whole["description"],
        values=_values(schemas, schema),
        form=_form(schemas, schema),
        required=required,
        default=_json(whole["default"]) if "default" in whole else "",
        example=_json(examples[0]) if examples else "",
    )


def _resolved(schemas: Schemas, schema: Any) -> Any:
    """Return a schema with what it refers to under what it says itself."""
    if "$ref" not in schema:
        return schema
    target = _resolved(schemas, schemas["types.json"]["$defs"][_shared(schema)])
    return {**target, **{key: value for key, value in schema.items() if key != "$ref"}}


def forms(schemas: Schemas) -> dict[str, Any]:
    """Return the schemas of the forms of text that fields share, by name."""
    shared = schemas["types.json"]["$defs"]
    return {name: one for name, one in shared.items() if one.get("type") == "string"}


def _form(schemas: Schemas, schema: Any) -> str:
    one = schema.get("items", schema)
    shared = forms(schemas).get(_shared(one))
    return str(shared["description"]) if shared and "description" in one else ""


def _shared(schema: Any) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _values(schemas: Schemas, schema: Any) -> str:
    """Return in words which values a field takes."""
    if _shared(schema) in forms(schemas):
        return _shared(schema)
    schema = _resolved(schemas, schema)
    if "const" in schema:
        return _json(schema["const"])
    if "enum" in schema:
        return "one of " + ", ".join(_json(one) for one in schema["enum"])
    if "oneOf" in schema:
        return "mapping"
    kind = schema["type"]
    words = str(_TYPES.get(kind, kind))
    if kind == "array":
        words += f" of {_values(schemas, schema['items'])}"
    least = schema.get("minimum")
    if least is not None:
        words += f" from {least} to {schema['maximum']}"
    if "maxLength" in schema:
        words += f" of at most {schema['maxLength']} characters"
    if "pattern" in schema:
        words += f" of the form {schema['pattern']}"
    return words


def _merged(known: Field, further: Field) -> Field:
    """Return one field for what two alternatives say of it."""
    values, meaning = known.values, known.meaning
    if further.values not in values:
        values = f"{values.replace(' or ', ', ')} or {further.values}"
    if further.meaning not in meaning:
        meaning = f"{meaning} {further.meaning}"
    return replace(further, values=values, meaning=meaning)


def _ends_with(path: list[str], parts: list[str]) -> bool:
    if len(parts) > len(path):
        return False
    ends = path[-len(parts) :]
    same = [there in (one, "<name>") for one, there in zip(parts, ends, strict=True)]
    return parts[0] == ends[0] and all(same)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
