"""Lines `key value` sorted by key, in files: found and merged without reading all.

HAProxy loads a map that is sorted in a quarter of the time, and then takes changes in the same
order in half of it: what is used together lies together in its memory. Refuses to know where the
files are and what the lines mean.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from mmap import mmap
from typing import NamedTuple

PIECE = 4_000_000
"""About as many bytes are sorted at a time."""

FEW = 32
"""Up to as many keys are searched for one by one; for more of them all lines are read."""


class Part(NamedTuple):
    """Sorted lines from `start` to `end` of a text."""

    text: bytes | mmap
    start: int
    end: int


def key_of(line: bytes) -> bytes:
    """Return the key of a line."""
    return line[: line.index(b" ")]


def lines_of(text: bytes) -> dict[bytes, bytes]:
    """Return the values by key."""
    words = text.split()
    return dict(zip(words[::2], words[1::2], strict=True))


def position(part: Part, key: bytes) -> int:
    """Return where the first line begins whose key is not before `key`; or the part's end."""
    text, start, end = part
    while start < end:
        line = text.rfind(b"\n", start, (start + end) // 2) + 1 or start
        stop = text.find(b"\n", line)
        if key_of(text[line:stop]) < key:
            start = stop + 1
        else:
            end = line
    return start


def holding(part: Part, keys: set[bytes]) -> dict[bytes, bytes]:
    """Return the values of those of the keys that the part has."""
    text = part.text
    if len(keys) > FEW:
        lines = lines_of(text[part.start : part.end])
        return {key: lines[key] for key in keys & lines.keys()}
    found = {}
    for key in keys:
        at = position(part, key)
        value = at + len(key) + 1
        if at < part.end and text[at:value] == key + b" ":
            found[key] = text[value : text.find(b"\n", value)]
    return found


def merged(parts: Sequence[Part]) -> Iterator[list[bytes]]:
    """Yield the lines of all parts, sorted, in pieces; of the same key the lower part's first.

    Lines of one key are in one piece.
    """
    longest = max(parts, key=lambda part: part.end - part.start)
    count = sum(part.end - part.start for part in parts) // PIECE + 1
    size = longest.end - longest.start
    marks = [longest.start + size * number // count for number in range(1, count)]
    bounds = [[part.start for part in parts]]
    for mark in marks:
        line = longest.text.rfind(b"\n", longest.start, mark) + 1 or longest.start
        key = key_of(longest.text[line : longest.text.find(b"\n", line)])
        bounds.append([position(part, key) for part in parts])
    bounds.append([part.end for part in parts])
    for begins, ends in pairwise(bounds):
        where = zip(parts, begins, ends, strict=True)
        lines = b"".join([part.text[begin:end] for part, begin, end in where]).split(b"\n")[:-1]
        lines.sort(key=key_of)
        yield lines
