"""Secrets from mounted files: an environment is inherited, shown and dumped too easily.

A file holds one line. Refuses what is too short to be a secret, and to say what it has read.
"""

import re
from pathlib import Path

_SECRET = re.compile(rb"[!-~]{16,}")


class SecretFileError(Exception):
    """A file is missing or holds no secret; the text names it and says what was expected."""


def read_secret(path: str) -> str:
    """Return the secret in a file. Raises SecretFileError."""
    try:
        line = Path(path).read_bytes().removesuffix(b"\n")
    except OSError as error:
        raise SecretFileError(f"{path} cannot be read: {error.strerror}") from None
    if not _SECRET.fullmatch(line):
        raise SecretFileError(f"{path} must hold one line of at least 16 ASCII letters and signs")
    return line.decode()
