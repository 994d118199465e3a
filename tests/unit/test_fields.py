"""Every field of the definitions, found by the names that people use."""

import pytest
from jsonschema import Draft202012Validator

from cellwright.edge.shipped import schemas
from cellwright.fields import bundled, fields, find
from cellwright.layout import KINDS

SCHEMAS = schemas()


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("cell.spec.ring", ["Cell spec.ring"]),
        ("Cell.spec.ring", ["Cell spec.ring"]),
        ("weight", ["Organization spec.weight"]),
        ("spec.id", ["Cell spec.id", "Organization spec.id"]),
        ("rules[0].by", ["Fleet spec.routing.rules[].by"]),
        ("rules[].by", ["Fleet spec.routing.rules[].by"]),
        ("spec.sizes.small.app", ["Fleet spec.sizes.<name>.app"]),
        ("small.app", []),
        ("nonsense", []),
        ("cell.weight", []),
        ("", []),
    ],
)
def test_a_field_is_found_by_its_end(wanted: str, found: list[str]) -> None:
    assert [f"{one.kind} {one.path}" for one in find(SCHEMAS, wanted)] == found


def test_a_field_says_all_that_the_schema_says() -> None:
    (one,) = find(SCHEMAS, "fleet.spec.routers.nodePortBase")
    assert (one.values, one.default, one.required) == (
        "whole number from 30000 to 32766",
        "30080",
        False,
    )
    (ring,) = find(SCHEMAS, "cell.spec.ring")
    assert ring.required
    assert ring.meaning.startswith("Order of roll-out")


def test_alternatives_are_one_field() -> None:
    (by,) = find(SCHEMAS, "rules[].by")
    assert by.values == 'one of "path", "host", "header", "cookie", "token" or "default"'
    (header,) = find(SCHEMAS, "rules[].header")
    assert header.values.count("of the form") == 1
    assert "By header: the name of" in header.meaning
    assert "By token: the name of" in header.meaning
    assert (by.required, header.required) == (True, False)


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_has_a_meaning(kind: str) -> None:
    assert all(one.meaning and one.values for one in fields(SCHEMAS, kind))


@pytest.mark.parametrize("kind", KINDS)
def test_a_bundled_schema_stands_alone(kind: str) -> None:
    schema = bundled(SCHEMAS, kind)
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    metadata = {"name": "Not a name"}
    wrong = {"apiVersion": "cellwright/v1", "kind": kind, "metadata": metadata, "spec": {}}
    paths = {tuple(error.absolute_path) for error in validator.iter_errors(wrong)}
    assert ("metadata", "name") in paths, "shared types are inside"
