"""What a plan comes to, as far as it is shown: problems, counts and the text of each manifest.

It can be kept as bytes from one run to the next. Refuses to hold more than may be shown: there
are no secrets in it.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cellwright.problem import Place, Problem

_HEAD = b"cellwright outcome 1\n"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A plan's problems, the size of its fleet (None without one), and its manifests' texts.

    `stream` is all manifests as one YAML stream. `index` is a JSON array with the path of each
    manifest's own file, and where in the stream it begins and ends.
    """

    problems: tuple[Problem, ...]
    cells: int | None
    organizations: int
    index: bytes
    stream: bytes | memoryview

    def files(self) -> dict[str, str]:
        """Return the text of each manifest by the path of its file, in order of application."""
        listed: Any = json.loads(self.index)
        return {path: str(self.stream[start:end], "utf-8") for path, start, end in listed}


def outcome(
    problems: tuple[Problem, ...], cells: int | None, organizations: int, files: Mapping[str, str]
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
    return Outcome(problems, cells, organizations, encoded, "".join(parts).encode())


def _size(text: str) -> int:
    """Return how many bytes a text takes."""
    return len(text) if text.isascii() else len(text.encode())


def encode(one: Outcome) -> bytes:
    """Return an outcome as bytes."""
    header = json.dumps([one.problems, one.cells, one.organizations]).encode()
    body = b"\n".join((header, one.index, one.stream))
    return b"".join((_HEAD, hashlib.sha256(body).hexdigest().encode(), b"\n", body))


def decode(data: bytes) -> Outcome | None:
    """Return the outcome that `encode` made these bytes of, or None if they are not whole."""
    start = len(_HEAD) + 65  # a SHA-256 in hexadecimal, and a line break
    view = memoryview(data)
    digest = f"{hashlib.sha256(view[start:]).hexdigest()}\n".encode()
    if view[:start] != _HEAD + digest:
        return None
    header_end = data.index(b"\n", start)
    index_end = data.index(b"\n", header_end + 1)
    problems, cells, organizations = json.loads(data[start:header_end])
    found = tuple(Problem(Place(*place), *rest) for place, *rest in problems)
    index = data[header_end + 1 : index_end]
    return Outcome(found, cells, organizations, index, view[index_end + 1 :])
