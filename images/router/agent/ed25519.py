"""Signatures by Ed25519 (RFC 8032), judged by OpenSSL's libcrypto, which Python loads anyway.

Python's standard library has none. A process of `openssl` for each signature would take the time of
fifty. Refuses to sign.
"""

import base64
import binascii
import ctypes
from functools import cache
from typing import Any

_ED25519 = 1087
"""NID_ED25519 of OpenSSL's obj_mac.h."""
_KEY_BYTES = 32
_SIGNATURE_BYTES = 64


class PublicKey:
    """Judges what was signed with the private key that belongs to it."""

    def __init__(self, text: str) -> None:
        """Take it as 43 characters of URL-safe base64. Raises ValueError."""
        try:
            self._raw = base64.b64decode(f"{text}=", altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            self._raw = b""
        if len(self._raw) != _KEY_BYTES:
            raise ValueError("not a public key: expected 43 characters of URL-safe base64")

    def verifies(self, signature: bytes, text: bytes) -> bool:
        """Tell whether this key has signed the text."""
        if len(signature) != _SIGNATURE_BYTES:
            return False
        crypto = _libcrypto()
        key = crypto.EVP_PKEY_new_raw_public_key(_ED25519, None, self._raw, _KEY_BYTES)
        context = crypto.EVP_MD_CTX_new()
        try:
            if not key or not context:
                raise MemoryError("libcrypto has no memory")
            if crypto.EVP_DigestVerifyInit(context, None, None, None, key) != 1:
                return False
            said = crypto.EVP_DigestVerify(context, signature, len(signature), text, len(text))
            return bool(said == 1)
        finally:
            crypto.EVP_MD_CTX_free(context)
            crypto.EVP_PKEY_free(key)


@cache
def _libcrypto() -> Any:
    """Return OpenSSL's functions with their types, by which nothing is cut off."""
    found = ctypes.CDLL("libcrypto.so.3")
    pointer, size, text = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p
    for name, result, arguments in (
        ("EVP_PKEY_new_raw_public_key", pointer, (ctypes.c_int, pointer, text, size)),
        ("EVP_PKEY_free", None, (pointer,)),
        ("EVP_MD_CTX_new", pointer, ()),
        ("EVP_MD_CTX_free", None, (pointer,)),
        ("EVP_DigestVerifyInit", ctypes.c_int, (pointer,) * 5),
        ("EVP_DigestVerify", ctypes.c_int, (pointer, text, size, text, size)),
    ):
        function = getattr(found, name)
        function.restype, function.argtypes = result, arguments
    return found
