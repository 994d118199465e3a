"""What a plain YAML scalar means, if all readers agree on it.

Refuses text that readers of YAML 1.1 and 1.2, and the popular libraries between them, take for
different things, and numbers that not all of them keep exactly.

Sources: YAML 1.2.2, chapter 10.3 (core schema); YAML 1.1's type repository (bool, int, float,
merge, null, timestamp, value); RFC 8259, chapter 6 (numbers that software agrees on).
"""

import re

LARGEST = 2**53 - 1
"""The largest whole number that every reader of YAML and JSON keeps exactly."""

_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z")
_FLOAT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\.[0-9]+\Z")
_CONSTANTS = {"true": True, "false": False, "null": None, "": None}
_TRUTHS = {"yes", "on", "y", "true"}
_LIES = {"no", "off", "n", "false"}
_SURPRISES = (
    (r"~|null", "nothing", "null"),
    (r"[-+]?0[0-9_]+", "a number in base 8", "decimal digits"),
    (r"[-+]?0o[0-7]*", "a number in base 8", "decimal digits"),
    (r"[-+]?0x[0-9a-f_]*", "a number in base 16", "decimal digits"),
    (r"[-+]?0b[01_]*", "a number in base 2", "decimal digits"),
    (r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?", "a number in base 60", ""),
    (r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt\s].*)?", "a date", ""),
    (r"[-+]?\.(?:inf|nan)", "infinite or no number", ""),
    (r"[-+]?[0-9][0-9_]*", "a number with separators", "digits alone"),
    (
        r"[-+]?(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9_]+)(?:e[-+]?[0-9]+)?",
        "a decimal number",
        "digits on both sides of a point, without exponent",
    ),
    (r"=", "a default value", ""),
)
_SURPRISE = [(re.compile(form, re.IGNORECASE), what, how) for form, what, how in _SURPRISES]


class AmbiguousError(Exception):
    """Readers disagree; `hint` says how to write what was meant."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


def plain(text: str) -> bool | int | float | str | None:
    """Return what a scalar without quotes means.

    Raises AmbiguousError where readers disagree.
    """
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INT.match(text):
        return whole(text)
    if _FLOAT.match(text):
        return fraction(text)
    lower = text.lower()
    if lower in _TRUTHS or lower in _LIES:
        read = "true" if lower in _TRUTHS else "false"
        raise _disagreement(text, read, read)
    for form, what, how in _SURPRISE:
        if form.fullmatch(text):
            raise _disagreement(text, what, how)
    return text


def whole(text: str) -> int:
    """Return the number that decimal digits are; raises AmbiguousError for too large ones."""
    digits = text.lstrip("+-")
    if len(digits) > len(str(LARGEST)) or int(digits) > LARGEST:
        message = f"{_short(text)} is beyond ±{LARGEST}, which not every reader keeps exactly"
        raise AmbiguousError(message, "write it in quotes if it is text")
    return int(text)


def fraction(text: str) -> float:
    """Return a decimal number; raises AmbiguousError for one that is whole, or infinite."""
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise AmbiguousError(
            f"{_short(text)} is larger than any reader keeps", "write a smaller number"
        )
    if number.is_integer():
        message = f"{text} is a whole number for some readers and a decimal one for others"
        short = str(int(number)) if abs(number) <= LARGEST else "digits alone"
        raise AmbiguousError(message, f'write {short}, or "{text}" in quotes if it is text')
    return number


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:39]}…"


def _disagreement(text: str, read: str, how: str) -> AmbiguousError:
    message = f"{text} is {read} for some readers of YAML and text for others"
    hint = f'write "{text}" in quotes if it is text'
    return AmbiguousError(message, f"{hint}, or else {how}" if how else hint)
