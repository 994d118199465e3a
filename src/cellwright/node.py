"""Objects as JSON holds them, with holes where a template puts in values, and text with secrets."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from cellwright.secret_text import SecretText


class Hole(NamedTuple):
    """Where a value belongs in an object: the value's number among those of one rendering.

    What fills a hole that `is_secret` is not shown.
    """

    number: int
    is_secret: bool = False


Node = None | bool | int | float | str | list["Node"] | dict[str, "Node"] | SecretText | Hole


class Recipe(NamedTuple):
    """How to fill an object with holes: `fixed` is copied, `parts` are put into the copy."""

    fixed: Any
    parts: tuple[tuple[Any, "int | Recipe"], ...]


def recipe(node: Node) -> "int | Recipe | None":
    """Return how to fill `node`, or None if it has no holes."""
    if isinstance(node, Hole):
        return node.number
    if isinstance(node, dict):
        items: Any = node.items()
    elif isinstance(node, list):
        items = enumerate(node)
    else:
        return None
    parts = [(key, inner) for key, value in items if (inner := recipe(value)) is not None]
    return Recipe(node, tuple(parts)) if parts else None


def fill(how: "int | Recipe", values: Sequence[Any]) -> Any:
    """Return the object with the values in its holes.

    What has no holes is shared between all objects that are made from one recipe: nobody may
    change it.
    """
    if isinstance(how, int):
        return values[how]
    made = how.fixed.copy()
    for key, inner in how.parts:
        made[key] = values[inner] if inner.__class__ is int else fill(inner, values)
    return made
