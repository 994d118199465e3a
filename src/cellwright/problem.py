"""What is wrong in a user's data, as values: problems are collected, never raised.

What each code means stands in `cellwright.codes`. Refuses to print: the reporter in
`cellwright.cli` does.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

Path = tuple[str | int, ...]

NOT_PLACED = "CW216"
"""The code of an organization without a home, which is a problem where homes are needed."""

NOT_NEEDED = "CW408"
"""The code of what is declared for one change and has done its work: it stops no `up`."""

LEFT_OVER = "CW411"
"""The code of a cell that is declared no more and is there: it stops no `up`."""


class Place(NamedTuple):
    """Where in the user's files; `line` and `column` count from 1."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Problem(NamedTuple):
    """One thing that is wrong, where, and what was expected.

    `path` is the place inside the document, as in `spec.hosts[0]`; `hint` may be empty.
    """

    place: Place
    path: str
    code: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        place, code, said, hint = self.parts()
        return f"{place}: {code}{said}{hint}"

    def parts(self) -> tuple[str, str, str, str]:
        """Return its place, code, message and hint, as they stand one after the other."""
        where = f"{self.path}: " if self.path else ""
        hint = f" ({self.hint})" if self.hint else ""
        return str(self.place), self.code, f" {where}{self.message}", hint


def mistakes(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return the problems that are wrong by themselves, and not only in the way of applying."""
    return tuple(one for one in problems if one.code != NOT_PLACED)


def refusing(problems: Iterable[Problem]) -> list[Problem]:
    """Return the problems for which nothing is applied."""
    return [one for one in problems if one.code not in (NOT_NEEDED, LEFT_OVER)]


def dotted(path: Sequence[str | int]) -> str:
    """Return a document path as people write it: `("spec", "hosts", 0)` is `spec.hosts[0]`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


def nearest(word: str, known: Iterable[str]) -> str:
    """Return a hint that names the known word nearest to `word`, or every one of a few."""
    from difflib import get_close_matches  # noqa: PLC0415 - wanted for few runs

    words = sorted(known)
    close = get_close_matches(word, words, n=1)
    begun = [one for one in words if len(word) > 2 and one.startswith(word)]
    if not close and len(begun) == 1:
        close = begun
    if close:
        return f"did you mean {close[0]!r}?"
    if not words:
        return "none is declared"
    listed = ", ".join(words[:10])
    return f"known: {listed}" + (", …" if len(words) > 10 else "")


def described(value: object) -> str:
    """Return what a value is, in words."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    text = shown(value)
    return f"the text {text}" if isinstance(value, str) else f"the number {text}"


def shown(value: object) -> str:
    """Return a value as it is shown in a message."""
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 80 else f"{text[:79]}…"
