"""What is wrong in a user's data, as values: problems are collected, never raised.

What each code means stands in `cellwright.codes`. Refuses to print: the reporter in
`cellwright.cli` does.
"""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import NamedTuple

Path = tuple[str | int, ...]


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
        where = f"{self.path}: " if self.path else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.place}: {self.code} {where}{self.message}{hint}"


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
    words = sorted(known)
    close = get_close_matches(word, words, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    if not words:
        return "none is declared"
    listed = ", ".join(words[:10])
    return f"known: {listed}" + (", …" if len(words) > 10 else "")
