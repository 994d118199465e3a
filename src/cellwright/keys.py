"""The keys that name a cell by themselves: session cookies and routable tokens.

They are read as routers read them: cookies as HAProxy's `req.cook` does, tokens as
images/router/router.lua does. Refuses to know whether there is such a cell.
"""

import base64
import binascii
import re
import zlib
from collections.abc import Iterable, Iterator

_CELL_COOKIE = re.compile(r"cell-([1-9][0-9]*)-")
_TOKEN = re.compile(r"((.*)\.01\.([0-9a-z]{2}))([0-9a-z]{7})", re.ASCII | re.DOTALL)
_CELL_LINE = re.compile(rb"c:([1-9a-z][0-9a-z]{0,11})")
_SIXTY_FOUR = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_LONGEST_TOKEN = 512
_RANDOM_BYTES = 16


def cell_of_cookie(lines: Iterable[str], name: str) -> str | None:
    """Return the id of the cell with which the cookie's value begins; the last such cookie counts.

    `lines` are the values of all `Cookie` headers.
    """
    values = [value for line in lines for key, value in _cookies(line, len(name)) if key == name]
    found = _CELL_COOKIE.match(values[-1]) if values else None
    return found[1] if found else None


def cell_of_token(header: str) -> str | None:
    """Return the id of the cell in the last word of a header, if that is a routable token.

    GitLab's version 1 (their design document "Routable Tokens"): a prefix and a payload, `.01.`,
    the payload's length, the CRC-32 of all before. The payload is base64url of 16 random bytes,
    lines such as `c:<cell in base 36>`, and their length in one byte.
    """
    token = header.rpartition(" ")[2]
    match = _TOKEN.fullmatch(token)
    if not match or len(token) > _LONGEST_TOKEN or not token.isascii():
        return None
    signed, body, length, crc = match.groups()
    size = int(length, 36)
    if int(crc, 36) != zlib.crc32(signed.encode()) or not 0 < size <= len(body):
        return None
    payload = _decoded(body[-size:])
    if len(payload) <= _RANDOM_BYTES or payload[-1] != len(payload) - _RANDOM_BYTES - 1:
        return None
    for line in payload[_RANDOM_BYTES:-1].split(b"\n"):
        if found := _CELL_LINE.fullmatch(line):
            return str(int(found[1], 36))
    return None


def _decoded(text: str) -> bytes:
    if not _SIXTY_FOUR.fullmatch(text):
        return b""
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        return b""


def _cookies(line: str, shortest: int) -> Iterator[tuple[str, str]]:
    """Yield names and values as HAProxy finds them: also between commas, and in quotes.

    It does not look where no name of length `shortest`, sign and value can be.
    """
    at = 0
    while at + shortest + 1 < len(line):
        end = at
        while end < len(line) and line[end] not in "=;,":
            end += 1
        name, after = line[at:end].strip(" \t"), end
        if line[end : end + 1] == "=":
            while line[end + 1 : end + 2] in (" ", "\t"):
                end += 1
            after = _end_of_value(line, end + 1)
            if not name.startswith("$"):
                yield name, line[end + 1 : after].rstrip(" \t")
        at = after + 1


def _end_of_value(line: str, at: int) -> int:
    quoted = escaped = False
    while at < len(line):
        sign = line[at]
        if escaped:
            escaped = False
        elif quoted:
            escaped, quoted = sign == "\\", sign != '"'
        elif sign in ";,":
            break
        else:
            quoted = sign == '"'
        at += 1
    return at
