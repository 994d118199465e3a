"""How many cells and organizations a fleet without mistakes has: the first line of a kept outcome.

A check of what has not changed reads nothing else. Refuses damaged lines.
"""

import hashlib

Counts = tuple[int, int, int]
"""How many cells and organizations there are, and how many of these have no home yet."""

_HEAD = "cellwright outcome 2"
LONGEST_LINE = 200


def first_line(counts: Counts | None) -> bytes:
    """Return the line for a fleet with these counts; None stands for definitions with mistakes."""
    said = "mistakes" if counts is None else " ".join(map(str, counts))
    return f"{_HEAD} {said} {hashlib.sha256(said.encode()).hexdigest()}\n".encode()


def counts_in(line: bytes) -> Counts | None:
    """Return the counts that `first_line` made this line of; None for any other line."""
    try:
        cells, organizations, homeless = map(int, line.split()[3:-1])
    except ValueError:
        return None
    counts = cells, organizations, homeless
    return counts if line == first_line(counts) else None
