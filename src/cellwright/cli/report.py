"""The only place that prints: lines of results and of progress (problems: `cli.results`).

What comes from users' data can't act on the terminal. Colours are used on a terminal only, and
not where NO_COLOR is set. Loads next to nothing, since every run does.
"""

import io
import os
import sys
from collections.abc import Iterable, Sequence

from cellwright.harmless import harmless

BOLD, DIM, RED, GREEN, YELLOW = "1", "2", "31", "32", "33"
Part = str | tuple[str, str]
"""A piece of a line: text, or text and its style."""


def prepare() -> None:
    """Make output that the terminal's encoding lacks appear as escapes, not as a failure."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def say(*parts: Part) -> None:
    """Print a line of a result to standard output."""
    sys.stdout.write(_line(parts, coloured=shows_colours(is_terminal=sys.stdout.isatty())))
    sys.stdout.flush()


def tell(*parts: Part) -> None:
    """Print a line about the run to standard error."""
    sys.stderr.write(_line(parts, coloured=shows_colours(is_terminal=sys.stderr.isatty())))
    sys.stderr.flush()


def put(text: str) -> None:
    """Print text for machines to standard output, unchanged."""
    sys.stdout.write(text)
    sys.stdout.flush()


def put_bytes(text: bytes | memoryview) -> None:
    """Print encoded text for machines to standard output, unchanged."""
    sys.stdout.buffer.write(text)
    sys.stdout.flush()


def cache_failed(error: OSError) -> None:
    """Tell that the cache can't be used, which only makes runs slower."""
    tell(f"note: the cache can't be used: {error}")


def no_problems(cells: int, organizations: int, homeless: int) -> None:
    """Tell that a fleet of this size has no problems, and who has no home in it yet."""
    tell(f"no problems in {counted(cells, 'cell')} and {counted(organizations, 'organization')}")
    if homeless:
        tell(f"{homeless} not placed yet: run cellwright place --write")


def counted(number: int, noun: str) -> str:
    """Return a number and its noun, which takes an s where there is not exactly one."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    details: Sequence[Iterable[str]] = (),
) -> None:
    """Print a table with columns as wide as they need to be, and details below each row."""
    lines = [tuple(header), *(tuple(row) for row in rows)]
    widths = [max(len(line[index]) for line in lines) for index in range(len(header))]
    for number, line in enumerate(lines):
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        say("  ".join(cells).rstrip())
        for detail in details[number - 1] if details and number else ():
            say(f"  {detail}")


def _line(parts: Sequence[Part], *, coloured: bool) -> str:
    line = ""
    for part in parts:
        text, style = (part, "") if isinstance(part, str) else part
        text = harmless(text)
        line += f"\x1b[{style}m{text}\x1b[0m" if coloured and style and text else text
    return line + "\n"


def shows_colours(*, is_terminal: bool) -> bool:
    """Return whether more than plain text may be shown."""
    dumb = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return is_terminal and not dumb
