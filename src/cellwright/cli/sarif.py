"""Problems as a SARIF log, which code hosts show beside the lines that it names.

Source: OASIS SARIF 2.1.0 (errata 01): 3.13 sarifLog, 3.14 run, 3.27 result, 3.49
reportingDescriptor; 3.11.5 and 3.11.6 for what has to be escaped in a message.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

from cellwright import __version__
from cellwright.codes import CODES
from cellwright.problem import Problem

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


def document(files: Iterable[str], problems: Sequence[Problem]) -> str:
    """Return the log as JSON; files without problems are not in it."""
    del files
    return json.dumps(log(problems), indent=2) + "\n"


def log(problems: Sequence[Problem]) -> dict[str, Any]:
    """Return the log; files are relative to the workspace, columns count characters."""
    codes = sorted({one.code for one in problems})
    driver = {
        "name": "cellwright",
        "semanticVersion": __version__,
        "rules": [_rule(code) for code in codes],
    }
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "columnKind": "unicodeCodePoints",
                "results": [_result(one, codes) for one in problems],
            }
        ],
    }


def _rule(code: str) -> dict[str, Any]:
    return {
        "id": code,
        "shortDescription": {"text": _escaped(CODES[code].summary)},
        "help": {"text": f"cellwright explain {code}"},
        "defaultConfiguration": {"level": "error"},
    }


def _result(problem: Problem, codes: Sequence[str]) -> dict[str, Any]:
    where = f"{problem.path}: " if problem.path else ""
    hint = f" ({problem.hint})" if problem.hint else ""
    location: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": _uri(problem.place.file), "uriBaseId": "%SRCROOT%"},
            "region": {"startLine": problem.place.line, "startColumn": problem.place.column},
        }
    }
    if problem.path:
        location["logicalLocations"] = [{"fullyQualifiedName": problem.path}]
    return {
        "ruleId": problem.code,
        "ruleIndex": codes.index(problem.code),
        "level": "error",
        "message": {"text": _escaped(f"{where}{problem.message}{hint}")},
        "locations": [location],
    }


def _escaped(text: str) -> str:
    """Return text in which no brace is a placeholder and no bracket begins a link."""
    return text.replace("{", "{{").replace("}", "}}").replace("](", "] (")


def _uri(file: str) -> str:
    """Return a relative reference (RFC 3986); file names that are not UTF-8 keep their bytes."""
    return quote(file.encode("utf-8", "surrogateescape"))
