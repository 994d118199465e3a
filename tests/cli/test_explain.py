"""`explain` and `schema`: what codes and fields mean."""

import json

import pytest
from jsonschema import Draft202012Validator

from cellwright.codes import CODES
from tests.cli.conftest import Program


@pytest.mark.parametrize("code", CODES)
def test_every_code_is_explained(program: Program, code: str) -> None:
    done = program("explain", code.lower())
    assert done.code == 0
    assert done.out.startswith(f"{code}: {CODES[code].summary}\n{CODES[code].explanation}\n")
    assert "\nwrong" in done.out
    assert "\nright" in done.out


def test_a_field_is_explained(program: Program) -> None:
    done = program("explain", "cell.spec.ring")
    assert done.code == 0
    assert done.out.startswith("Cell spec.ring\n  Order of roll-out")
    assert "whole number from -1 to 99; required" in done.out


@pytest.mark.parametrize(
    ("topic", "hint"),
    [("CW999", "no code CW999"), ("cell.spec.rign", "did you mean 'cell.spec.ring'?")],
)
def test_what_is_unknown_gets_a_hint(program: Program, topic: str, hint: str) -> None:
    done = program("explain", topic)
    assert (done.code, done.out) == (1, "")
    assert hint in done.err


@pytest.mark.parametrize("kind", ["fleet", "cell", "organization"])
def test_a_schema_is_complete_in_itself(program: Program, kind: str) -> None:
    schema = json.loads(program("schema", kind).out)
    Draft202012Validator.check_schema(schema)
    assert not list(Draft202012Validator(schema["properties"]["kind"]).iter_errors(kind.title()))
