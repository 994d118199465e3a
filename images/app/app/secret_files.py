"""Secrets from mounted files: an environment is inherited, shown and dumped too easily.

A file holds one line, or two while a secret is rotated: both are valid, the first is tried first.
Refuses what is too short to be a secret, and to say what it has read.
"""

import re
from pathlib import Path

_SECRETS = re.compile(rb"[!-~]{16,}(\n[!-~]{16,})*")


class SecretFileError(Exception):
    """A file is missing or holds no secret; the text names it and says what was expected."""


def read_secrets(path: str) -> tuple[str, ...]:
    """Return the secrets in a file, one at least. Raises SecretFileError."""
    try:
        text = Path(path).read_bytes().removesuffix(b"\n")
    except OSError as error:
        raise SecretFileError(f"{path} cannot be read: {error.strerror}") from None
    if not _SECRETS.fullmatch(text):
        raise SecretFileError(f"{path} must hold lines of at least 16 ASCII letters and signs each")
    return tuple(text.decode().splitlines())
