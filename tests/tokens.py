"""Routable tokens as GitLab makes them (lib/authn/token_field/generator/routable_token.rb)."""

import base64
import zlib

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def in_36(number: int) -> str:
    """Return a number in base 36, as Ruby's `Integer#to_s(36)`."""
    head, last = divmod(number, 36)
    return (in_36(head) if head else "") + _DIGITS[last]


def token(routing: str, prefix: str = "glpat-", noise: bytes = b"0123456789abcdef") -> str:
    """Return the token with routing lines such as `c:1` and `o:rs`."""
    payload = noise + routing.encode() + bytes([len(routing)])
    body = base64.urlsafe_b64encode(payload).decode().rstrip("=")
    signed = f"{prefix}{body}.01.{in_36(len(body)).rjust(2, '0')}"
    return signed + in_36(zlib.crc32(signed.encode())).rjust(7, "0")
