"""Keeping secrets out of everything that is shown: errors, progress, warnings.

The provider sees every secret input before it can appear in an answer of the API server or in a
pod's log, so it remembers them (in memory only) and replaces them in every text that leaves it.
"""

from .properties import Properties, secret_texts

SHORTEST = 6
"""Shorter values are not replaced: they would blot out ordinary words."""


class Redactor:
    """Replaces the secrets that it was shown."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def remember(self, properties: Properties) -> None:
        """Note every secret of these properties."""
        self._known.update(text for text in secret_texts(properties) if len(text) >= SHORTEST)

    def redact(self, text: str) -> str:
        """The text without any known secret, longest first, so that no part of one is left."""
        for secret in sorted(self._known, key=len, reverse=True):
            text = text.replace(secret, "[secret]")
        return text
