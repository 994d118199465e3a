"""One organization's entry in the directory: as routers are told it, and as definitions say it.

What definitions said long ago is read too, by rules that may have been others then: only what
the entry is made from counts. Refuses to judge definitions (`loading` does).
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from cellwright.declared import Declared
from cellwright.directory import entries, shard_tables, value_of
from cellwright.document import Document, documents, is_json
from cellwright.layout import LEDGER
from cellwright.ledger import HEADER, read_ledger
from cellwright.model import Organization
from cellwright.problem import Problem

_LINE_END = re.compile(r"(?<=\n)")
_DOCUMENT = re.compile(r"^(?=---(?:[ \t\r\n]|\Z))", re.MULTILINE)


class Home(NamedTuple):
    """Where requests for an organization go; `cell` is empty while it is not placed."""

    cell: str
    state: str

    def __str__(self) -> str:
        return f"cell {self.cell} ({self.state})" if self.cell else "no cell yet"


class Entry(NamedTuple):
    """All that shards say of an organization; `path` is empty where they name none.

    `shards` are those that say it, first the one of its name.
    """

    organization: str
    id: int
    home: Home
    path: str
    hosts: tuple[str, ...]
    shards: tuple[str, ...]


class UnreadableError(ValueError):
    """The definitions can't be read, so nobody knows what they say of an organization."""


class Entries:
    """The entries of these organizations, or of all if none is named, from shard after shard."""

    def __init__(self, organizations: Collection[str] = ()) -> None:
        self._wanted = organizations
        self._found: dict[str, tuple[int, Home, str]] = {}
        self._keys: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)

    def read(self, shard: str, text: str) -> None:
        """Take in a shard, called `shard`; raises ValueError for what is none."""
        for key, said in entries(text):
            value = value_of(said)
            name = value.organization if value else said.removeprefix("@")
            if self._wanted and name not in self._wanted:
                continue
            if value:
                self._found[name] = value.id, Home(value.cell, value.state), shard
            if key[0] != "@":
                self._keys[name].append((key, shard))

    def __iter__(self) -> Iterator[Entry]:
        for name, (number, home, shard) in self._found.items():
            keys = self._keys[name]
            path = next((key for key, _ in keys if "." not in key), "")
            hosts = tuple(sorted(key for key, _ in keys if "." in key))
            shards = dict.fromkeys([shard, *(one for _, one in keys)])
            yield Entry(name, number, home, path, hosts, tuple(shards))


def home_of(organization: Organization) -> Home:
    """Return where the directory made from its definition sends requests."""
    (table,) = shard_tables([organization], 1)
    said = Entries()
    said.read("", table.text)
    return next((entry.home for entry in said), Home("", organization.state))


def naming(organization: str) -> str:
    """Return the regular expression of its name as a whole word, for git and Python."""
    return f"(^|[^a-z0-9-]){re.escape(organization)}($|[^a-z0-9-])"


def home_in(files: Mapping[str, str], organization: str) -> Home | None:
    """Return its home by these files of definitions, by name; None where none declares it.

    Raises UnreadableError.
    """
    word = re.compile(naming(organization), re.MULTILINE)
    parts = {file: _naming(file, text, word).encode() for file, text in files.items()}
    ledger, problems = read_ledger(parts.pop(LEDGER, None))
    declared = Declared(parts, ledger)
    unread: list[Problem] = list(problems)
    for file, data in parts.items():
        for one in documents(file, data) if data else ():
            if isinstance(one, Problem):
                unread.append(one)
            elif _is_about(one, organization):
                return _home(declared, one)
    if unread:
        raise UnreadableError(str(unread[0]))
    return None


def _home(declared: Declared, document: Document) -> Home:
    try:
        declared.add(document)
        (organization,) = declared.organizations
        home = home_of(organization)
    except (AttributeError, KeyError, TypeError, ValueError) as error:  # no schema has seen it
        raise UnreadableError(f"{document.file}: {error}") from None
    cell = organization.serving_cell or organization.cell or ""
    if home.cell != cell:
        raise UnreadableError(f"{document.file}: {cell!r} is no cell")
    return home


def _is_about(document: Document, organization: str) -> bool:
    value: Any = document.value
    try:
        return bool(value["kind"] == "Organization" and value["metadata"]["name"] == organization)
    except (KeyError, TypeError):
        return False


def _naming(file: str, text: str, word: "re.Pattern[str]") -> str:
    """Return the parts of a file that hold the word: lines, or YAML documents."""
    if file == LEDGER:
        lines = _LINE_END.split(text)[1:]
        return f"{HEADER}\n" + _joined(lines, word)
    if is_json(file):
        return _joined(_LINE_END.split(text), word)
    return _joined(_DOCUMENT.split(text), word)


def _joined(parts: Iterable[str], word: "re.Pattern[str]") -> str:
    return "".join(part for part in parts if word.search(part))
