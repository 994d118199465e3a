"""The schemas themselves, and that the library that decides agrees with the one that explains.

The groups in tests/cases/schema/keywords.json follow those of the JSON Schema Test Suite for the
keywords that the schemas use.
"""

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from cellwright import schema_errors
from cellwright.document import Document, read_yaml
from cellwright.forms import FORMATS
from cellwright.layout import KINDS
from cellwright.schema import Schemas
from tests.workspaces import BASE, CASES

FOLDER = Path(__file__).parents[2] / "schemas"
SCHEMAS = {path.name: json.loads(path.read_text("utf-8")) for path in FOLDER.glob("*.json")}
OPEN = "Values for the workspace's own templates."
WRITTEN: list[Any] = [
    document.value
    for path in sorted([*BASE.rglob("*.yaml"), *(FOLDER.parent / "cells").glob("*.yaml")])
    if path.name != "Pulumi.yaml"
    for document in read_yaml(path.name, path.read_bytes())[0]
]
KEYWORDS = json.loads((CASES / "schema" / "keywords.json").read_text("utf-8"))


def parts(schema: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield every schema inside a schema, with where it is."""
    yield path, schema
    for key in ("properties", "$defs"):
        for name, below in schema.get(key, {}).items():
            yield from parts(below, f"{path}/{key}/{name}")
    for key in ("items", "additionalProperties", "propertyNames"):
        if isinstance(schema.get(key), dict):
            yield from parts(schema[key], f"{path}/{key}")
    for number, below in enumerate(schema.get("oneOf", [])):
        yield from parts(below, f"{path}/oneOf/{number}")


PARTS = [one for name, schema in SCHEMAS.items() for one in parts(schema, name)]
FIELDS = [
    (path, schema)
    for path, schema in PARTS
    if not path.endswith((".json", "/propertyNames")) and "/oneOf/" not in path[-8:]
]


def whole(value: Any) -> bool:
    """Decide as the explaining library does."""
    return not schema_errors.explain(SCHEMAS, value["kind"], Document("x.yaml", 1, "", value))


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_schemas_are_schemas(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])


@pytest.mark.parametrize(("path", "schema"), PARTS, ids=[path for path, _ in PARTS])
def test_no_mapping_is_open_but_for_values(path: str, schema: Any) -> None:
    if schema.get("type") == "object":
        assert "additionalProperties" in schema
        is_open = schema["additionalProperties"] is True
        assert is_open == (path == "types.json/$defs/values")


def resolved(schema: Any) -> Any:
    return schema_errors.Fields(SCHEMAS, {}).resolved(schema)


@pytest.mark.parametrize(("path", "schema"), FIELDS, ids=[path for path, _ in FIELDS])
def test_every_field_is_described_and_has_examples_that_fit(path: str, schema: Any) -> None:
    del path
    own = resolved(schema)
    assert own["description"].endswith(".")
    assert own["examples"]
    registry = jsonschema_rs.Registry(list(SCHEMAS.items()))
    # References inside of types.json are to itself.
    inside = json.loads(json.dumps(own).replace('"#/$defs/', '"types.json#/$defs/'))
    validator = jsonschema_rs.Draft202012Validator(
        inside, registry=registry, formats=FORMATS, validate_formats=True
    )
    for example in own["examples"]:
        validator.validate(example)
    if "default" in own:
        validator.validate(own["default"])


@pytest.mark.parametrize("group", KEYWORDS, ids=[group["description"] for group in KEYWORDS])
def test_both_libraries_know_the_keywords(group: Any) -> None:
    fast = jsonschema_rs.Draft202012Validator(
        group["schema"], formats=FORMATS, validate_formats=True
    )
    precise = schema_errors.VALIDATOR(group["schema"], format_checker=schema_errors.checker())
    for one in group["tests"]:
        assert fast.is_valid(one["data"]) is one["valid"], one
        assert precise.is_valid(one["data"]) is one["valid"], one


def test_every_keyword_of_the_schemas_has_a_group() -> None:
    words = {"$schema", "$id", "$defs", "title", "description", "examples", "default"}
    used = {key for _, schema in PARTS for key in schema} - words
    shown = {
        key for group in KEYWORDS for _, schema in parts(group["schema"], "") for key in schema
    }
    assert used <= shown


STRINGS = (
    *(
        "",
        "a",
        "alpha",
        "alpha\n",
        "\nalpha",
        " alpha",
        "Alpha",
        "al_pha",
        "-a",
        "a-",
        "1a",
        "ä",
        "a" * 41,
    ),
    *(
        "eu",
        "local",
        "small",
        "standard",
        "a.b",
        "acme.example.com",
        "a.b.",
        "*.a.b",
        "a..b",
        "\u0661",
        "a/b:1",
    ),
    *("1Gi", "1", "0", "0Gi", "1.5Gi", "100m", "0.5", "5m", "90s", "1d", "128MB", "1GB", "x:1\n"),
    *(
        "10.0.0.0/8",
        "10.0.0.1/8",
        "::/0",
        "path",
        "host",
        "header",
        "X-Organization",
        "X-Cellwright-A",
    ),
    *(
        "NodePort",
        "LoadBalancer",
        "active",
        "keep-volume",
        "cellwright/v1",
        "Cell",
        "é" * 300,
        "\u0000",
    ),
)
VALUES = st.one_of(
    st.sampled_from(STRINGS),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=6),
    st.none(),
    st.booleans(),
    st.sampled_from(
        (0, 1, -1, 2, 17, 99, 100, 20, 5000, 65535, 65536, 2**53 - 1, 0.5, -2.25, 30080)
    ),
    st.just([]),
    st.just({}),
    st.lists(st.sampled_from((*STRINGS[:8], 0, 1, -1, True)), max_size=3),
    st.dictionaries(
        st.sampled_from(("by", "header", "min", "max", "local", "A", "cpu")),
        st.sampled_from(STRINGS),
        max_size=3,
    ),
)


def change(value: Any, data: st.DataObject) -> Any:
    """Return a value with one part of it changed, taken out or added."""
    if isinstance(value, dict) and value and data.draw(st.integers(0, 9)):
        key = data.draw(st.sampled_from(sorted(value)))
        return {**value, key: change(value[key], data)}
    if isinstance(value, list) and value and data.draw(st.integers(0, 3)):
        index = data.draw(st.integers(0, len(value) - 1))
        return [*value[:index], change(value[index], data), *value[index + 1 :]]
    if isinstance(value, dict) and value:
        known = ("capacity", "accepts", "tier", "routerAddress", "values", "hosts", "idRange", "x")
        key = data.draw(st.sampled_from((*sorted(value), *known)))
        if key in value and data.draw(st.booleans()):
            return {name: one for name, one in value.items() if name != key}
        return {**value, key: data.draw(VALUES)}
    return data.draw(VALUES)


@given(st.sampled_from(WRITTEN), st.data())
@settings(max_examples=1500)
def test_what_decides_and_what_explains_agree(value: Any, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(1, 3))):
        value = change(deepcopy(value), data)
    if isinstance(value, dict) and value.get("kind") in KINDS:
        assert Schemas(SCHEMAS).fits(value) == whole(value)


@pytest.mark.parametrize("value", WRITTEN)
def test_what_is_written_fits(value: Any) -> None:
    assert Schemas(SCHEMAS).fits(value)
    assert whole(value)


def test_what_only_one_library_refuses_does_not_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema_errors, "explain", lambda *_: [])
    document = read_yaml("x.yaml", b"kind: Cell\nspec: {id: x}\n")[0][0]
    problems = Schemas(SCHEMAS).explain(document)
    assert {one.path for one in problems} == {"", "spec", "spec.id"}
    assert {one.code for one in problems} == {"CW104"}
