"""Prints what takes more than lines: problems, and values as JSON."""

import json
from collections.abc import Iterable, Sequence

from cellwright.cli.report import BOLD, DIM, RED, counted, put, say, tell
from cellwright.harmless import harmless_json
from cellwright.problem import Problem


def problems_as_text(problems: Sequence[Problem]) -> None:
    """Print one problem a line, and their number."""
    say_problems(problems)
    tell(counted(len(problems), "problem"))


def say_problems(problems: Iterable[Problem]) -> None:
    """Print one problem a line."""
    for one in problems:
        place, code, said, hint = one.parts()
        say((place, BOLD), ": ", (code, RED), said, (hint, DIM))


def problems_as_json(problems: Iterable[Problem]) -> list[dict[str, str | int]]:
    """Return problems with each part under its name."""
    return [
        {
            "file": one.place.file,
            "line": one.place.line,
            "column": one.place.column,
            "path": one.path,
            "code": one.code,
            "message": one.message,
            "hint": one.hint,
        }
        for one in problems
    ]


def put_json(value: object) -> None:
    """Print a value as JSON, harmful characters as escapes."""
    put(harmless_json(json.dumps(value, indent=2, ensure_ascii=False)) + "\n")
