"""What the expressions of templates give, as the exact types that JSON has.

Refuses what JSON can't hold, but for text with secrets, which is told by its own type.
"""

import math
import re
from collections.abc import Iterator
from typing import Any

from jinja2 import Undefined

from cellwright.secret_expression import SecretExpression

HARMLESS = re.compile(r"[A-Za-z0-9._:/@-]+\Z")
"""What may stand in text of any format, as it is."""
_MAX_DEPTH = 50


class HarmfulError(Exception):
    """A value that must not stand where the template puts it."""


def plain(value: Any, depth: int = 0) -> Any:
    """Return a value as exact JSON types. Raises HarmfulError for what JSON can't hold."""
    kind = value.__class__
    if kind is str:
        if not value.isascii():
            _refuse_surrogates(value)
        return value
    if kind is int or kind is bool or value is None:
        return value
    if depth > _MAX_DEPTH:
        raise HarmfulError(f"a value nested more than {_MAX_DEPTH} deep")
    if kind is dict:
        made = {}
        for key, one in value.items():
            known = key if key.__class__ is str and key.isascii() else _key(key)
            is_short = one.__class__ is str and one.isascii()
            made[known] = one if is_short else plain(one, depth + 1)
        return made
    if kind is list or kind is tuple:
        return [plain(one, depth + 1) for one in value]
    return _rarely_plain(value)


def _rarely_plain(value: Any) -> Any:
    if isinstance(value, SecretExpression):
        return value.text
    if isinstance(value, Undefined):
        str(value)  # raises, naming what is missing
    if isinstance(value, str):  # of another class, such as the result of `tojson`
        return plain(str.__str__(value))
    if isinstance(value, float):
        if not math.isfinite(value):
            raise HarmfulError(f"{value} is not a number that JSON can hold")
        return float(value)
    noun = type(value).__name__
    hint = "; add `| list`" if isinstance(value, Iterator) else ""
    raise HarmfulError(f"a value of type {noun} has no place in a manifest{hint}")


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise HarmfulError(f"{key!r} is not a string, as a key must be")
    return str(plain(key))


def _refuse_surrogates(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise HarmfulError(f"{text!r} holds half of a surrogate pair") from None
