"""Bytes derived from the root secret, under a name for each use.

Source: HKDF with SHA-256, RFC 5869. Refuses to know what they are for.
"""

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def derive_bytes(root: bytes, info: str, length: int) -> bytes:
    """Return so many bytes that are derived from the root secret under the name `info`."""
    return HKDF(SHA256(), length=length, salt=b"cellwright/v1", info=info.encode()).derive(root)
