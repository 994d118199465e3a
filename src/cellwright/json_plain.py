"""Reads one line of JSON quickly, if no reader could see it differently.

Everything else is refused without a judgement: `cellwright.json_precise` reads it then. What
both read, they read alike (a property in the tests).
"""

from json import JSONDecoder
from typing import Any

from cellwright.strict import MAX_DEPTH

SPACE = " \t\n\r"
"""What may stand between the parts of JSON."""

_MOST_DIGITS = 15  # numbers of so many digits are below 2^53


class NotPlainError(Exception):
    """The line has something that only the precise reader judges."""


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotPlainError
    return found


def _whole(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise NotPlainError
    return int(digits)


def _refused(text: str) -> Any:
    raise NotPlainError(text)


_decode = JSONDecoder(
    object_pairs_hook=_pairs, parse_int=_whole, parse_float=_refused, parse_constant=_refused
).raw_decode


def read(line: str) -> Any:
    """Return the value of one line, which may end with spaces.

    Raises NotPlainError for everything that is not beyond doubt.
    """
    if "\\u" in line or line.count("[") + line.count("{") > MAX_DEPTH:
        raise NotPlainError
    try:
        value, end = _decode(line)
    except ValueError:
        raise NotPlainError from None
    if line[end:].strip(SPACE):
        raise NotPlainError
    return value
