"""Prints what takes more than lines: problems, and values as JSON."""

import json
from collections.abc import Sequence

from cellwright.cli.report import BOLD, DIM, RED, counted, put, say, tell
from cellwright.harmless import harmless_json
from cellwright.problem import Problem


def problems_as_text(problems: Sequence[Problem]) -> None:
    """Print one problem a line, and their number."""
    for one in problems:
        place, code, said, hint = one.parts()
        say((place, BOLD), ": ", (code, RED), said, (hint, DIM))
    tell(counted(len(problems), "problem"))


def put_json(value: object) -> None:
    """Print a value as JSON, harmful characters as escapes."""
    put(harmless_json(json.dumps(value, indent=2, ensure_ascii=False)) + "\n")
