"""Strict YAML and JSON lines: text to documents that know the place of each value.

YAML is read by its 1.2 core rules. What other readers would take for something else (`no`,
`1e3`, `0o7`, dates) is a problem, as are anchors, aliases, tags and duplicate keys: a
definition means one thing. Refuses to know what a definition is.

Sources: YAML 1.2.2, chapter 10.3 (core schema); YAML 1.1's type repository for the surprises.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from cellwright.problem import Path, Place, Problem, dotted

Value = None | bool | int | float | str | list["Value"] | dict[str, "Value"]

_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)\Z")
_FLOAT = re.compile(r"[-+]?(0|[1-9][0-9]*)\.[0-9]+\Z")
_AMBIGUOUS = re.compile(
    r"""(?ix)
    yes|no|on|off|y|n|true|false|null|~             # in a spelling that only some readers take
    |[-+]?0[0-9_]+(\.[0-9_]*)?|[-+]?0o[0-7]*|[-+]?0x[0-9a-f_]*|[-+]?0b[01_]*   # number bases
    |[-+]?[0-9][0-9_]*\.?([0-9_]*)?(e[-+]?[0-9]+)?|[-+]?\.[0-9_]+(e[-+]?[0-9]+)?  # and floats
    |[-+]?\.(inf|nan)|\.nan
    |[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?   # base 60
    |[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt\s].*)?      # dates
    |<<|=
    """
)
_CONSTANTS = {"true": True, "false": False, "null": None, "": None}
_MAX_DEPTH = 50


@dataclass(frozen=True, slots=True)
class Document:
    """One definition as written: its value, and where each part of it stands."""

    file: str
    value: Value
    places: dict[Path, tuple[int, int]]
    keys: dict[Path, tuple[int, int]]

    def place(self, path: Path, *, key: bool = False) -> Place:
        """Return where `path` stands, or the nearest thing around it; of its key if asked."""
        if key and path in self.keys:
            return Place(self.file, *self.keys[path])
        while path and path not in self.places:
            path = path[:-1]
        return Place(self.file, *self.places.get(path, (1, 1)))


class _Refused(Exception):  # noqa: N818 - never leaves this module
    def __init__(self, mark: yaml.Mark, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.at = (mark.line + 1, mark.column + 1)
        self.code, self.message, self.hint = code, message, hint


def read_yaml(file: str, data: bytes) -> tuple[list[Document], list[Problem]]:
    """Return the documents of a YAML file and what is wrong with it.

    A document that is not strict gives a problem instead of a value; empty documents
    (comments only) give nothing.
    """
    text, problem = _decode(file, data)
    if problem:
        return [], [problem]
    documents: list[Document] = []
    problems: list[Problem] = []
    try:
        events: Iterator[Any] = yaml.parse(text, Loader=yaml.CSafeLoader)
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                reader = _Reader(file, events)
                value = reader.value(next(events), ())
                problems += reader.problems
                if not reader.problems and not (value is None and reader.empty):
                    documents.append(Document(file, value, reader.places, reader.keys))
    except _Refused as refused:
        problems.append(
            Problem(Place(file, *refused.at), "", refused.code, refused.message, refused.hint)
        )
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        reason = f"not YAML: {error.problem or error.context}"
        problems.append(Problem(Place(file, *at), "", "CW002", reason, _hint(text, at)))
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        problems.append(Problem(Place(file), "", "CW002", f"not YAML: {reason}"))
    return documents, problems


def read_json_lines(file: str, data: bytes) -> tuple[list[Document], list[Problem]]:
    """Return the documents of a file with one JSON object per line; blank lines are skipped."""
    text, problem = _decode(file, data)
    if problem:
        return [], [problem]
    documents: list[Document] = []
    problems: list[Problem] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line, object_pairs_hook=_unique_pairs, parse_constant=_no_constant)
        except json.JSONDecodeError as error:
            place = Place(file, number, error.colno)
            problems.append(Problem(place, "", "CW002", f"not JSON: {error.msg}"))
        except _DuplicateKeyError as error:
            message = f"the key {error.key!r} stands twice"
            problems.append(Problem(Place(file, number), "", "CW003", message, "keep one of them"))
        except (ValueError, RecursionError) as error:
            problems.append(Problem(Place(file, number), "", "CW002", f"not JSON: {error}"))
        else:
            documents.append(Document(file, value, {(): (number, 1)}, {}))
    return documents, problems


class _DuplicateKeyError(Exception):
    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def _unique_pairs(pairs: list[tuple[str, Value]]) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for key, value in pairs:
        if key in found:
            raise _DuplicateKeyError(key)
        found[key] = value
    return found


def _no_constant(name: str) -> Value:
    raise ValueError(f"{name} is not a JSON number")


def _decode(file: str, data: bytes) -> tuple[str, Problem | None]:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = len(before) - (before.rfind(b"\n") + 1) + 1
        message = f"byte 0x{data[error.start]:02x} is not UTF-8"
        return "", Problem(Place(file, line, column), "", "CW002", message, "save it as UTF-8")
    if text.startswith("\ufeff"):
        message = "the file starts with a byte order mark"
        return "", Problem(Place(file), "", "CW002", message, "save it as UTF-8 without one")
    return text, None


def _hint(text: str, at: tuple[int, int]) -> str:
    lines = text.splitlines()
    line = lines[at[0] - 1] if at[0] <= len(lines) else ""
    return "indent with spaces" if line[: at[1]].strip(" ").startswith("\t") else ""


class _Reader:
    """Turns one document's events into a value, and notes where everything stands."""

    def __init__(self, file: str, events: Iterator[Any]) -> None:
        self.file = file
        self.events = events
        self.places: dict[Path, tuple[int, int]] = {}
        self.keys: dict[Path, tuple[int, int]] = {}
        self.problems: list[Problem] = []
        self.empty = False

    def value(self, event: Any, path: Path) -> Value:
        mark = event.start_mark
        if len(path) > _MAX_DEPTH:
            raise _Refused(mark, "CW004", f"nested more than {_MAX_DEPTH} deep")
        if isinstance(event, yaml.AliasEvent):
            raise _Refused(mark, "CW005", f"the alias *{event.anchor}", "write the value out")
        if getattr(event, "anchor", None):
            raise _Refused(mark, "CW005", f"the anchor &{event.anchor}", "write the value out")
        tag = getattr(event, "tag", None)
        if tag:
            raise _Refused(mark, "CW005", f"the tag {tag}", "leave it out")
        self.places[path] = (mark.line + 1, mark.column + 1)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path)
        return self._scalar(event, path)

    def _mapping(self, path: Path) -> dict[str, Value]:
        found: dict[str, Value] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            mark = event.start_mark
            if not isinstance(event, yaml.ScalarEvent):
                raise _Refused(mark, "CW004", "a key that is not a string")
            key = self.value(event, (*path, event.value))
            if not isinstance(key, str):
                self._problem(mark, path, "CW004", f"the key {event.value} is not a string")
                key = event.value
            here = (*path, key)
            if key in found:
                message = f"the key {key!r} stands twice"
                self._problem(mark, path, "CW003", message, "keep one of them")
            self.keys[here] = (mark.line + 1, mark.column + 1)
            found[key] = self.value(next(self.events), here)
        return found

    def _sequence(self, path: Path) -> list[Value]:
        found: list[Value] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            found.append(self.value(event, (*path, len(found))))
        return found

    def _scalar(self, event: Any, path: Path) -> Value:
        text = event.value
        if event.style is not None and event.style != "":
            return str(text)
        if text in _CONSTANTS:
            self.empty = not path and text == ""
            return _CONSTANTS[text]
        if _INT.match(text) and len(text) <= 20:
            return int(text)
        if _FLOAT.match(text):
            return float(text)
        if _AMBIGUOUS.fullmatch(text):
            hint = f'write "{text}" in quotes, or a plain true, false or decimal number'
            self._problem(event.start_mark, path, "CW004", f"{text} is ambiguous in YAML", hint)
        return str(text)

    def _problem(
        self, mark: yaml.Mark, path: Path, code: str, message: str, hint: str = ""
    ) -> None:
        place = Place(self.file, mark.line + 1, mark.column + 1)
        self.problems.append(Problem(place, dotted(path), code, message, hint))
