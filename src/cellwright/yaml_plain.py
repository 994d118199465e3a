"""Reads the plain part of YAML quickly: what cannot mean two things, line by line.

Plain are block mappings and lists whose lines hold a word, a whole number, a quantity or quoted
text without escapes; flat `[a, b]` and `{a: 1}`; comments. Everything else is refused without a
judgement: `cellwright.strict` reads it then, slowly and with the place of every value. What
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
        builder = _Builder()
        for line in lines[1:] if _START.fullmatch(lines[0]) else lines:
            parts = known.get(line)
            if parts is None:
                parts = _parts(line)
                if len(known) < _REMEMBERED and type(parts[3]) not in (list, dict):
                    known[line] = parts
            if parts is not _SKIPPED:
                builder.add(*parts)
        return builder.finish()


class _Builder:
    """Puts lines together: each one belongs to the innermost block that starts in its column."""

    def __init__(self) -> None:
        self._blocks: list[tuple[int, Any]] = []
        self._key: str | None = None  # the key of the line before, if its value is still to come
        self._column = -1

    def add(self, dash: int, column: int, key: str | None, value: Any) -> None:
        """Take one line."""
        if dash >= 0:
            items = self._block(dash, list)
            if key is None:
                items.append(value)
                return
            mapping: dict[str, Any] = {}
            items.append(mapping)
            self._open(column, mapping)
        elif key is None:
            raise NotPlainError
        else:
            mapping = self._block(column, dict)
            if key in mapping:
                raise NotPlainError
        self._column = column
        if value is _NOTHING:
            self._key, mapping[key] = key, None
        else:
            self._key, mapping[key] = None, value

    def finish(self) -> Any:
        """Return what all lines make together."""
        return self._blocks[0][1] if self._blocks else EMPTY

    def _open(self, column: int, block: Any) -> None:
        if len(self._blocks) > _MAX_BLOCKS:
            raise NotPlainError
        self._blocks.append((column, block))

    def _block(self, column: int, kind: type) -> Any:
        """Return the block of that kind in that column: open, or the value that is awaited."""
        blocks = self._blocks
        if self._key is not None:
            if column > self._column or (kind is list and column == self._column):
                block = kind()
                blocks[-1][1][self._key] = block
                self._open(column, block)
                self._key = None
                return block
            self._key = None
        elif not blocks:
            if column:
                raise NotPlainError
            block = kind()
            blocks.append((0, block))
            return block
        while blocks:
            at, block = blocks[-1]
            if at == column and type(block) is kind:
                return block
            if at < column:
                break
            blocks.pop()
        raise NotPlainError


@cache
def _strange_in_any_language() -> re.Pattern[str]:
    """Return what is no letter of any language: controls, odd spaces and line breaks, marks."""
    return re.compile("[^\t\n -~\xa1-\u1fff\u2030-\ud7ff]")


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
