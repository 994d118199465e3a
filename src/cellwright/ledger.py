"""The ledger: which organization lives on which cell, where its definition does not say.

One line for each organization, appended by `cellwright place --write`, after a line that names
the two columns. Names need no quotes, so there are none: every reader of CSV takes a line for
the same two names. Refuses to know which organizations and cells there are.
"""

import re
from collections.abc import Iterator, Mapping

from cellwright.document import byte_order_mark, undecodable
from cellwright.layout import LEDGER
from cellwright.problem import Place, Problem
from cellwright.strict import CONFLICT, CONFLICT_MARK

HEADER = "organization,cell"

_NAME = r"[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?"
_LINE = re.compile(rf"({_NAME}),({_NAME})\r?\n?")
_CONFLICT = re.compile(CONFLICT_MARK)


class Ledger:
    """The cell of each organization that has a line, and where that line is."""

    def __init__(self, cells: Mapping[str, str], lines: Mapping[str, int]) -> None:
        self.cells = cells
        self._lines = lines

    def place(self, organization: str, *, cell: bool = True) -> Place:
        """Return where the cell of an organization stands, or its name."""
        return Place(LEDGER, self._lines[organization], len(organization) + 2 if cell else 1)


def read_ledger(data: bytes | None) -> tuple[Ledger, list[Problem]]:
    """Return what the ledger's file holds, None if there is no file, and what is wrong with it."""
    cells: dict[str, str] = {}
    lines: dict[str, int] = {}
    problems = [] if data is None else list(_read(data, cells, lines))
    return Ledger(cells, lines), problems


def _read(data: bytes, cells: dict[str, str], lines: dict[str, int]) -> Iterator[Problem]:
    if problem := byte_order_mark(LEDGER, data):
        yield problem
        return
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        yield undecodable(LEDGER, 0, data, error)
        return
    header, *rest = text.split("\n")
    if header.rstrip("\r") != HEADER:
        message = f"the first line is not {HEADER}" if header else "the ledger is empty"
        hint = f"its first line is {HEADER}"
        yield Problem(Place(LEDGER), "", "CW215", message, hint)
    known: dict[str, str] = {}
    for number, line in enumerate(rest, start=2):
        match = _LINE.fullmatch(line)
        if match is None:
            if line.strip():
                yield _wrong_line(number, line)
            continue
        name, cell = match.groups()
        if name in cells:
            message = f"the organization {name} stands twice"
            hint = f"it is in line {lines[name]} already, with cell {cells[name]}; keep one of them"
            yield Problem(Place(LEDGER, number), "", "CW215", message, hint)
        else:
            cells[name] = known.setdefault(cell, cell)
            lines[name] = number


def _wrong_line(number: int, line: str) -> Problem:
    shown = line.rstrip("\r")
    message = f"{shown if len(shown) <= 80 else shown[:79] + '…'} is not a line of two names"
    hint = "write organization,cell"
    if _CONFLICT.match(line):
        message = CONFLICT
        hint = "keep the lines of both sides"
    elif '"' in line or "'" in line:
        hint = "names stand without quotes"
    elif " " in line or "\t" in line:
        hint = "take the spaces out: organization,cell"
    elif ";" in line:
        hint = "a comma stands between the names"
    elif line.lower() != line:
        hint = "names are in lower case"
    return Problem(Place(LEDGER, number), "", "CW215", message, hint)
