"""What templates hold in the place of text with secrets, and what they may do with it.

It can be put into other text and encoded. Whatever else is tried, a template would see or change
what is not known yet, and an error says so: what is allowed is listed here, not what is refused.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from string import Formatter
from typing import Any, NoReturn

from jinja2 import Undefined
from jinja2.utils import htmlsafe_json_dumps

from cellwright.secret_text import (
    ALL_VALID,
    Encoded,
    Reference,
    SecretText,
    composed,
    is_pem,
    names,
)

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,98}[A-Za-z0-9])?\Z")
_DIRECTIVE = re.compile(
    r"%(?:\((?P<key>[^)]*)\))?(?P<form>[#0 +-]*(?:\*|\d+)?(?:\.(?:\*|\d+)?)?[a-zA-Z%])"
)
_MAY_BE_SECRET = re.compile("[A-Za-z0-9_-]")
_ALLOWED = (
    "it can only be put into text (~ + % format join replace) and encoded "
    "(urlencode b64encode tojson)"
)


class SecretReadError(Exception):
    """A template asked for more of a secret than may be done before it is known."""


class SecretExpression:
    """Text with secrets as templates hold it. All that is not allowed raises SecretReadError."""

    __slots__ = ("text",)

    def __init__(self, text: SecretText) -> None:
        """Take the text; the environment of `template` gives no attribute of it away."""
        self.text = text

    def __add__(self, other: object) -> "str | SecretExpression":
        """Return the text with more text behind it."""
        return concatenated(self, _as_text(self, other))

    def __radd__(self, other: object) -> "str | SecretExpression":
        """Return the text with more text in front of it."""
        return concatenated(_as_text(self, other), self)

    def __getattr__(self, name: str) -> NoReturn:
        """Refuse methods of texts; Python itself asks for names that begin with `_`."""
        if name.startswith("_"):
            raise AttributeError(name)
        self.refuse()

    def refuse(self, *_: object) -> NoReturn:
        """Raise SecretReadError, which says what is allowed."""
        message = f"{_called(self)} is not known yet when templates are rendered"
        raise SecretReadError(f"{message}: {_ALLOWED}")

    __str__: Any = refuse
    __repr__: Any = refuse
    __format__: Any = refuse
    __hash__: Any = refuse
    __bool__ = __len__ = __iter__ = __getitem__ = __contains__ = __reversed__ = refuse
    __eq__: Any = refuse
    __ne__: Any = refuse
    __lt__ = __le__ = __gt__ = __ge__ = refuse
    __int__ = __float__ = __index__ = __round__ = __trunc__ = __floor__ = __ceil__ = refuse
    __abs__ = __neg__ = __pos__ = __mod__ = __mul__ = __rmul__ = __call__ = refuse


def secret_named(function: str, owner: str, name: Any) -> SecretExpression:
    """Return the secret `name` of an owner (`cell/alpha`), for which a template calls `function`.

    Raises SecretReadError for what is no name.
    """
    if isinstance(name, Undefined):
        str(name)  # raises, naming what is missing
    if not isinstance(name, str):
        shown = "a secret" if isinstance(name, SecretExpression) else f"{name!r:.80}"
        raise SecretReadError(f"{function}() takes the name of a secret as text, not {shown}")
    if not _NAME.match(name):
        raise SecretReadError(
            f"{name!r:.120} is not a name for {function}(): expected letters, digits and . _ / - "
            "between them, at most 100"
        )
    return SecretExpression(SecretText((Reference(f"{owner}/{name}"),)))


def valid_secrets_named(owner: str, name: Any) -> SecretExpression:
    """Return all values of the secret `name` that are valid. Raises SecretReadError."""
    (reference,) = secret_named("valid_secrets", owner, name).text.parts
    assert isinstance(reference, Reference)  # noqa: S101 - for the types
    return SecretExpression(SecretText((Reference(reference.name + ALL_VALID),)))


def concatenated(*pieces: Any) -> str | SecretExpression:
    """Return the text of values one after the other."""
    parts = [piece.text if isinstance(piece, SecretExpression) else str(piece) for piece in pieces]
    texts = [part for part in parts if isinstance(part, str)]
    return SecretExpression(composed(parts)) if len(texts) < len(parts) else "".join(texts)


def joined(separator: Any, items: Iterable[Any]) -> str | SecretExpression:
    """Return the text of values with a separator between them."""
    pieces: list[Any] = []
    for item in items:
        pieces += (separator, item) if pieces else (item,)
    return concatenated(*pieces)


def modulo(template: Any, values: Any) -> str | SecretExpression:
    """Return `template % values`, where a secret stands for `%s` or `%(key)s` alone."""
    if not isinstance(template, str):
        raise TypeError(f"unsupported operand for %: {type(template).__name__}")
    listed = iter(values if isinstance(values, tuple) else (values,))
    pieces: list[Any] = []
    end = 0
    for match in _DIRECTIVE.finditer(template):
        pieces.append(template[end : match.start()])
        end = match.end()
        pieces.append(_directive(match, listed, values))
    pieces.append(template[end:])
    if "%" in "".join(pieces[::2]):
        raise ValueError("an incomplete or unknown format")
    if not isinstance(values, Mapping) and next(listed, None) is not None:
        raise TypeError("not all arguments converted during string formatting")
    return concatenated(*pieces)


def formatted(
    template: str, values: tuple[Any, ...], named: Mapping[str, Any]
) -> str | SecretExpression:
    """Return `template.format(…)` for values given by number or name, a secret for `{}` alone."""
    pieces: list[Any] = []
    number = 0
    formatter = Formatter()
    for plain, field, form, conversion in formatter.parse(template):
        pieces.append(plain)
        if field is None:
            continue
        key = field or str(number)
        number += not field
        if not (key.isdecimal() or key.isidentifier()):
            raise SecretReadError(f"beside a secret, {{{key}}} must be a number or a name")
        value = values[int(key)] if key.isdecimal() else named[key]
        if not isinstance(value, SecretExpression):
            value = format(formatter.convert_field(value, conversion), form or "")
        elif form or conversion not in (None, "s"):
            raise SecretReadError(_no_format(value, f"{{:{form}}}", "{}"))
        pieces.append(value)
    return concatenated(*pieces)


def replaced(text: Any, old: Any, new: Any, count: int) -> str | SecretExpression:
    """Return text with `old` replaced, never within a secret.

    In text that holds a secret, `old` must be such that no secret could have a part of it.
    """
    before = str(old)
    if not isinstance(text, SecretExpression):
        pieces = str(text).split(before, count) if before else None
        if pieces is None:
            raise ValueError("replace needs text that is to be replaced")
        return joined(new, pieces)
    is_apart = before and not (_MAY_BE_SECRET.match(before[0]) or _MAY_BE_SECRET.match(before[-1]))
    is_apart = is_apart and not any(is_pem(name) for name in names(text.text))
    if count >= 0 or not is_apart or any(isinstance(part, Encoded) for part in text.text.parts):
        raise SecretReadError(
            f"{before!r:.80} could be a part of {_called(text)}: replace before the "
            "secret is put in, or text that begins and ends with other characters than letters, "
            "digits, _ and -, such as '{name}'"
        )
    parts: list[Any] = []
    for part in text.text.parts:
        if isinstance(part, str):
            for index, piece in enumerate(part.split(before)):
                parts += (new, piece) if index else (piece,)
        else:
            parts.append(SecretExpression(SecretText((part,))))
    return concatenated(*parts)


def trimmed(expression: SecretExpression) -> SecretExpression:
    """Return text without white space at its ends, of which no secret has any."""
    parts = list(expression.text.parts)
    if isinstance(first := parts[0], str):
        parts[0] = first.lstrip()
    if isinstance(last := parts[-1], str):
        parts[-1] = last.rstrip()
    return SecretExpression(composed(parts))


def encoded(encoding: str, expression: SecretExpression) -> SecretExpression:
    """Return text that is encoded once its secrets are known."""
    return SecretExpression(SecretText((Encoded(encoding, expression.text),)))


def as_json(value: Any, indent: int | None) -> Any:
    """Return a value as JSON, as Jinja2's `tojson` does, with secrets in it as they will be."""
    found: list[SecretExpression] = []

    def dumped(mark: str) -> str:
        found.clear()

        def default(inner: Any) -> str:
            if not isinstance(inner, SecretExpression):
                raise TypeError(f"a value of type {type(inner).__name__} is not JSON")
            found.append(inner)
            return f"{mark}{len(found)}" if mark else ""

        return htmlsafe_json_dumps(
            value, dumps=json.dumps, default=default, sort_keys=True, indent=indent
        )

    text = dumped("")
    if not found:
        return text
    # A mark that is nowhere in the text finds the places of the secrets in it.
    mark = "secret"
    while mark in text:
        mark += "t"
    pieces: list[Any] = re.split(f'(?<="){mark}([0-9]+)(?=")', dumped(mark))
    pieces[1::2] = [encoded("tojson", found[int(number) - 1]) for number in pieces[1::2]]
    return concatenated(*pieces)


