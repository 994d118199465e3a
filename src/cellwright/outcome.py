"""What a plan comes to, as far as it is shown: problems, counts and the text of each manifest.

It can be kept as bytes from one run to the next. Refuses to hold more than may be shown: there
are no secrets in it.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cellwright.counts import Counts, first_line
from cellwright.problem import Place, Problem, mistakes


@dataclass(frozen=True, slots=True)
class Outcome:
    """A plan's problems, the counts of its fleet (None without one), and its manifests' texts.

    `stream` is all manifests as one YAML stream. `index` is a JSON array with the path of each
    manifest's own file, and where in the stream it begins and ends.
    """

    problems: tuple[Problem, ...]
    counts: Counts | None
    index: bytes
    stream: bytes | memoryview

    def files(self) -> dict[str, str]:
        """Return the text of each manifest by the path of its file, in order of application."""
        listed: Any = json.loads(self.index)
        return {path: str(self.stream[start:end], "utf-8") for path, start, end in listed}


def outcome(
    problems: tuple[Problem, ...], counts: Counts | None, files: Mapping[str, str]
) -> Outcome:
    """Return an outcome from its parts; `files` are the manifests' texts by path."""
    parts: list[str] = []
    index = []
    at = 0
    for path, text in files.items():
        head = f"---\n# {path}\n"
        start = at + _size(head)
        at = start + _size(text)
        parts += (head, text)
        index.append((path, start, at))
    encoded = json.dumps(index, separators=(",", ":")).encode()
    return Outcome(problems, counts, encoded, "".join(parts).encode())


def _size(text: str) -> int:
    """Return how many bytes a text takes."""
    return len(text) if text.isascii() else len(text.encode())


def encode(one: Outcome) -> bytes:
    """Return an outcome as bytes."""
    header = json.dumps([one.problems, one.counts]).encode()
    body = b"\n".join((header, one.index, one.stream))
    return b"".join((_first_line(one), hashlib.sha256(body).hexdigest().encode(), b"\n", body))


def decode(data: bytes) -> Outcome | None:
    """Return the outcome that `encode` made these bytes of, or None if they are not whole."""
    first = data[: data.find(b"\n") + 1]
    start = len(first) + 65  # a SHA-256 in hexadecimal, and a line break
    view = memoryview(data)
    digest = f"{hashlib.sha256(view[start:]).hexdigest()}\n".encode()
    if view[len(first) : start] != digest:
        return None
    header_end = data.index(b"\n", start)
    index_end = data.index(b"\n", header_end + 1)
    problems, counted = json.loads(data[start:header_end])
    found = tuple(Problem(Place(*place), *rest) for place, *rest in problems)
    index = data[header_end + 1 : index_end]
    counts = None if counted is None else (counted[0], counted[1], counted[2])
    made = Outcome(found, counts, index, view[index_end + 1 :])
    return made if first == _first_line(made) else None


def _first_line(one: Outcome) -> bytes:
    return first_line(None if mistakes(one.problems) else one.counts)
