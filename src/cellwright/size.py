"""The size of a fleet without mistakes, as the first line of what is kept of its plan.

A check of what has not changed reads nothing else. Refuses damaged lines.
"""

import hashlib

Size = tuple[int, int, int]
"""How many cells and organizations there are, and how many of these have no home yet."""

_HEAD = "cellwright outcome 2"
MAX_BYTES = 200


def first_line(size: Size | None) -> bytes:
    """Return the line for a fleet of this size; None stands for definitions with mistakes."""
    said = "mistakes" if size is None else " ".join(map(str, size))
    return f"{_HEAD} {said} {hashlib.sha256(said.encode()).hexdigest()}\n".encode()


def size_in(line: bytes) -> Size | None:
    """Return the size that `first_line` made this line of; None for any other line."""
    try:
        cells, organizations, homeless = map(int, line.split()[3:-1])
    except ValueError:
        return None
    size = cells, organizations, homeless
    return size if line == first_line(size) else None
