"""Text from users' data made harmless: it can't act on a terminal, nor look like what it is not.

Control characters and those that turn the direction of writing are shown as escapes; a tab
stays.
"""

from itertools import chain

_DECEIVING = tuple(
    chain(range(0x7F, 0xA0), (0x200E, 0x200F), range(0x2028, 0x202F), range(0x2066, 0x206A))
)
_ESCAPES = {
    code: repr(chr(code))[1:-1] for code in chain(range(0x09), range(0x0A, 0x20), _DECEIVING)
}
_ESCAPES_IN_JSON = {code: f"\\u{code:04x}" for code in _DECEIVING}


def harmless(text: str) -> str:
    """Return one line of text with everything harmful as escapes."""
    return text.translate(_ESCAPES)


def harmless_json(text: str) -> str:
    """Return JSON with everything harmful as the escapes that JSON has for it."""
    return text.translate(_ESCAPES_IN_JSON)
