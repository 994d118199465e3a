"""What all readers of definitions are strict about alike."""

MAX_DEPTH = 50
"""How deep a value may be nested."""
CONFLICT = "a merge conflict that is not resolved"
CONFLICT_HINT = "keep what is right of both sides"
CONFLICT_MARK = r"(?:<{7}|={7}|>{7})"
"""How a line of a conflict begins, as a regular expression."""
