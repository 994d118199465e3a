"""The key by which a fleet signs its directory: Ed25519 (RFC 8032), derived from the root secret.

Routers have its public half alone. Refuses to know what is signed.
"""

import base64

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cellwright.derivation import derive_bytes

DIRECTORY_KEY = "fleet/directory-key"
"""The name of the public key among the secrets, as which templates get it."""


def signing_key(root: bytes) -> Ed25519PrivateKey:
    """Return the private key. No template can name its info, which would begin with `fleet/`."""
    return Ed25519PrivateKey.from_private_bytes(derive_bytes(root, "directory/signing-key", 32))


def public_key(root: bytes) -> str:
    """Return the public key as 43 characters of URL-safe base64."""
    raw = signing_key(root).public_key().public_bytes_raw()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
