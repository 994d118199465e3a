"""How templates put secrets into text: Jinja2's own ways, and what they do with secrets.

Each first does what it does without secrets; only where that would read one is the text composed.
Refuses to give any filter more than `secret_expression` allows.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from jinja2 import Environment, nodes, pass_environment
from jinja2.compiler import CodeGenerator as JinjaCodeGenerator
from jinja2.compiler import Frame, optimizeconst
from jinja2.filters import do_format, make_attrgetter

from cellwright.secret_expression import (
    SecretExpression,
    SecretReadError,
    as_json,
    concatenated,
    encoded,
    formatted,
    joined,
    modulo,
    replaced,
    trimmed,
)
from cellwright.secret_text import base64_encoded, url_encoded


class CodeGenerator(JinjaCodeGenerator):
    """Compiles `~` to a call of the environment's `concatenated`."""

    @optimizeconst
    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802 - Jinja2's name
        """Write the call."""
        self.write("environment.concatenated((")
        for operand in node.nodes:
            self.visit(operand, frame)
            self.write(", ")
        self.write("))")


def concatenated_values(values: tuple[Any, ...]) -> Any:
    """Return what `~` gives for its operands."""
    try:
        return "".join(map(str, values))
    except SecretReadError:
        return concatenated(*values)


def modulo_values(left: Any, right: Any) -> Any:
    """Return what `%` gives for its operands."""
    try:
        return left % right
    except SecretReadError:
        if isinstance(left, SecretExpression):
            raise
        return modulo(left, right)


def taking_secrets(text: str, name: str, method: Any) -> Any:
    """Return the method `name` of a text, as one that takes secrets where that can be."""
    if name == "join":
        return lambda items: _joined(text, list(items))
    if name == "replace":
        return lambda old, new, count=-1: _replace(text, old, new, count)
    return _formatting(text, method) if name == "format" else method


def _formatting(text: str, method: Callable[..., Any]) -> Callable[..., Any]:
    def takes_secrets(*values: Any, **named: Any) -> Any:
        try:
            return method(*values, **named)
        except SecretReadError:
            return formatted(text, values, named)

    return takes_secrets


@pass_environment
def _join(
    environment: Environment,
    items: Iterable[Any],
    d: Any = "",
    attribute: str | int | None = None,
) -> Any:
    attribute_of = None if attribute is None else make_attrgetter(environment, attribute)
    return _joined(d, list(items if attribute_of is None else map(attribute_of, items)))


def _joined(separator: Any, items: list[Any]) -> Any:
    try:
        return str(separator).join(map(str, items))
    except SecretReadError:
        return joined(separator, items)


def _replace(s: Any, old: Any, new: Any, count: int | None = None) -> Any:
    times = -1 if count is None else count
    try:
        return str(s).replace(str(old), str(new), times)
    except SecretReadError:
        return replaced(s, old, new, times)


def _format(value: Any, *args: Any, **kwargs: Any) -> Any:
    try:
        return do_format(value, *args, **kwargs)
    except SecretReadError:
        return modulo(value if isinstance(value, str) else str(value), kwargs or args)


def _trim(value: Any, chars: str | None = None) -> Any:
    if isinstance(value, SecretExpression) and chars is None:
        return trimmed(value)
    return str(value).strip(chars)


def _string(value: Any) -> Any:
    return value if isinstance(value, str | SecretExpression) else str(value)


def _tojson(value: Any, indent: int | None = None) -> Any:
    return as_json(value, indent)


def _urlencode(value: Any) -> Any:
    if isinstance(value, SecretExpression):
        return encoded("urlencode", value)
    return url_encoded(_plain_text("urlencode", value))


def _b64encode(value: Any) -> Any:
    if isinstance(value, SecretExpression):
        return encoded("b64encode", value)
    return base64_encoded(_plain_text("b64encode", value))


def _plain_text(name: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        str(value)  # raises for what is missing
        raise TypeError(f"{name} takes text, not a value of type {type(value).__name__}")
    return str(value)


SECRET_FILTERS: Mapping[str, Callable[..., Any]] = {
    "b64encode": _b64encode,
    "format": _format,
    "join": _join,
    "replace": _replace,
    "string": _string,
    "tojson": _tojson,
    "trim": _trim,
    "urlencode": _urlencode,
}
"""The filters that text with secrets may go through, by name."""
