"""Holds `spec.values` of the fleet and its cells against the workspace's own schema.

What is checked is what a template sees: the fleet's values with the cell's over them. Refuses
schemas that need anything from elsewhere.
"""

import json
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from referencing import Registry
from referencing.exceptions import Unresolvable

from cellwright.declared import Declared, name, spec
from cellwright.document import Document
from cellwright.layout import VALUES_SCHEMA
from cellwright.parse import overlaid
from cellwright.problem import Path, Place, Problem, dotted
from cellwright.schema_errors import problems_of

_HERE: Path = ("spec", "values")


def check_values(schema: Any, declared: Declared) -> list[Problem]:
    """Return what is wrong with the schema, or else with the values of the cells."""
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return [_wrong_schema(f"{dotted(tuple(error.absolute_path)) or 'it'}: {error.message}")]
    validator = Draft202012Validator(schema, registry=Registry())
    fleets = declared.fleets[:1]
    shared = spec(fleets[0]).get("values", {}) if fleets else {}
    found: dict[Problem, None] = {}
    seen: set[str] = set()
    try:
        for cell in sorted(declared.cells, key=name):
            merged = overlaid(shared, spec(cell).get("values", {}))
            text = json.dumps(merged, sort_keys=True)
            if text not in seen:
                seen.add(text)
                found |= dict.fromkeys(_problems(validator, merged, [cell, *fleets]))
    except RecursionError:
        return [_wrong_schema("it refers to itself without an end")]
    except Unresolvable as error:
        return [_wrong_schema(f"nothing in it is called {error.ref}")]
    return list(found)


def _wrong_schema(message: str) -> Problem:
    return Problem(
        Place(VALUES_SCHEMA), "", "CW221", f"not a schema: {' '.join(message.split())[:200]}"
    )


def _problems(validator: Any, merged: Any, documents: list[Document]) -> Iterator[Problem]:
    placed = _Merged(documents)
    errors: Iterator[ValidationError] = validator.iter_errors(merged)
    for error in errors:
        for problem in problems_of(placed, error):
            path = ".".join(part for part in (dotted(_HERE), problem.path) if part)
            yield problem._replace(path=path.replace(".[", "["), code="CW220")


class _Merged:
    """Knows where each of the merged values is written."""

    def __init__(self, documents: list[Document]) -> None:
        """Take the documents, those whose values count more first."""
        self._documents = documents

    def place(self, path: Path, *, key: bool = False) -> Place:
        """Return where a value is written, or the nearest thing around it."""
        here = (*_HERE, *path)
        while True:
            for document in self._documents:
                if _holds(document.value, here):
                    return document.place(here, key=key)
            here = here[:-1]


def _holds(value: Any, path: Path) -> bool:
    for part in path:
        is_there = part in value if isinstance(value, dict) else isinstance(value, list)
        if not is_there or (isinstance(value, list) and int(part) >= len(value)):
            return False
        value = value[part]
    return True
