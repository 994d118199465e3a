"""Forms of text that JSON Schema has no words for, and what was likely meant by a wrong one.

Both validators ask the same functions. Refuses to know in which field a text stands.
"""

import re
from collections.abc import Callable, Iterator

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9]+")
_QUANTITY = re.compile(r"([0-9.]+)([kmgtp])(i?)b?")
_DURATION = re.compile(r"([0-9]+)([smh])(?:ecs?|econds?|ins?|inutes?|rs?|ours?)")
_URL = re.compile(r"(?:[a-z]+://)?([^/:?#]+?)\.?(?::[0-9]+)?(?:/.*)?", re.IGNORECASE)


def is_network(text: str) -> bool:
    """Return whether text is a network in CIDR notation, without bits of a host."""
    from ipaddress import ip_network  # noqa: PLC0415 - few fleets name networks

    try:
        return str(ip_network(text)) == text
    except ValueError:
        return False


FORMATS: dict[str, Callable[[str], bool]] = {"cidr": is_network}
"""The values of `format` in the schemas, and what decides on each."""


def repairs(text: str) -> Iterator[str]:
    """Yield what may have been meant by a text, the likeliest first."""
    yield text.strip()
    if text.isascii() and text[:1].isalpha():
        name = _NOT_IN_NAMES.sub("-", text).strip("-")
        yield name
        yield name.lower()
    tight = "".join(text.split())
    yield tight
    lower = tight.lower()
    yield lower
    yield lower.partition("://")[2]
    if duration := _DURATION.fullmatch(lower):
        yield duration[1] + duration[2]
    if quantity := _QUANTITY.fullmatch(lower):
        number, sign, binary = quantity.groups()
        large = sign.upper() if binary or sign != "k" else sign
        yield number + large + binary
        yield f"{number}{large}B"
    if url := _URL.fullmatch(lower):
        yield url[1]
    yield from _networks(tight)


def _networks(text: str) -> Iterator[str]:
    from ipaddress import ip_network  # noqa: PLC0415 - few fleets name networks

    try:
        yield str(ip_network(text, strict=False))
    except ValueError:
        return
