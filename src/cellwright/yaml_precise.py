"""Reads one YAML document precisely: its value, the place of each part, and all that is wrong.

What other readers would take for something else is wrong here, as are anchors, aliases, tags,
directives and duplicate keys: a definition means one thing. Slow, and needed only for what
`cellwright.yaml_plain` refuses and for places. Refuses to know what a definition is.

Source: YAML 1.2.2; the events are libyaml's, held to it by `cellwright.yaml_leniency`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from cellwright.problem import Path, dotted
from cellwright.scalars import AmbiguousError, plain
from cellwright.spots import Fault, Spots
from cellwright.strict import CONFLICT, CONFLICT_HINT, MAX_DEPTH
from cellwright.yaml_errors import explained
from cellwright.yaml_leniency import Span, too_lenient

_STRANGE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]"  # quick to compile
)
_STRANGE_NAMES = {
    "\r": "a carriage return without a line feed",
    "\x85": "a next-line character (U+0085), which ends the line for some readers",
    "\u2028": "a line separator (U+2028), which ends the line for some readers",
    "\u2029": "a paragraph separator (U+2029), which ends the line for some readers",
    "\ufeff": "a byte order mark",
}
_LINE = re.compile(r"^(?:%.*|<{7}(?: .*)?|>{7}(?: .*)?)$", re.MULTILINE)


@dataclass(slots=True)
class Read:
    """One document as read. `value` is worth something only if nothing is wrong anywhere."""

    value: Any = None
    empty: bool = True
    spots: Spots = field(default_factory=Spots)


def read(text: str) -> tuple[Read, list[Fault]]:
    """Return the one document that text holds and what is wrong; lines and columns from 1."""
    if strange := _STRANGE.search(text):
        return Read(), [_strange(text, strange.start())]
    if line := _LINE.search(text):
        number = text.count("\n", 0, line.start()) + 1
        if line[0][0] == "%":
            message, hint = f"the directive {line[0].split()[0]}", "leave it out: YAML 1.2 is read"
            return Read(), [Fault(number, 1, "", "CW005", message, hint)]
        return Read(), [Fault(number, 1, "", "CW002", CONFLICT, CONFLICT_HINT)]
    reader = _Reader()
    try:
        # libyaml misreads a last line of spaces that has no end.
        whole = text if text.endswith("\n") else f"{text}\n"
        found = reader.document(yaml.parse(whole, Loader=yaml.CSafeLoader))
    except _TooDeepError as error:
        message = f"nested more than {MAX_DEPTH} deep"
        return Read(), [*reader.faults, _fault(error.mark, "", "CW007", message)]
    except yaml.MarkedYAMLError as error:
        return Read(), [*reader.faults, explained(text, error)]
    faults = reader.faults or too_lenient(text, reader.scalars, reader.flows)
    return found, faults


class _TooDeepError(Exception):
    def __init__(self, mark: Any) -> None:
        super().__init__()
        self.mark = mark


class _Reader:
    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.scalars: list[Span] = []
        self.flows: list[Span] = []
        self._events: Iterator[Any] = iter(())
        self._read = Read()
        self._indent = -1  # column of the innermost block, which continued lines must exceed
        self._flow = False

    def document(self, events: Iterator[Any]) -> Read:
        self._events = events
        for event in events:  # libyaml finds the errors after the document, too
            if isinstance(event, yaml.DocumentStartEvent):
                if not self._read.empty:
                    self._wrong(event.start_mark, (), "CW002", "a second document")
                self._read = Read(empty=False)
                self._read.value = self._value(next(events), ())
        return self._read

    def _value(self, event: Any, path: Path) -> Any:
        mark = event.start_mark
        if len(path) > MAX_DEPTH:
            raise _TooDeepError(mark)
        self._read.spots.values[path] = (mark.line + 1, mark.column + 1)
        self._refuse_sharing(event, path)
        if isinstance(event, yaml.AliasEvent):
            return None
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, path)
        outer = self._flow, self._indent
        outermost = event.flow_style and not self._flow
        self._flow = bool(event.flow_style)
        if not self._flow:
            self._indent = mark.column
        inside = self._mapping if isinstance(event, yaml.MappingStartEvent) else self._sequence
        value, end = inside(path)
        self._flow, self._indent = outer
        if outermost:
            self.flows.append(Span(mark.index, end.index, "", self._indent))
        return value

    def _mapping(self, path: Path) -> tuple[dict[str, Any], Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._key(event, path)
            if key is None:
                before = len(self.faults)
                self._value(next(self._events), path)
                del self.faults[before:]  # the key is wrong, whatever its value is
                continue
            here = (*path, key)
            at = (event.start_mark.line + 1, event.start_mark.column + 1)
            if key in found:
                message = f"the key {key!r} stands twice"
                first = self._read.spots.keys[here][0]
                hint = "keep one of them, the first is in line {line}"
                if not path:
                    hint += "; between two definitions stands a line of ---"
                self.faults.append(Fault(*at, dotted(path), "CW003", message, hint, first))
            else:
                self._read.spots.keys[here] = at
            found[key] = self._value(next(self._events), here)
        return found, event.end_mark

    def _key(self, event: Any, path: Path) -> str | None:
        """Return a key; or None for what is none, which is wrong."""
        mark = event.start_mark
        if isinstance(event, yaml.AliasEvent):
            self._refuse_sharing(event, path)
            return None
        if not isinstance(event, yaml.ScalarEvent):
            before = len(self.faults)
            self._value(event, path)
            del self.faults[before:]
            hint = "text that starts with { or [ needs quotes"
            self._wrong(mark, path, "CW004", "a key that is not text", hint)
            return None
        text = str(event.value)
        if text == "<<" and not event.style:
            hint = "write the values out; what cells share belongs in a size class"
            self._wrong(mark, path, "CW005", "a merge key (<<)", hint)
            return None
        self._refuse_sharing(event, path)
        self.scalars.append(_span(event, self._indent))
        if not event.style and not _is_text(text):
            shown = f"the key {text} is not text for every reader"
            hint = f'write "{text}" in quotes'
            if not text:
                shown, hint = "a colon without a key in front of it", ""
            self._wrong(mark, path, "CW004", shown, hint)
        return text

    def _sequence(self, path: Path) -> tuple[list[Any], Any]:
        found: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            found.append(self._value(event, (*path, len(found))))
        return found, event.end_mark

    def _scalar(self, event: Any, path: Path) -> Any:
        self.scalars.append(_span(event, self._indent))
        if event.style:
            return event.value
        if not event.value:
            self._read.empty = not path
        try:
            return plain(event.value)
        except AmbiguousError as error:
            self._wrong(event.start_mark, path, "CW004", error.message, error.hint)
            return event.value

    def _refuse_sharing(self, event: Any, path: Path) -> None:
        written = "write the value out"
        if isinstance(event, yaml.AliasEvent):
            self._wrong(event.start_mark, path, "CW005", f"the alias *{event.anchor}", written)
            return
        if event.anchor:
            self._wrong(event.start_mark, path, "CW005", f"the anchor &{event.anchor}", written)
        if event.tag:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            self._wrong(event.start_mark, path, "CW005", f"the tag {tag}", "leave it out")

    def _wrong(self, mark: Any, path: Path, code: str, message: str, hint: str = "") -> None:
        self.faults.append(_fault(mark, dotted(path), code, message, hint))


def _fault(mark: Any, path: str, code: str, message: str, hint: str = "") -> Fault:
    return Fault(mark.line + 1, mark.column + 1, path, code, message, hint)


def _span(event: Any, indent: int) -> Span:
    return Span(event.start_mark.index, event.end_mark.index, event.style or "", indent)


def _is_text(text: str) -> bool:
    try:
        return isinstance(plain(text), str)
    except AmbiguousError:
        return False


def _strange(text: str, index: int) -> Fault:
    character = text[index]
    line = text.count("\n", 0, index) + 1
    column = index - text.rfind("\n", 0, index)
    message = _STRANGE_NAMES.get(character, f"the control character U+{ord(character):04X}")
    escape = f"\\x{ord(character):02x}" if ord(character) < 256 else f"\\u{ord(character):04x}"
    hint = f'take it out, or write "{escape}" in double quotes'
    if character == "\r":
        hint = "save the file with the line ends of this system"
    elif character == "\0":
        hint = "save the file as UTF-8, if it is UTF-16"
    return Fault(line, column, "", "CW002", message, hint)
