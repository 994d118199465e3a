"""What a plan comes to, as far as it is shown: problems, counts and the text of each manifest.

It can be kept as bytes from one run to the next. Refuses to hold more than may be shown: there
are no secrets in it.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from cellwright.problem import Place, Problem

_HEAD = b"cellwright outcome 1\n"


class Shown(NamedTuple):
    """One manifest as it is shown; the fields are those of `cellwright.manifest`."""

    stack: str
    rank: int
    cluster: str
    group: str
    kind: str
    namespace: str
    name: str
    text: str

    @property
    def identity(self) -> tuple[str, str, str, str, str]:
        """What no two manifests share."""
        return (self.cluster, self.group, self.kind, self.namespace, self.name)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A plan's problems, the size of its fleet (None without one), and its manifests' texts.

    `index` is a JSON array with the fields of each manifest, the last one the length of its text
    in bytes; `texts` are the texts, one after the other.
    """

    problems: tuple[Problem, ...]
    cells: int | None
    organizations: int
    index: bytes
    texts: bytes

    def manifests(self) -> Iterator[Shown]:
        """Yield the manifests, stack by stack and in order of application."""
        at = 0
        listed: Any = json.loads(self.index)
        for *fields, length in listed:
            end = at + length
            yield Shown._make((*fields, self.texts[at:end].decode()))
            at = end


def outcome(
    problems: tuple[Problem, ...],
    cells: int | None,
    organizations: int,
    manifests: Iterable[Shown],
) -> Outcome:
    """Return an outcome from its parts."""
    texts = []
    index = []
    for one in manifests:
        text = one.text.encode()
        texts.append(text)
        index.append((*one[:-1], len(text)))
    encoded = json.dumps(index, separators=(",", ":")).encode()
    return Outcome(problems, cells, organizations, encoded, b"".join(texts))


def encode(one: Outcome) -> bytes:
    """Return an outcome as bytes."""
    header = json.dumps([one.problems, one.cells, one.organizations]).encode()
    body = b"\n".join((header, one.index, one.texts))
    return b"".join((_HEAD, hashlib.sha256(body).hexdigest().encode(), b"\n", body))


def decode(data: bytes) -> Outcome | None:
    """Return the outcome that `encode` made these bytes of, or None if they are not whole."""
    digest, _, body = data.removeprefix(_HEAD).partition(b"\n")
    if not data.startswith(_HEAD) or hashlib.sha256(body).hexdigest().encode() != digest:
        return None
    header, index, texts = body.split(b"\n", 2)
    problems, cells, organizations = json.loads(header)
    found = tuple(Problem(Place(*place), *rest) for place, *rest in problems)
    return Outcome(found, cells, organizations, index, texts)
