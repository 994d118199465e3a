"""Holds each document against the JSON Schema of its kind.

The schemas in `schemas/` are the single source. A fast library decides; only what does not fit
is explained, by `cellwright.schema_errors`. Refuses anything that needs more than one document
(`consistency` does that).
"""

from collections.abc import Callable, Mapping
from typing import Any

from jsonschema_rs import Draft202012Validator, Registry

from cellwright.document import Document, Value
from cellwright.forms import FORMATS
from cellwright.layout import KINDS
from cellwright.problem import Path, Problem, described, dotted, nearest, shown

_EXPECTED = "expected a mapping with apiVersion, kind, metadata and spec"


class Schemas:
    """The schema of each kind, ready to check documents."""

    def __init__(self, documents: Mapping[str, Any]) -> None:
        """Take the schema files' contents by file name (`types.json`, `cell.json`, …)."""
        self._documents = documents
        self._fits: dict[str, Callable[[Any], bool]] = {}
        self._all_fit: dict[str, Callable[[Any], bool]] = {}

    def fits(self, value: Any) -> bool:
        """Return whether a value fits the schema of its kind."""
        if value.__class__ is not dict:
            return False
        kind = value.get("kind")
        if kind.__class__ is not str:
            return False
        known = self._fits.get(kind)
        if known is None:
            if kind not in KINDS:
                return False
            known = self._fits[kind] = self._validator(kind).is_valid
        return known(value)

    def all_fit(self, kind: str, values: list[Any]) -> bool:
        """Return whether all values fit the schema of a kind."""
        known = self._all_fit.get(kind)
        if known is None:
            schema = {"type": "array", "items": {"$ref": f"{kind.lower()}.json"}}
            known = self._all_fit[kind] = self._compiled(schema).is_valid
        return known(values)

    def explain(self, document: Document) -> list[Problem]:
        """Return every problem of a document that does not fit."""
        value = document.value
        if not isinstance(value, dict):
            message = f"{described(value)} where a definition is expected"
            return [Problem(document.place(()), "", "CW006", message, _EXPECTED)]
        kind = value.get("kind")
        if kind not in KINDS:
            return [_unknown_kind(document, value)]
        from cellwright.schema_errors import explain  # noqa: PLC0415 - loads jsonschema

        found = explain(self._documents, str(kind), document)
        return found or self._unexplained(str(kind), document)

    def _validator(self, kind: str) -> Any:
        return self._compiled(self._documents[f"{kind.lower()}.json"])

    def _compiled(self, schema: Any) -> Any:
        return Draft202012Validator(
            schema,
            registry=Registry(list(self._documents.items())),
            formats=FORMATS,
            validate_formats=True,
        )

    def _unexplained(self, kind: str, document: Document) -> list[Problem]:
        """Return the problems in the words of the library that decided.

        Both libraries agree on our schemas, as the tests show; if ever they do not, nothing
        passes unnoticed.
        """
        problems = []
        for error in self._validator(kind).iter_errors(document.value):
            path: Path = tuple(error.instance_path)
            problems.append(Problem(document.place(path), dotted(path), "CW104", error.message))
        return problems


def _unknown_kind(document: Document, value: dict[str, Value]) -> Problem:
    expected = "expected " + ", ".join(KINDS)
    if "kind" not in value:
        close = next((key for key in value if key.lower() == "kind"), None)
        if close is not None:
            place = document.place((close,), key=True)
            return Problem(place, close, "CW102", f"unknown key {close!r}", "write kind")
        place = document.place(())
        return Problem(place, "", "CW103", "the key 'kind' is missing", expected)
    kind = value["kind"]
    place = document.place(("kind",))
    if not isinstance(kind, str):
        message = f"expected text, not {described(kind)}"
        return Problem(place, "kind", "CW101", message, expected)
    return Problem(place, "kind", "CW104", f"no kind {shown(kind)}", nearest(kind, KINDS))
