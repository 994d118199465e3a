"""One line of JSON to its value, the place of each part of it, and all that is wrong.

Slow, and needed only for what `cellwright.json_plain` refuses and for places. Refuses to know
what a definition is.

Source: RFC 8259, and RFC 7493 (I-JSON) for what not all readers of JSON do alike: keys that
stand twice, numbers beyond 2^53, halves of surrogate pairs.
"""

import re
from json import JSONDecodeError, JSONDecoder
from typing import Any

from cellwright.json_plain import SPACE
from cellwright.problem import Path, dotted
from cellwright.scalars import AmbiguousError, fraction, whole
from cellwright.spots import Fault, Spots
from cellwright.strict import CONFLICT, CONFLICT_HINT, CONFLICT_MARK, MAX_DEPTH

_SPACE = re.compile(f"[{SPACE}]*")
_NUMBER = re.compile(r"(-?(?:0|[1-9][0-9]*))(\.[0-9]+)?([eE][-+]?[0-9]+)?(?![0-9A-Za-z_.])")
_WORD = re.compile(r"[-+]?[A-Za-z0-9_.$]+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_CONSTANTS = {"true": True, "false": False, "null": None}
_MEANT = {"True": "true", "False": "false", "None": "null", "undefined": "null"}
_CONFLICT = re.compile(CONFLICT_MARK)
_WHOLE_OBJECT = "each line holds one whole object"
_decode_text = JSONDecoder().raw_decode


def read(line: str) -> tuple[Any, Spots, list[Fault]]:
    """Return the value of one line, where everything stands in it, and what is wrong."""
    if _CONFLICT.match(line):
        return None, Spots(), [Fault(1, 1, "", "CW002", CONFLICT, CONFLICT_HINT)]
    reader = _Reader(line.rstrip("\r\n"))
    try:
        value = reader.whole()
    except _Refused as error:
        fault = Fault(1, error.index + 1, error.path, error.code, error.message, error.hint)
        return None, reader.spots, [*reader.faults, fault]
    return value, reader.spots, reader.faults


def ends_early(faults: list[Fault]) -> bool:
    """Return whether a line ended inside of an object, which may go on in the next one."""
    return any(fault.hint == _WHOLE_OBJECT for fault in faults)


class _Refused(Exception):  # noqa: N818 - never leaves this module
    def __init__(self, index: int, message: str, hint: str = "", code: str = "CW002") -> None:
        super().__init__(message)
        self.index, self.message, self.hint, self.code = index, message, hint, code
        self.path = ""


class _Reader:
    def __init__(self, line: str) -> None:
        self.line = line
        self.spots = Spots()
        self.faults: list[Fault] = []

    def whole(self) -> Any:
        value, end = self.value(self.skip(0), ())
        end = self.skip(end)
        if end != len(self.line):
            raise _Refused(end, "text after the end of the object", "a line holds one object")
        return value

    def skip(self, index: int) -> int:
        match = _SPACE.match(self.line, index)
        return match.end() if match else index

    def value(self, index: int, path: Path) -> tuple[Any, int]:
        if len(path) > MAX_DEPTH:
            raise _Refused(index, f"nested more than {MAX_DEPTH} deep", code="CW007")
        self.spots.values[path] = (1, index + 1)
        sign = self.line[index : index + 1]
        if sign == "{":
            return self._object(index, path)
        if sign == "[":
            return self._array(index, path)
        if sign == '"':
            return self._string(index, path)
        match = _NUMBER.match(self.line, index)
        if match:
            return self._number(match, path), match.end()
        word = _WORD.match(self.line, index)
        if word and word[0] in _CONSTANTS:
            return _CONSTANTS[word[0]], word.end()
        raise self._no_value(index, word[0] if word else sign)

    @staticmethod
    def _no_value(index: int, found: str) -> _Refused:
        if not found:
            return _Refused(index, "the line ends where a value is expected", _WHOLE_OBJECT)
        if found in _MEANT:
            return _Refused(index, f"{found} is not JSON", f"write {_MEANT[found]}")
        hint = "text stands in double quotes"
        if found in ("#", "/"):
            hint = "JSON has no comments"
        if re.match(r"[-+]?[0-9.]", found):
            hint = "numbers are decimal, without leading zeros or plus"
        if re.fullmatch(r"[-+]?(?:NaN|Infinity)", found):
            hint = "JSON has no such number"
        return _Refused(index, f"{_named(found)} is not JSON", hint)

    def _object(self, index: int, path: Path) -> tuple[dict[str, Any], int]:
        found: dict[str, Any] = {}
        opened, index = index, self.skip(index + 1)
        if self.line[index : index + 1] == "}":
            return found, index + 1
        while True:
            at = index
            if self.line[index : index + 1] != '"':
                raise self._no_key(index)
            key, index = self._string(index, path)
            here = (*path, key)
            if key in found:
                first = self.spots.keys[here][1]
                message = f"the key {key!r} stands twice"
                hint = f"keep one of them, the first is in column {first}"
                self._wrong(at, path, "CW003", message, hint)
            else:
                self.spots.keys[here] = (1, at + 1)
            index = self.skip(index)
            if self.line[index : index + 1] != ":":
                raise _Refused(index, f"no colon after the key {key!r}")
            found[key], index = self.value(self.skip(index + 1), here)
            index, ended = self._next(index, opened, "}")
            if ended:
                return found, index

    def _no_key(self, index: int) -> _Refused:
        sign = self.line[index : index + 1]
        if sign == "}":
            return _Refused(index, "a comma before the end", "take the last comma out")
        if not sign:
            return _Refused(index, "the line ends inside of an object", _WHOLE_OBJECT)
        word = _WORD.match(self.line, index)
        found = word[0] if word else _named(sign)
        return _Refused(index, f"{found} where a key is expected", "keys stand in double quotes")

    def _array(self, index: int, path: Path) -> tuple[list[Any], int]:
        found: list[Any] = []
        opened, index = index, self.skip(index + 1)
        if self.line[index : index + 1] == "]":
            return found, index + 1
        while True:
            if found and self.line[index : index + 1] == "]":
                raise _Refused(index, "a comma before the end", "take the last comma out")
            item, index = self.value(index, (*path, len(found)))
            found.append(item)
            index, ended = self._next(index, opened, "]")
            if ended:
                return found, index

    def _next(self, index: int, opened: int, close: str) -> tuple[int, bool]:
        index = self.skip(index)
        sign = self.line[index : index + 1]
        if sign == close:
            return index + 1, True
        if sign == ",":
            return self.skip(index + 1), False
        if not sign:
            raise _Refused(index, "the line ends inside of an object", _WHOLE_OBJECT)
        hint = f"what opens in column {opened + 1} is not closed"
        raise _Refused(index, f"a comma or {close} is missing", hint)

    def _string(self, index: int, path: Path) -> tuple[str, int]:
        try:
            text, end = _decode_text(self.line, index)
        except JSONDecodeError as error:
            if error.msg.startswith("Unterminated"):
                raise _Refused(index, "the quote is never closed") from None
            if "control character" in error.msg:
                shown = f"U+{ord(self.line[error.pos]):04X}"
                hint = f"write \\u{ord(self.line[error.pos]):04x}"
                raise _Refused(error.pos, f"the control character {shown}", hint) from None
            hint = "double every backslash"
            raise _Refused(error.pos, "the escape is not one of JSON's", hint) from None
        if _SURROGATE.search(text):
            self._wrong(index, path, "CW002", "half of a surrogate pair, which is no character")
        return text, end

    def _number(self, match: re.Match[str], path: Path) -> int | float:
        try:
            if match[2] or match[3]:
                return fraction(match[0])
            return whole(match[1])
        except AmbiguousError as error:
            self._wrong(match.start(), path, "CW004", error.message, error.hint)
            return 0

    def _wrong(self, index: int, path: Path, code: str, message: str, hint: str = "") -> None:
        self.faults.append(Fault(1, index + 1, dotted(path), code, message, hint))


def _named(text: str) -> str:
    return text if text.isprintable() else f"the character U+{ord(text[0]):04X}"
