"""Reads the plain part of YAML quickly: what cannot mean two things, line by line.

Plain are block mappings and lists whose lines hold a word, a whole number, a quantity or quoted
text without escapes; flat `[a, b]` and `{a: 1}`; comments. Everything else is refused without a
judgement: `cellwright.yaml_precise` reads it then, slowly and with the place of every value. What
both read, they read alike (a property in the tests).
"""

import re
from collections.abc import Callable
from functools import cache
from typing import Any

_KEY = r"[A-Za-z_][A-Za-z0-9_./-]*"
_WORD = r"[A-Za-z][A-Za-z0-9_./@+-]*"
_WORDS = rf"{_WORD}(?::[A-Za-z0-9_./@+-]+)*(?: [A-Za-z0-9_./@+(][A-Za-z0-9_./@+()-]*)*"
_NUMBER = r"-?(?:0|[1-9][0-9]{0,14})"
_UNIT = r"[1-9][0-9]{0,11}(?:m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi|s|h|kB|MB|GB)"
_LINE = re.compile(
    rf"( *)(- +)?(?:({_KEY}):(?: +(?=[^ #])|(?= |$)))?"
    rf"(?:({_WORDS})|({_NUMBER})|({_UNIT})"
    r'|"([^"\\\t]*)"'
    r"|'([^'\t]*)'"
    r'|\[([A-Za-z0-9_./@+," -]*)\]'
    r'|\{([A-Za-z0-9_./@+,:" -]*)\})?'
    r"(?: +(?:#.*)?)?"
)
_BLANK = re.compile(r" *(?:#.*)?")
_START = re.compile(r"---(?: +(?:#.*)?)?")
_SCALAR = rf'({_WORD})|({_NUMBER})|({_UNIT})|"([A-Za-z0-9_./@+ -]*)"'
_ITEM = re.compile(rf" *(?:{_SCALAR}) *")
_PAIR = re.compile(rf" *({_KEY}): +(?:{_SCALAR}) *")
_STRANGE = re.compile("[^\t\n -~]")
_CONSTANTS = {"true": True, "false": False, "null": None}
_READ_DIFFERENTLY = frozenset((*_CONSTANTS, "yes", "no", "on", "off", "y", "n"))
_REMEMBERED = 4096
_MAX_BLOCKS = 40

Line = tuple[int, int, str | None, Any]
"""A line: columns of its dash (-1: none) and of what comes after it, its key, its value."""

EMPTY = object()
"""What a document without a value gives."""

_NOTHING = object()
_SKIPPED: Line = (-1, -1, None, None)


class NotPlainError(Exception):
    """The text has something that is not of the plain part."""


class PlainReader:
    """Reads documents, and remembers lines that come again."""

    def __init__(self) -> None:
        self._lines: dict[str, Line] = {}

    def read(self, text: str) -> Any:
        """Return the value of one document, given from its `---`, if it has one, to its end.

        It is EMPTY if there are only comments. Raises NotPlainError.
        """
        if (_STRANGE if text.isascii() else _strange_in_any_language()).search(text):
            raise NotPlainError
        lines = text.split("\n")
        known = self._lines
        found = []
        for line in lines[1:] if _START.fullmatch(lines[0]) else lines:
            parts = known.get(line)
            if parts is None:
                parts = _parts(line)
                if len(known) < _REMEMBERED and type(parts[3]) not in (list, dict):
                    known[line] = parts
            if parts is not _SKIPPED:
                found.append(parts)
        return _built(found)


def _built(lines: list[Line]) -> Any:  # noqa: C901 - the innermost loop
    """Put lines together: each belongs to the innermost block that starts in its column."""
    if not lines:
        return EMPTY
    if lines[0][0] > 0 or (lines[0][0] < 0 and lines[0][1]):
        raise NotPlainError
    whole: dict[str, Any] = {}  # holds the document
    at = -1  # the column of the innermost block
    block: Any = whole
    around: list[tuple[int, Any]] = []
    awaited: str | None = ""  # the key of the line before, if its value is still to come
    awaited_at = -1
    for dash, column, key, value in lines:
        kind: type = dict if dash < 0 else list
        start = column if dash < 0 else dash
        if awaited is not None and (start > awaited_at or (kind is list and start == awaited_at)):
            around.append((at, block))
            inner = kind()
            block[awaited] = inner
            at, block = start, inner
        else:
            while at > start or (at == start and block.__class__ is not kind):
                at, block = around.pop()
            if at != start:
                raise NotPlainError
        awaited = None
        if dash >= 0:
            if key is None:
                block.append(value)
                continue
            around.append((at, block))
            inner = {}
            block.append(inner)
            at, block = column, inner
        if key is None or key in block or len(around) > _MAX_BLOCKS:
            raise NotPlainError
        if value is _NOTHING:
            awaited, awaited_at = key, column
            block[key] = None
        else:
            block[key] = value
    return whole[""]


@cache
def _strange_in_any_language() -> re.Pattern[str]:
    """Return what is no letter of any language: controls, odd spaces and line breaks, marks."""
    return re.compile("[\x00-\x08\x0b-\x1f\x7f-\xa0\u2000-\u202f\ud800-\U0010ffff]")


def _parts(line: str) -> Line:
    match = _LINE.fullmatch(line)
    if match is None:
        if _BLANK.fullmatch(line):
            return _SKIPPED
        raise NotPlainError
    indent, dash, key = match.group(1, 2, 3)
    last = match.lastindex or 0
    if last >= _FIRST_VALUE:
        value = _VALUES[last - _FIRST_VALUE](match[last])
    elif key is not None:
        value = _NOTHING
    elif dash is not None:
        raise NotPlainError
    else:
        return _SKIPPED
    if key is not None and key.lower() in _READ_DIFFERENTLY:
        raise NotPlainError
    if dash is None:
        return -1, len(indent), key, value
    return len(indent), len(indent) + len(dash), key, value


def _word(text: str) -> Any:
    if text.lower() not in _READ_DIFFERENTLY:
        return text
    if text not in _CONSTANTS:
        raise NotPlainError
    return _CONSTANTS[text]


def _list(text: str) -> list[Any]:
    return [_item(one) for one in text.split(",")] if text.strip(" ") else []


def _item(text: str) -> Any:
    match = _ITEM.fullmatch(text)
    if match is None:
        raise NotPlainError
    return _VALUES[(match.lastindex or 0) - 1](match[match.lastindex or 0])


def _mapping(text: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if not text.strip(" "):
        return found
    for pair in text.split(","):
        match = _PAIR.fullmatch(pair)
        if match is None or match[1] in found or match[1].lower() in _READ_DIFFERENTLY:
            raise NotPlainError
        last = match.lastindex or 0
        found[match[1]] = _VALUES[last - 2](match[last])
    return found


_FIRST_VALUE = 4
_VALUES: tuple[Callable[[str], Any], ...] = (_word, int, str, str, str, _list, _mapping)
"""How the groups of a line's value are read, in the order of the groups."""
