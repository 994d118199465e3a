"""Secrets derived from one root secret, so that only one has to be kept.

Some names stand for certificates and keys of the fleet's authorities (`authority`). Refuses to
store or print anything.
"""

import base64
import binascii
from collections.abc import Callable
from typing import Any

from cellwright.authority import pem
from cellwright.derivation import derive_bytes
from cellwright.directory_key import DIRECTORY_KEY, public_key
from cellwright.secret_text import ALL_VALID, SecretText, is_pem, resolved

ROOT_SECRET = "rootSecret"  # noqa: S105 - the name of the setting, not a secret
CELL_SECRET = "cellSecret"  # noqa: S105 - as above
ROOT_BYTES = 32


def decode_root(text: str) -> bytes:
    """Return the root secret from its base64 form.

    Raises ValueError, without the text in its message, for anything but 32 encoded bytes.
    """
    try:
        root = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        root = b""
    if len(root) != ROOT_BYTES:
        raise ValueError(f"expected {ROOT_BYTES} bytes in base64")
    return root


def derive(root: bytes, info: str) -> str:
    """Return the secret called `info`: 32 bytes as 43 characters of URL-safe base64."""
    return base64.urlsafe_b64encode(derive_bytes(root, info, 32)).decode().rstrip("=")


def derived_from(root: bytes) -> Callable[[str], str]:
    """Return what gives a secret by its name where all follow from one secret, the only valid."""

    def value(name: str) -> str:
        only = name.removesuffix(ALL_VALID)
        if only == DIRECTORY_KEY:
            return public_key(root)
        return (pem if is_pem(only) else derive)(root, only)

    return value


def resolve(value: Any, secret_of: Callable[[str], str]) -> Any:
    """Return `value` with every text that holds secrets as the text that it stands for."""
    if isinstance(value, SecretText):
        return resolved(value, secret_of)
    if isinstance(value, dict):
        return {key: resolve(one, secret_of) for key, one in value.items()}
    if isinstance(value, list):
        return [resolve(one, secret_of) for one in value]
    return value
