"""What the definitions declare, before it is held together: one by one, each valid by itself.

Organizations come by the million: each is kept as a value of the model and the line that it
was read from; its place in that line is found by reading the line again. Refuses to judge.
"""

from array import array
from collections.abc import Mapping, Sequence
from typing import Any

from cellwright.document import Document, is_json, text_at
from cellwright.ledger import Ledger
from cellwright.model import STANDARD, Limits, Organization
from cellwright.problem import Path, Place, Problem, dotted

DEFAULT_CAPACITY = 100_000

_SECONDS = {"s": 1, "m": 60, "h": 3600}
_SHIFT = 32
_INDEXES_KEPT = 8


def spec(document: Document) -> Any:
    """Return a valid document's `spec`."""
    return _value(document)["spec"]


def name(document: Document) -> str:
    """Return a valid document's name."""
    return str(_value(document)["metadata"]["name"])


def capacity(cell: Document) -> int:
    """Return how many organizations a cell may hold."""
    return int(spec(cell).get("capacity", {}).get("organizations", DEFAULT_CAPACITY))


def seconds(duration: str) -> int:
    """Return the seconds of a duration as definitions write it."""
    return int(duration[:-1]) * _SECONDS[duration[-1]]


def _limits(body: Mapping[str, int]) -> Limits:
    return Limits(body.get("requestsPerSecond"), body.get("concurrentRequests"))


def problem(document: Document, path: Path, code: str, message: str, hint: str = "") -> Problem:
    """Return a problem of what stands at `path` of a document."""
    return Problem(document.place(path), dotted(path), code, message, hint)


def _value(document: Document) -> Any:
    return document.value


class Declared:
    """Everything that is declared, and the ledger.

    Of documents that do not fit their schema only the names are known, in `broken` by kind. If
    `incomplete`, something could not even be read: then no name is sure to be missing.
    `disagreements` has the organizations, by number, whose definition names another cell than
    the ledger.
    """

    def __init__(self, definitions: Mapping[str, bytes], ledger: Ledger) -> None:
        self.fleets: list[Document] = []
        self.cells: list[Document] = []
        self.organizations: list[Organization] = []
        self.disagreements: list[int] = []
        self.broken: dict[str, set[str]] = {}
        self.incomplete = False
        self.ledger = ledger
        self._definitions = definitions
        self._files = tuple(definitions)
        self._numbers = {file: number << _SHIFT for number, file in enumerate(self._files)}
        self._origins = array("Q")
        self._same: dict[Any, Any] = {}
        self._starts: dict[str, array[int]] = {}

    def add(self, document: Document) -> None:
        """Take a document that fits the schema of its kind."""
        value: Any = document.value
        kind = value["kind"]
        if kind == "Organization":
            self.add_organizations(document.file, document.line, [value])
        elif kind == "Cell":
            self.cells.append(document)
        else:
            self.fleets.append(document)

    def add_organizations(self, file: str, line: int, values: Sequence[Any]) -> None:
        """Take organizations that fit their schema, from lines in a row that begin with `line`."""
        noted = self.ledger.cells
        same = self._same.setdefault
        for value in values:
            name, own = value["metadata"]["name"], value["spec"]
            get = own.get
            cell = get("cell")
            if name in noted:
                if cell is None:
                    cell = noted[name]
                elif noted[name] != cell:
                    self.disagreements.append(len(self.organizations))
            hosts = get("hosts")
            residency = get("residency")
            state, tier = get("state", "active"), get("tier", STANDARD)
            again, limits, override = get("retryAfter"), get("limits"), get("override")
            moved = get("moved")
            one = Organization(
                name,
                own["id"],
                same(cell, cell),
                get("path", name),
                tuple(hosts) if hosts else (),
                same(regions := tuple(residency), regions) if residency else (),
                same(state, state),
                same(tier, tier),
                get("weight", 1),
                seconds(again) if again else None,
                same(most := _limits(limits), most) if limits else None,
                override["cell"] if override else None,
                moved["from"] if moved else None,
                override.get("writes", "refuse") if override else "refuse",
            )
            self.organizations.append(one)
        start = self._numbers[file] | line
        self._origins.extend(range(start, start + len(values)))

    def miss(self, document: Document) -> None:
        """Take a document that does not fit: whatever can be seen of its kind and name."""
        value: Any = document.value
        try:
            self.broken.setdefault(str(value["kind"]), set()).add(str(value["metadata"]["name"]))
        except (KeyError, TypeError):
            self.incomplete = True

    def place(self, number: int, path: Path) -> Place:
        """Return where `path` stands in the definition of an organization."""
        file, line = self._origin(number)
        data = self._definitions[file]
        start = self._line_starts(file)[line - 1]
        text = text_at(data, start, json=is_json(file))
        return Document(file, line, text, None).place(path)

    def home_place(self, number: int) -> Place:
        """Return where the cell of an organization is named: by itself, or by the ledger."""
        one = self.organizations[number]
        place = self.place(number, ("spec", "cell"))
        if place != self.place(number, ("spec",)) or one.name not in self.ledger.cells:
            return place
        return self.ledger.place(one.name)

    def _origin(self, number: int) -> tuple[str, int]:
        packed = self._origins[number]
        return self._files[packed >> _SHIFT], packed & ((1 << _SHIFT) - 1)

    def _line_starts(self, file: str) -> "array[int]":
        """Return the byte at which each line of a file starts."""
        if file not in self._starts:
            if len(self._starts) == _INDEXES_KEPT:
                del self._starts[next(iter(self._starts))]
            starts = array("Q", [0])
            data = self._definitions[file]
            end = data.find(b"\n")
            while end >= 0:
                starts.append(end + 1)
                end = data.find(b"\n", end + 1)
            self._starts[file] = starts
        return self._starts[file]
