"""Text that holds secrets before they are known: what stands around them, and references.

A reference is a value of a type of its own, never characters in a text: so nothing that a
definition holds can be taken for one. Refuses to know the secrets themselves.
"""

import base64
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import quote

from jinja2.utils import htmlsafe_json_dumps

DERIVED = "[A-Za-z0-9_-]{43}"
"""What derived secrets look like: unpadded URL-safe base64 of 32 bytes."""
PEM_NAME = re.compile(
    r"fleet/ca\.crt|cell/(?P<cell>[a-z0-9-]+)/(?P<part>router|app)-ca\.(?P<kind>crt|key)"
)
"""The names of secrets that are certificates and keys in PEM (RFC 7468) instead."""
_PEM = r"-----BEGIN [A-Z ]+-----\n(?:[A-Za-z0-9+/=]{1,64}\n)+-----END [A-Z ]+-----"
ALL_VALID = "*"
"""Ends the name of a secret that stands for all values that are valid, the one in use first, a line
each: more than one while secrets are rotated.
"""
_LINE_END = "\n"
_SEVERAL = re.compile(r".*\*|fleet/directory-key|fleet/ca\.crt")
"""The names of secrets that may be several."""
OTHER_TEXT = "…"
"""What is shown in the place of the text around secrets, which may be secret itself."""


class Reference(NamedTuple):
    """A secret, by its name: `cell/alpha/postgres-app`, or with `ALL_VALID` behind it."""

    name: str


class Encoded(NamedTuple):
    """Text that is encoded (`ENCODINGS`) once its secrets are known."""

    encoding: str
    text: "SecretText"


Part = str | Reference | Encoded


@dataclass(frozen=True, slots=True, repr=False)
class SecretText:
    """Text with at least one secret in it; parts that are plain text never stand side by side."""

    parts: tuple[Part, ...]

    def __repr__(self) -> str:
        """Return what may be shown: names of secrets, and where other text is."""
        return "".join(_shown(part) for part in self.parts)


def composed(parts: Iterable[Part | SecretText]) -> SecretText:
    """Return one text of several pieces, of which at least one holds a secret."""
    flat: list[Part] = []
    for piece in parts:
        for part in piece.parts if isinstance(piece, SecretText) else (piece,):
            if isinstance(part, str) and flat and isinstance(last := flat[-1], str):
                flat[-1] = last + part
            elif part != "":
                flat.append(part)
    return SecretText(tuple(flat))


def resolved(text: SecretText, secret_of: Callable[[str], str]) -> str:
    """Return the text with its secrets in it; `secret_of` gives a secret by its name."""
    pieces = []
    for part in text.parts:
        if isinstance(part, Reference):
            pieces.append(secret_of(part.name))
        elif isinstance(part, Encoded):
            pieces.append(ENCODINGS[part.encoding](resolved(part.text, secret_of)))
        else:
            pieces.append(part)
    return "".join(pieces)


def could_be(text: SecretText, held: str) -> bool:
    """Return whether `held` is this text with some derived secrets in it."""
    return re.fullmatch(_pattern(text, str), held, re.DOTALL) is not None


def names(text: SecretText) -> list[str]:
    """Return the names of the secrets in a text, in order, each once."""
    found: dict[str, None] = {}
    for part in text.parts:
        if isinstance(part, Reference):
            found[part.name] = None
        elif isinstance(part, Encoded):
            found |= dict.fromkeys(names(part.text))
    return list(found)


def is_pem(name: str) -> bool:
    """Return whether a secret is a certificate or a key in PEM, without the last line's end."""
    return PEM_NAME.fullmatch(name) is not None


def is_made_of(text: SecretText, words: re.Pattern[str]) -> bool:
    """Return whether what stands around secrets matches `words`, and is not encoded later."""
    return all(
        isinstance(part, Reference) or (isinstance(part, str) and words.match(part))
        for part in text.parts
    )


def base64_content(value: Any) -> SecretText | None:
    """Return the text that a value is the base64 form of, or None if it is not."""
    if isinstance(value, SecretText) and len(value.parts) == 1:
        part = value.parts[0]
        if isinstance(part, Encoded) and part.encoding == "b64encode":
            return part.text
    return None


def by_reference(value: Any) -> Any:
    """Return secret text as JSON that tells its references; for `json.dumps(…, default=)`."""
    if isinstance(value, SecretText):
        return {"cellwright.dev/secret": value.parts}
    raise TypeError(f"a value of type {type(value).__name__} is not JSON")


def url_encoded(text: str) -> str:
    """Return text with all but letters, digits and `_ . - ~` percent-encoded (RFC 3986)."""
    return quote(text, safe="")


def base64_encoded(text: str) -> str:
    """Return the base64 form of text, as the `data` of a Secret holds it (RFC 4648)."""
    return base64.b64encode(text.encode()).decode()


def json_escaped(text: str) -> str:
    """Return text as it stands between the quotes of a JSON string that `tojson` writes."""
    return str(htmlsafe_json_dumps(text))[1:-1]


ENCODINGS: Mapping[str, Callable[[str], str]] = {
    "urlencode": url_encoded,
    "b64encode": base64_encoded,
    "tojson": json_escaped,
}
"""By the name of the filter that asks for it."""


def _shown(part: Part) -> str:
    if isinstance(part, Reference):
        only = part.name.removesuffix(ALL_VALID)
        return f"(secret {only})" if only == part.name else f"(valid secrets {only})"
    if isinstance(part, Encoded):
        return f"({part.text} | {part.encoding})"
    return OTHER_TEXT


def _pattern(text: SecretText, encode: Callable[[str], str]) -> str:
    """Return the regular expression of what a text can be once `encode` was applied to it.

    The form of derived secrets is the same in URLs and JSON; in base64 it can't be told, nor that
    of PEM in any.
    """
    return "".join(_pattern_of_part(part, encode) for part in text.parts)


def _pattern_of_part(part: Part, encode: Callable[[str], str]) -> str:
    if isinstance(part, Reference):
        if is_pem(part.name) and encode is not str:
            return ".+"
        one = _PEM if is_pem(part.name) else DERIVED
        more = f"(?:{re.escape(encode(_LINE_END))}{one})*"
        return one + more if _SEVERAL.fullmatch(part.name) else one
    if isinstance(part, str):
        return re.escape(encode(part))
    if part.encoding == "b64encode":
        return ".+"
    inner = ENCODINGS[part.encoding]
    return _pattern(part.text, lambda plain: encode(inner(plain)))
