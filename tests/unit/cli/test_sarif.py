"""The SARIF log has the shape that code hosts read.

The rules below are those of the official schema (sarif-schema-2.1.0.json) for the objects that
the log uses, with its required properties, its closed sets of words, and nothing else allowed.
"""

from typing import Any

from jsonschema import Draft202012Validator

from cellwright.cli.sarif import log
from cellwright.codes import CODES
from cellwright.problem import Place, Problem

MESSAGE = {
    "type": "object",
    "required": ["text"],
    "properties": {"text": {"type": "string"}},
    "additionalProperties": False,
}
LEVEL = {"enum": ["none", "note", "warning", "error"]}
RULE = {
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {"type": "string"},
        "shortDescription": MESSAGE,
        "fullDescription": MESSAGE,
        "help": MESSAGE,
        "defaultConfiguration": {
            "type": "object",
            "properties": {"level": LEVEL},
            "additionalProperties": False,
        },
    },
    "additionalProperties": False,
}
LOCATION = {
    "type": "object",
    "required": ["physicalLocation"],
    "properties": {
        "physicalLocation": {
            "type": "object",
            "required": ["artifactLocation"],
            "properties": {
                "artifactLocation": {
                    "type": "object",
                    "properties": {
                        "uri": {"type": "string", "pattern": r"^[A-Za-z0-9/._~%-]*$"},
                        "uriBaseId": {"type": "string"},
                    },
                    "additionalProperties": False,
                },
                "region": {
                    "type": "object",
                    "properties": {
                        "startLine": {"type": "integer", "minimum": 1},
                        "startColumn": {"type": "integer", "minimum": 1},
                    },
                    "additionalProperties": False,
                },
            },
            "additionalProperties": False,
        },
        "logicalLocations": {
            "type": "array",
            "uniqueItems": True,
            "items": {
                "type": "object",
                "properties": {"fullyQualifiedName": {"type": "string"}},
                "additionalProperties": False,
            },
        },
    },
    "additionalProperties": False,
}
RESULT = {
    "type": "object",
    "required": ["message"],
    "properties": {
        "ruleId": {"type": "string"},
        "ruleIndex": {"type": "integer", "minimum": 0},
        "level": LEVEL,
        "message": MESSAGE,
        "locations": {"type": "array", "items": LOCATION},
    },
    "additionalProperties": False,
}
DRIVER = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string"},
        "semanticVersion": {"type": "string"},
        "rules": {"type": "array", "uniqueItems": True, "items": RULE},
    },
    "additionalProperties": False,
}
LOG = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "properties": {
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "properties": {"driver": DRIVER},
                        "additionalProperties": False,
                    },
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "results": {"type": "array", "items": RESULT},
                },
                "additionalProperties": False,
            },
        },
    },
    "additionalProperties": False,
}


def run(*problems: Problem) -> Any:
    found = log(problems)
    Draft202012Validator(LOG).validate(found)
    return found["runs"][0]


def test_every_code_can_be_a_rule() -> None:
    found = run(*(Problem(Place("cells/x.yaml"), "", code, "wrong") for code in CODES))
    assert [rule["id"] for rule in found["tool"]["driver"]["rules"]] == sorted(CODES)


def test_a_problem_is_a_result_at_its_place() -> None:
    one = Problem(Place("cells/x.yaml", 3, 7), "spec.id", "CW101", "wrong", "a hint")
    other = Problem(Place("cells/y.yaml"), "", "CW003", "bad")
    found = run(one, other)
    rules = [rule["id"] for rule in found["tool"]["driver"]["rules"]]
    assert [rules[result["ruleIndex"]] for result in found["results"]] == ["CW101", "CW003"]
    result = found["results"][0]
    assert result["message"]["text"] == "spec.id: wrong (a hint)"
    (location,) = result["locations"]
    assert location["physicalLocation"]["region"] == {"startLine": 3, "startColumn": 7}
    assert location["logicalLocations"] == [{"fullyQualifiedName": "spec.id"}]


def test_no_problem_is_an_empty_run() -> None:
    assert run()["results"] == []


def test_a_message_holds_no_placeholder_and_no_link() -> None:
    found = run(Problem(Place("x"), "a[0]", "CW101", "{0} [click](http://example.com)"))
    text = found["results"][0]["message"]["text"]
    assert text == "a[0]: {{0}} [click] (http://example.com)"


def test_a_file_name_is_a_uri() -> None:
    found = run(Problem(Place("cells/a b#\u00e4\udcff.yaml"), "", "CW001", "x"))
    location = found["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert location["uri"] == "cells/a%20b%23%C3%A4%FF.yaml"
