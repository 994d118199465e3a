"""The only place that prints: problems, progress and results."""

import json
import sys
from collections.abc import Iterable, Sequence

from cellwright.problem import Problem


def say(line: str = "") -> None:
    """Print a line of a result to standard output."""
    print(line, flush=True)  # noqa: T201 - this is the reporter


def tell(line: str) -> None:
    """Print a line about the run to standard error."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - this is the reporter


def problems_as_text(problems: Sequence[Problem]) -> None:
    """Print one problem a line, and their number."""
    for problem in problems:
        say(str(problem))
    tell(f"{len(problems)} problem{'' if len(problems) == 1 else 's'}")


def problems_as_json(problems: Iterable[Problem]) -> None:
    """Print problems as one JSON array."""
    listed = [
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
    say(json.dumps(listed, indent=2, ensure_ascii=False))


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table with columns as wide as they need to be."""
    lines = [tuple(header), *(tuple(row) for row in rows)]
    widths = [max(len(line[index]) for line in lines) for index in range(len(header))]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        say("  ".join(cells).rstrip())
