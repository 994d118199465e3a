"""Lines `key value` sorted by key, in files: found, merged and changed without reading all.

HAProxy loads a map that is sorted in a quarter of the time, and then takes changes in the same
order in half of it: what is used together lies together in its memory. Refuses to know where the
files are and what the lines mean.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from mmap import mmap
from typing import NamedTuple

PIECE = 4_000_000
"""About as many bytes are sorted at a time."""


class Part(NamedTuple):
    """Sorted lines from `start` to `end` of a text."""

    text: bytes | mmap
    start: int
    end: int


def in_order(section: bytes) -> bytes:
    """Return the lines sorted: no character of a key is before the blank that ends it."""
    return b"\n".join(sorted(section.split(b"\n")[:-1])) + section[-1:]


def position(part: Part, key: bytes) -> int:
    """Return where the first line begins whose key is not before `key`; or the part's end."""
    text, start, end = part
    while start < end:
        line = text.rfind(b"\n", start, (start + end) // 2) + 1 or start
        stop = text.find(b"\n", line)
        if _key(text[line:stop]) < key:
            start = stop + 1
        else:
            end = line
    return start


def merged(parts: Sequence[Part]) -> Iterator[bytes]:
    """Yield the lines of all parts, sorted, in pieces; of the same key the lower part's first."""
    longest = max(parts, key=lambda part: part.end - part.start)
    count = sum(part.end - part.start for part in parts) // PIECE + 1
    size = longest.end - longest.start
    marks = [longest.start + size * number // count for number in range(1, count)]
    bounds = [[part.start for part in parts]]
    for mark in marks:
        line = longest.text.rfind(b"\n", longest.start, mark) + 1 or longest.start
        key = _key(longest.text[line : longest.text.find(b"\n", line)])
        bounds.append([position(part, key) for part in parts])
    bounds.append([part.end for part in parts])
    for begins, ends in pairwise(bounds):
        where = zip(parts, begins, ends, strict=True)
        text = b"".join([part.text[begin:end] for part, begin, end in where])
        lines = text.split(b"\n")[:-1]
        lines.sort(key=_key)
        yield b"\n".join(lines) + text[-1:]


def changed(part: Part, change: Mapping[bytes, bytes | None]) -> Iterator[bytes]:
    """Yield the part with other values for the keys of `change`; None takes a key out."""
    at = part.start
    for key in sorted(change):
        here = position(Part(part.text, at, part.end), key)
        yield part.text[at:here]
        value = change[key]
        if value is not None:
            yield b"%s %s\n" % (key, value)
        begin = b"%s " % key
        while here < part.end and part.text[here : here + len(begin)] == begin:
            here = part.text.find(b"\n", here) + 1
        at = here
    yield part.text[at : part.end]


def _key(line: bytes) -> bytes:
    return line[: line.index(b" ")]
