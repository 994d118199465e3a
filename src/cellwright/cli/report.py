"""The only place that prints: problems, progress and results.

What comes from users' data can't act on the terminal: control characters are shown as
escapes. Colours are used on a terminal only, and not where NO_COLOR is set.
"""

import io
import json
import os
import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

from cellwright.problem import DECEIVING, Problem, harmless

BOLD, DIM, RED, GREEN, YELLOW = "1", "2", "31", "32", "33"
Part = str | tuple[str, str]
"""A piece of a line: text, or text and its style."""

_HARMFUL_IN_JSON = re.compile(f"[{DECEIVING}]")


def prepare() -> None:
    """Make output that the terminal's encoding lacks appear as escapes, not as a failure."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def say(*parts: Part) -> None:
    """Print a line of a result to standard output."""
    _print(parts, sys.stdout)


def tell(*parts: Part) -> None:
    """Print a line about the run to standard error."""
    _print(parts, sys.stderr)


def put(text: str) -> None:
    """Print text for machines to standard output, unchanged."""
    sys.stdout.write(text)
    sys.stdout.flush()


def put_bytes(text: bytes | memoryview) -> None:
    """Print encoded text for machines to standard output, unchanged."""
    sys.stdout.buffer.write(text)
    sys.stdout.flush()


def put_json(value: Any) -> None:
    """Print a value as JSON, harmful characters as the escapes that JSON has for them."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    put(_HARMFUL_IN_JSON.sub(lambda match: f"\\u{ord(match[0]):04x}", text) + "\n")


def problems_as_text(problems: Sequence[Problem]) -> None:
    """Print one problem a line, and their number."""
    say_problems(problems)
    tell(counted(len(problems), "problem"))


def say_problems(problems: Iterable[Problem]) -> None:
    """Print one problem a line."""
    for one in problems:
        where = f"{one.path}: " if one.path else ""
        hint = f" ({one.hint})" if one.hint else ""
        say((str(one.place), BOLD), ": ", (one.code, RED), f" {where}{one.message}", (hint, DIM))


def problems_as_json(problems: Iterable[Problem]) -> list[dict[str, Any]]:
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


def cache_failed(error: OSError) -> None:
    """Tell that the cache can't be used, which only makes runs slower."""
    tell(f"note: the cache can't be used: {error}")


def counted(number: int, noun: str) -> str:
    """Return a number and its noun, which takes an s where there is not exactly one."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table with columns as wide as they need to be."""
    lines = [tuple(header), *(tuple(row) for row in rows)]
    widths = [max(len(line[index]) for line in lines) for index in range(len(header))]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        say("  ".join(cells).rstrip())


def _print(parts: Sequence[Part], stream: TextIO) -> None:
    coloured = _is_coloured(stream)
    line = ""
    for part in parts:
        text, style = (part, "") if isinstance(part, str) else part
        text = harmless(text)
        line += f"\x1b[{style}m{text}\x1b[0m" if coloured and style and text else text
    stream.write(line + "\n")
    stream.flush()


def _is_coloured(stream: TextIO) -> bool:
    dumb = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return stream.isatty() and not dumb
