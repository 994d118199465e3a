"""Objects as YAML text, the same bytes for the same object, in one plain style.

Block style, two spaces, keys in the object's own order; a string stands in double quotes (as
JSON) unless every YAML reader takes it for the same string without them. A node may hold holes,
whose text depends on their value alone and on where they stand: so the text around them is made
once for many objects. Refuses aliases, tags and anything else that is not JSON.
"""

import json
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from cellwright.node import Hole, Node
from cellwright.redact import secret_name
from cellwright.secret_text import SecretText

_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9_./@+-]*(:[A-Za-z0-9_./@+-]+)*\Z")
_RESERVED = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null"))
_ESCAPED = re.compile("[\x7f-\xa0\u2028\u2029\ufeff\ufffe\uffff]")
_LINES = re.compile("[^\x00-\x08\x0b-\x1f\x7f-\xa0\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]+\\Z")
_CACHED = 200  # characters; longer strings are rarely said twice


class Slot(NamedTuple):
    """Where a value's text is put into an object's text, and what it needs to fit there."""

    number: int
    indent: int
    dash: bool
    is_secret: bool


def to_yaml(node: Node) -> str:
    """Return the text of a whole object, ended by a line break. It must have no holes."""
    return "".join(str(piece) for piece in _pieces(node, 0, dash=True))[1:]


def layout(node: Node) -> tuple[str | Slot, ...]:
    """Return the text of an object with holes: what is always the same, and slots."""
    found: list[str | Slot] = []
    for piece in _pieces(node, 0, dash=True):
        if found and isinstance(piece, str) and isinstance(last := found[-1], str):
            found[-1] = last + piece
        else:
            found.append(piece)
    first = found[0]
    found[0] = first[1:] if isinstance(first, str) else first
    return tuple(found)


def slot_text(slot: Slot, value: Any) -> str:
    """Return what stands in a slot for a value that has no holes."""
    if slot.is_secret:
        value = secret_name(value)
    if _is_short(value):
        return _short(value)
    if value.__class__ is dict and value and all(map(_is_short, value.values())):
        pad = " " * slot.indent
        lines = [f"{pad}{_key(key)}:{_short(one)}" for key, one in value.items()]
        return " " + "".join(lines)[slot.indent :] if slot.dash else "\n" + "".join(lines)
    return "".join(str(piece) for piece in _pieces(value, slot.indent, dash=slot.dash))


def _pieces(node: Node, indent: int, *, dash: bool) -> Iterator[str | Slot]:
    """Yield what follows a key's colon or (with `dash`) a list's dash, to the end of the line."""
    if isinstance(node, Hole):
        yield Slot(node.number, indent, dash, node.is_secret)
    elif isinstance(node, dict) and node:
        pad = " " * indent
        yield " " if dash else "\n" + pad
        for number, (key, value) in enumerate(node.items()):
            yield f"{pad if number else ''}{_string(key)}:"
            yield from _pieces(value, indent + 2, dash=False)
    elif isinstance(node, list) and node:
        pad = " " * indent
        yield " " if dash else "\n" + pad
        for number, value in enumerate(node):
            yield f"{pad if number else ''}-"
            yield from _pieces(value, indent + 2, dash=True)
    else:
        yield f" {_scalar(node, indent)}\n"


def _scalar(value: Any, indent: int) -> str:
    if isinstance(value, str):
        if indent and "\n" in value and _is_literal(value):
            pad = "\n" + " " * indent
            text = pad + value[:-1].replace("\n", pad)
            # Twice: what is found does not overlap, as empty lines beside each other do.
            return "|" + text.replace(pad + "\n", "\n\n").replace(pad + "\n", "\n\n")
        return _string(value)
    if isinstance(value, SecretText):
        return _string(repr(value))
    if isinstance(value, float):
        text = json.dumps(value, allow_nan=False)
        mantissa, e, exponent = text.partition("e")
        return f"{mantissa if '.' in mantissa else mantissa + '.0'}{e}{exponent}"
    return json.dumps(value)


def _is_literal(value: str) -> bool:
    """Return whether a literal block can hold a value so that every reader gives it back.

    That is so for printable lines without spaces at their end, of which the first and the last
    are not empty and the first is not indented.
    """
    if value[0] in " \t\n" or value[-1] != "\n" or value[-2:] == "\n\n":
        return False
    if " \n" in value or "\t\n" in value:
        return False
    printable = value.isascii() and value.replace("\n", "").isprintable()
    return printable or bool(_LINES.match(value))


def _string(value: str) -> str:
    if _PLAIN.match(value) and value.lower() not in _RESERVED:
        return value
    text = json.dumps(value, ensure_ascii=False)
    return _ESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _is_short(value: Any) -> bool:
    return value.__class__ is str and len(value) <= _CACHED and "\n" not in value


@lru_cache(maxsize=1024)
def _key(value: str) -> str:
    return _string(value)


@lru_cache(maxsize=65536)
def _short(value: str) -> str:
    return f" {_string(value)}\n"


def fill(pieces: Sequence[str | Slot], values: Sequence[Any]) -> str:
    """Return the text of an object with holes for their values."""
    return "".join(
        [one if isinstance(one, str) else slot_text(one, values[one.number]) for one in pieces]
    )
