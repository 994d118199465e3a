"""The one exception of the local environment.

Its text is what the user reads: a sentence that says what happened and what was expected.
Programming errors are not wrapped in it.
"""


class Failed(Exception):  # noqa: N818 - reads as what happened: the step failed
    """A step cannot go on."""


class WrongChecksum(Failed):
    """A download is not what its publisher says: never a reason to try another way."""
