"""A text of a Secret as a template writes it: with holes inside, for secrets and for words.

What fills them can't end the text, since it was read before; that it means nothing else to whoever
reads the text later (a list of users, a URL) is made sure as in configuration texts. Refuses to
know where the text stands.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from cellwright.problem import Place
from cellwright.secret_text import SecretText, composed, is_made_of
from cellwright.template_values import HARMLESS


class UnfitError(Exception):
    """A value that must not stand inside of text; `place` is the template's line."""

    def __init__(self, place: Place, message: str) -> None:
        """Take where the value was written, and what is wrong with it."""
        super().__init__(message)
        self.place = place


class HoledText(NamedTuple):
    """Pieces of text, and the number and place of the hole behind each but the last."""

    pieces: tuple[str, ...]
    holes: tuple[tuple[int, Place], ...]

    def filled(self, values: Sequence[Any]) -> str | SecretText:
        """Return the text with values in its holes, by their numbers; raises UnfitError."""
        parts: list[str | SecretText] = [self.pieces[0]]
        for (number, place), piece in zip(self.holes, self.pieces[1:], strict=True):
            parts += (_word(values[number], place), piece)
        if all(isinstance(part, str) for part in parts):
            return "".join(map(str, parts))
        return composed(parts)


def _is_word(value: Any) -> bool:
    is_simple = isinstance(value, str | int) and not isinstance(value, bool)
    return is_simple and HARMLESS.match(str(value)) is not None


def _word(value: Any, place: Place) -> str | SecretText:
    if isinstance(value, SecretText):
        if is_made_of(value, HARMLESS):
            return value
    elif _is_word(value):
        return str(value)
    raise UnfitError(
        place,
        "beside other text, an expression may give secrets, and words of letters, digits and "
        "._:/@-; make the whole value with an expression, as in "
        '{{ "app:" ~ secret("app") ~ "@db" }}',
    )
