"""Where things stand in the text of one document, and what is wrong there.

Lines count from the start of that text. Refuses to know the file: `cellwright.document` adds
it, and the lines before the document.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from cellwright.problem import Path, Place, Problem

Spot = tuple[int, int]
"""A line and a column, both counted from 1."""


@dataclass(slots=True)
class Spots:
    """Where each value stands, and where its key does, by path."""

    values: dict[Path, Spot] = field(default_factory=dict)
    keys: dict[Path, Spot] = field(default_factory=dict)

    def find(self, path: Path, *, key: bool) -> Spot:
        """Return where `path` stands, or the nearest thing around it; of its key if asked."""
        if key and path in self.keys:
            return self.keys[path]
        while path and path not in self.values:
            path = path[:-1]
        return self.values.get(path, (1, 1))


class Fault(NamedTuple):
    """A problem whose file is not known yet. `{line}` in the hint stands for line `other`."""

    line: int
    column: int
    path: str
    code: str
    message: str
    hint: str = ""
    other: int = 0

    def problem(self, file: str, before: int) -> Problem:
        """Return the problem, given the file and how many lines of it come before the text."""
        place = Place(file, self.line + before, self.column)
        hint = self.hint.replace("{line}", str(self.other + before)) if self.other else self.hint
        return Problem(place, self.path, self.code, self.message, hint)