def _called(expression: SecretExpression) -> str:
    """Return the secrets of an expression as templates call them: the same for every cell."""
    calls = []
    for name in names(expression.text):
        owner, _, rest = name.partition("/")
        of_cell = rest.partition("/")[2]
        if name.endswith(ALL_VALID):
            calls.append(f'valid_secrets("{of_cell.removesuffix(ALL_VALID)}")')
        else:
            calls.append(f'fleet_secret("{rest}")' if owner == "fleet" else f'secret("{of_cell}")')
    return " and ".join(calls)


def _as_text(secret: SecretExpression, other: object) -> object:
    if isinstance(other, str | SecretExpression):
        return other
    noun = type(other).__name__
    raise SecretReadError(f"{_called(secret)} + a value of type {noun}: + takes text, ~ any value")


def _directive(match: re.Match[str], listed: Iterator[Any], values: Any) -> Any:
    """Return what a directive of `%` stands for."""
    key, form = match["key"], match["form"]
    if form == "%":
        return "%"
    if key is not None:
        if not isinstance(values, Mapping):
            raise TypeError("format requires a mapping")
        value = values[key]
    elif "*" in form:
        raise SecretReadError("beside a secret, widths must be written out, not *")
    else:
        try:
            value = next(listed)
        except StopIteration:
            raise TypeError("not enough arguments for format string") from None
    if not isinstance(value, SecretExpression):
        return f"%{form}" % (value,)
    if form != "s":
        raise SecretReadError(_no_format(value, f"%{form}", "%s"))
    return value


def _no_format(value: SecretExpression, form: str, plain: str) -> str:
    return f"{_called(value)} can't be formatted by {form}: write {plain}"
