"""Secrets derived from one root secret, so that only one has to be kept.

Some names stand for certificates and keys of the fleet's authorities (`authority`). Refuses to
store or print anything.
"""

import base64
import binascii
from typing import Any

from cellwright.authority import pem
from cellwright.derivation import derive_bytes
from cellwright.secret_text import SecretText, is_pem, resolved

ROOT_SECRET = "rootSecret"  # noqa: S105 - the name of the setting, not a secret
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


def resolve(value: Any, root: bytes) -> Any:
    """Return `value` with every text that holds secrets as the text that it stands for."""
    if isinstance(value, SecretText):
        return resolved(value, lambda name: (pem if is_pem(name) else derive)(root, name))
    if isinstance(value, dict):
        return {key: resolve(one, root) for key, one in value.items()}
    if isinstance(value, list):
        return [resolve(one, root) for one in value]
    return value
