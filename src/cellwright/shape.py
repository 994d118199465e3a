"""What a template writes for one way through it, read as YAML once for all values.

A value fills a hole of the object that was read; it never passes through YAML. So that this is
what a reader of the template expects, a hole must be a whole value of its own: in quotes, glued
to other text, in a key or in a comment it is a problem. Only the texts of a Secret may have holes
inside (`holed_text`). Refuses to know anything else of what an object means.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from cellwright.document import Document, read_yaml
from cellwright.emit import Slot, layout
from cellwright.emit import fill as fill_text
from cellwright.holed_text import HoledText
from cellwright.node import Hole, Node, Recipe, fill, recipe
from cellwright.problem import Path, Place, Problem
from cellwright.redact import redacted
from cellwright.template import HOLE, LINE, LINE_END

_MARK = re.compile(f"{LINE}([^:]*):([0-9]+){LINE_END}")
_STAND_IN = "\ufdd0"
"""A hole as a YAML reader sees it: a character that no template may hold."""


class Origins:
    """Which line of which template wrote what stands at a line and column of some text."""

    def __init__(
        self, starts: Sequence[tuple[int, int]], origins: Sequence[tuple[str, int]]
    ) -> None:
        """Take, in order, where (line, column) something starts that a template's line wrote."""
        self._starts, self._origins = starts, origins

    def place(self, line: int, column: int) -> Place:
        """Return the template and its line; both numbers count from 1."""
        index = bisect_right(self._starts, (line, column)) - 1
        name, number = self._origins[max(index, 0)]
        return Place(f"templates/{name}", number)


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """One object with holes, ready to be filled; two are never equal."""

    node: Node
    document: Document | None
    origins: Origins
    _recipe: int | Recipe | None
    _layout: tuple[str | Slot, ...]
    _texts: tuple[HoledText, ...] = ()

    def values(self, written: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return what fills the holes: what expressions wrote, and the texts that hold some of it.

        Raises UnfitError for a value that must not stand inside of text.
        """
        return (
            (*written, *(text.filled(written) for text in self._texts)) if self._texts else written
        )

    def body(self, values: Sequence[Any]) -> Any:
        """Return the object with `values` in its holes; see `cellwright.node.fill`."""
        return self.node if self._recipe is None else fill(self._recipe, values)

    def text(self, values: Sequence[Any]) -> str:
        """Return the same object as YAML, as it may be shown (`cellwright.redact`)."""
        return fill_text(self._layout, values)

    def place(self, path: Path, *, key: bool = False) -> Place:
        """Return which template and line wrote what is at `path`, or the key of it."""
        if self.document is None:
            return self.origins.place(1, 1)
        at = self.document.place(path, key=key)
        return self.origins.place(at.line, at.column)


def whole(body: Any, template: str) -> Shape:
    """Return an object without holes as a shape, as if the template's first line wrote it."""
    origins = Origins([(1, 1)], [(template, 1)])
    return Shape(body, None, origins, None, layout(redacted(body)))


def read_shapes(name: str, chunks: Iterable[str]) -> tuple[list[Shape], list[Problem]]:
    """Return the objects in what the template `name` wrote, and what is wrong with them."""
    text, origins = _without_marks(name, "".join(chunks))
    holes = {
        (number, column + 1): None
        for number, line in enumerate(text.split("\n"), start=1)
        for column, character in enumerate(line)
        if character == _STAND_IN
    }
    numbers = {at: index for index, at in enumerate(holes)}
    reader = _Holes(numbers, origins)
    documents, wrong = read_yaml("", text.encode())
    problems = [_of_template(one, origins) for one in wrong]
    found = [(*reader.read(document), document) for document in documents]
    problems += reader.problems
    if not wrong:
        problems += [
            _misplaced(origins.place(*at), "in a comment")
            for at, index in numbers.items()
            if index not in reader.seen and not problems
        ]
    if problems:
        return [], problems
    return [
        Shape(node, one, origins, recipe(node), layout(redacted(node)), texts)
        for node, texts, one in found
    ], []


def _of_template(problem: Problem, origins: Origins) -> Problem:
    """Return a problem of the text that was written as one of its template."""
    place = origins.place(problem.place.line, problem.place.column)
    # Lines that a hint names are those of the text.
    return problem._replace(place=place, hint="" if " line " in problem.hint else problem.hint)


def _without_marks(name: str, marked: str) -> tuple[str, Origins]:
    starts: list[tuple[int, int]] = []
    origins: list[tuple[str, int]] = []
    lines = []
    for number, line in enumerate(marked.replace(HOLE, _STAND_IN).split("\n"), start=1):
        texts = _MARK.split(line)
        column = 1 + len(texts[0])
        for file, at, text in zip(texts[1::3], texts[2::3], texts[3::3], strict=True):
            starts.append((number, column))
            origins.append((file, int(at)))
            column += len(text)
        lines.append("".join(texts[::3]))
    return "\n".join(lines), Origins(starts or [(1, 1)], origins or [(name, 1)])


class _Holes:
    """Finds the holes of documents, one after the other."""

    def __init__(self, numbers: dict[tuple[int, int], int], origins: Origins) -> None:
        self._numbers, self._origins = numbers, origins
        self._texts: list[HoledText] = []
        self.seen: set[int] = set()
        self.problems: list[Problem] = []

    def read(self, document: Document) -> tuple[Node, tuple[HoledText, ...]]:
        """Return a document's object with holes, and the texts that fill the last of them."""
        self._document, self._texts = document, []
        return self.node(document.value, ()), tuple(self._texts)

    def node(self, value: Any, path: Path) -> Node:
        if isinstance(value, dict):
            for key in value:
                if _STAND_IN in key:
                    self._problem((*path, key), "in a key", key=True)
            return {key: self.node(one, (*path, key)) for key, one in value.items()}
        if isinstance(value, list):
            return [self.node(one, (*path, index)) for index, one in enumerate(value)]
        if isinstance(value, str) and _STAND_IN in value:
            at = self._document.place(path)
            number = self._numbers.get((at.line, at.column))
            if value == _STAND_IN and number is not None and number not in self.seen:
                self.seen.add(number)
                return Hole(number)
            text = self._text(value, at) if self._is_text_of_secret(path) else None
            if text is not None:
                self._texts.append(text)
                return Hole(len(self._numbers) + len(self._texts) - 1)
            self._problem(path, "in quotes or beside other text")
        return value  # type: ignore[no-any-return]

    def _is_text_of_secret(self, path: Path) -> bool:
        document: Any = self._document.value
        return len(path) == 2 and path[0] == "stringData" and document.get("kind") == "Secret"

    def _text(self, value: str, at: Place) -> HoledText | None:
        """Return a text that begins `at` a place, whose holes are the next that are written."""
        pieces = value.split(_STAND_IN)
        holes = [
            (where, number)
            for where, number in self._numbers.items()
            if where >= (at.line, at.column)
        ]
        own = {number: self._origins.place(*where) for where, number in holes[: len(pieces) - 1]}
        if len(own) < len(pieces) - 1 or self.seen & own.keys():
            return None
        self.seen |= own.keys()
        return HoledText(tuple(pieces), tuple(own.items()))

    def _problem(self, path: Path, where: str, *, key: bool = False) -> None:
        at = self._document.place(path, key=key)
        self.problems.append(_misplaced(self._origins.place(at.line, at.column), where))


def _misplaced(place: Place, where: str) -> Problem:
    hint = 'make it a whole value, as in {{ "app-" ~ cell.name }}'
    return Problem(place, "", "CW311", f"an expression {where}", hint)
