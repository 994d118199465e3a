"""One organization's entry in the directory: as routers are told it, and as definitions say it.

What definitions said long ago is read too, by rules that may have been others then: only what
the entry is made from counts. Refuses to judge definitions (`loading` does).
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from cellwright.declared import Declared
from cellwright.directory import rows, shard_tables
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
    """What one line of a shard says."""

    organization: str
    id: int
    home: Home
    path: str
    hosts: tuple[str, ...]


class UnreadableError(ValueError):
    """The definitions can't be read, so nobody knows what they say of an organization."""


def entries(text: str) -> dict[str, Entry]:
    """Return the entries of a shard by organization; raises ValueError for what is no shard."""
    found = {}
    for name, number, cell, state, path, hosts, *_ in rows(text, 6):
        names = tuple(hosts.split(",")) if hosts else ()
        found[name] = Entry(name, int(number), Home(cell, state), path, names)
    return found


def home_of(organization: Organization) -> Home:
    """Return where the directory made from its definition sends requests."""
    (table,) = shard_tables([organization], 1)
    entry = entries(table.text).get(organization.name)
    return entry.home if entry else Home("", organization.state)


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
        return home_of(declared.organizations[0])
    except (AttributeError, KeyError, TypeError, ValueError) as error:  # no schema has seen it
        raise UnreadableError(f"{document.file}: {error}") from None


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
