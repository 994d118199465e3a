"""What a fleet remembers about ids that were in use, so that none is ever used twice.

It is kept beside the directory, as text in pieces of limited size, one fact a line:

    last-id 1205                            the highest id of an organization so far
    cell beta 2 2000000000-2999999999       a cell, and a range that it has or had (or `-`)
    cell gamma 3 - retired                  one that is declared no more
    retired 1003,1005-1010                  ids of organizations that were removed
    home acme alpha                         where an organization with an override lives
    with directory-history-homes-0          another piece, so that one that is lost is missed

Retired ids are only ever added: to the last of the pieces that hold them, so that a run that ends
half-way loses none. Refuses to judge who may have which id (`forbidden` and `residents` do).
"""

import hashlib
import re
from bisect import bisect
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain, pairwise
from operator import attrgetter
from typing import NamedTuple, Protocol

from cellwright.model import Fleet, IdRange

HOMES = "homes"
"""The kind of the pieces that tell where organizations live; those of retired ids are numbered."""

_NAME = "directory-history"
_MOST = 400_000
"""Characters of retired ids, or of homes, in one piece: a ConfigMap holds 1 MiB."""
_IN_A_LINE = 16
_ID = attrgetter("id")
_NUMBER = "[0-9]{1,18}"
_SPAN = re.compile(rf"({_NUMBER})-({_NUMBER})")
_FACT = re.compile(
    rf"last-id (?P<last>{_NUMBER})"
    rf"|cell (?P<cell>[a-z0-9-]+) (?P<id>{_NUMBER}) (?P<range>-|{_NUMBER}-{_NUMBER})"
    r"(?P<gone> retired)?"
    rf"|retired (?P<retired>{_NUMBER}(?:-{_NUMBER})?(?:,{_NUMBER}(?:-{_NUMBER})?)*)"
    r"|home (?P<organization>[a-z0-9-]+) (?P<home>[a-z0-9-]+)"
    rf"|with (?P<piece>{_NAME}-[a-z0-9-]+)"
)

Span = tuple[int, int]
"""Ids from the first to the last, both included."""
Pieces = tuple[tuple[Span, ...], ...]
"""Spans in ascending order, by the pieces that hold them."""


class Resident(Protocol):
    """What is known of an organization: by its definition, or by its entry in the directory."""

    @property
    def id(self) -> int:
        """The id of its rows."""

    @property
    def cell(self) -> str | None:
        """The cell that it lives on."""

    @property
    def state(self) -> str:
        """Its state."""


class UsedCell(NamedTuple):
    """A cell that there is, or was if it is `retired`: its id and its range are used."""

    name: str
    id: int
    id_range: IdRange | None
    retired: bool = False


class Piece(NamedTuple):
    """One ConfigMap's name, kind and text."""

    name: str
    kind: str
    text: str

    @property
    def checksum(self) -> str:
        """The SHA-256 of the text's UTF-8 bytes, in hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class History:
    """The highest id of an organization, the retired ids in pieces, used cells, and homes.

    A cell whose range was changed is there with each of its ranges.
    `homes` has the cell of each organization whose requests were ever sent to another by an
    override: the directory does not tell where these live.
    """

    last_id: int = 0
    retired: Pieces = ()
    cells: tuple[UsedCell, ...] = ()
    homes: Mapping[str, str] = field(default_factory=dict)

    def retired_of(self, ids: Iterable[int]) -> set[int]:
        """Return those of these ids that belonged to an organization that was removed."""
        spans = _united(chain(*self.retired))
        firsts = [first for first, _ in spans]
        return {
            number
            for number in ids
            if (at := bisect(firsts, number)) and number <= spans[at - 1][1]
        }


def history_after(
    before: History | None,
    organizations: Mapping[str, Resident],
    cells: Iterable[UsedCell],
    fleet: Fleet,
) -> History:
    """Return the history as it is once the fleet is applied.

    `before` is what was remembered, None if nothing was; `organizations` are those that the
    directory has, and `cells` those that stand. Who is not placed yet will be in no directory.
    """
    old = before or History()
    everyone = fleet.organizations
    placed = [one for one in everyone.values() if one.cell]
    removed = [organizations[name].id for name in organizations.keys() - everyone.keys()]
    ids = map(_ID, chain(organizations.values(), placed))
    sent = [one.name for one in placed if one.override]
    homes = {
        name: cell
        for name in (*sent, *old.homes)
        if name in everyone and (cell := everyone[name].cell)
    }
    retired = _with(old.retired, set(removed) - old.retired_of(removed))
    last = max(old.last_id, max(ids, default=0))
    return History(last, retired, _used((*cells, *old.cells), fleet), homes)


def at_worst(history: History, fleet: Fleet) -> History:
    """Return a history for one that was lost: every lower id that nobody has counts as retired."""
    owned = sorted(one.id for one in fleet.organizations.values())
    gaps = [
        (before + 1, after - 1) for before, after in pairwise([0, *owned]) if after - before > 1
    ]
    return replace(history, retired=tuple(_divided(_united(chain(*history.retired, gaps)))))


def pieces_of(history: History) -> tuple[Piece, ...]:
    """Return the text of a history in pieces; there is always a first one."""
    head = f"last-id {history.last_id}\n"
    head += "".join(_line(one) for one in history.cells)
    texts = [_text(spans) for spans in history.retired] or [""]
    others = [
        Piece(f"{_NAME}-{number}", str(number), text)
        for number, text in enumerate(texts[1:], start=1)
    ]
    lines = [f"home {name} {cell}\n" for name, cell in sorted(history.homes.items())]
    for number, text in enumerate(_joined(lines)):
        others.append(Piece(f"{_NAME}-homes-{number}", HOMES, text))
    head += "".join(f"with {piece.name}\n" for piece in others)
    return (Piece(_NAME, "0", head + texts[0]), *others)


def pieces_named_in(text: str) -> list[str]:
    """Return the names of the other pieces, by the text of the first one."""
    words = (line.split(" ") for line in text.split("\n"))
    return [name for verb, *rest in words if verb == "with" for name in rest[:1]]


def history_of(pieces: Iterable[tuple[str, str]]) -> History | None:
    """Return the history that these pieces tell, each by its kind and text; None without any.

    Pieces of several clusters are united. Raises ValueError for a line that tells nothing.
    """
    last, homes = 0, {}
    retired: defaultdict[int, list[Span]] = defaultdict(list)
    cells: set[UsedCell] = set()
    nothing = True
    for kind, text in pieces:
        nothing = False
        for fact in _facts(text):
            if fact["last"]:
                last = max(last, int(fact["last"]))
            elif fact["cell"]:
                span = id_range_in(fact["range"])
                cells.add(UsedCell(fact["cell"], int(fact["id"]), span, bool(fact["gone"])))
            elif fact["retired"]:
                number = int(kind) if re.fullmatch("[0-9]{1,6}", kind) else 0
                retired[number] += _spans(fact["retired"])
            elif fact["organization"]:
                homes[fact["organization"]] = fact["home"]
    if nothing:
        return None
    spans = tuple(_united(retired[number]) for number in sorted(retired))
    return History(last, spans, tuple(sorted(cells, key=_line)), homes)


def id_range_in(text: str) -> IdRange | None:
    """Return the range that an annotation or a line tells, None if it tells none."""
    match = _SPAN.fullmatch(text)
    return IdRange(int(match[1]), int(match[2])) if match else None


def _used(cells: Iterable[UsedCell], fleet: Fleet) -> tuple[UsedCell, ...]:
    """Return these cells and those of the fleet; retired is who is in the fleet no more."""
    declared = [UsedCell(one.name, one.id, one.id_range) for one in fleet.cells.values()]
    present = {(one.name, one.id) for one in declared}
    ranges: defaultdict[tuple[str, int], set[Span]] = defaultdict(set)
    for one in (*declared, *cells):
        spans = ranges[one.name, one.id]
        if one.id_range:
            spans.add((one.id_range.first, one.id_range.last))
    found = []
    for (name, number), spans in sorted(ranges.items()):
        listed: list[IdRange | None] = [IdRange(*span) for span in sorted(spans)]
        gone = (name, number) not in present
        found += [UsedCell(name, number, span, gone) for span in listed or [None]]
    return tuple(found)


def _facts(text: str) -> Iterator["re.Match[str]"]:
    for line in filter(None, text.split("\n")):
        match = _FACT.fullmatch(line)
        if match is None:
            raise ValueError(f"no line of the directory's history: {line[:80]!r}")
        yield match


def _with(retired: Pieces, ids: Iterable[int]) -> Pieces:
    """Return the retired ids with others, in the last piece as long as it has room."""
    new = [(number, number) for number in ids]
    if not new:
        return retired
    last = _united([*(retired[-1] if retired else ()), *new])
    if len(_text(last)) <= _MOST:
        return (*retired[:-1], last)
    return (*retired, *_divided(_united(new)))


def _divided(spans: tuple[Span, ...]) -> Iterator[tuple[Span, ...]]:
    """Yield spans in pieces, each of which has room in a ConfigMap."""
    most = _MOST // (2 * len(str(spans[-1][1])) + 2) if spans else 1
    return (spans[start : start + most] for start in range(0, len(spans), most))


def _united(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return spans in order; those that touch are one."""
    found: list[Span] = []
    for first, last in sorted(spans):
        if found and first <= found[-1][1] + 1:
            found[-1] = found[-1][0], max(last, found[-1][1])
        else:
            found.append((first, last))
    return tuple(found)


def _spans(text: str) -> list[Span]:
    found = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        found.append((int(first), int(last or first)))
    return found


def _text(spans: tuple[Span, ...]) -> str:
    shown = [f"{first}-{last}" if last > first else str(first) for first, last in spans]
    return "".join(
        f"retired {','.join(shown[start : start + _IN_A_LINE])}\n"
        for start in range(0, len(shown), _IN_A_LINE)
    )


def _line(cell: UsedCell) -> str:
    span = f"{cell.id_range.first}-{cell.id_range.last}" if cell.id_range else "-"
    return f"cell {cell.name} {cell.id} {span}{' retired' if cell.retired else ''}\n"


def _joined(lines: Iterable[str]) -> Iterator[str]:
    """Yield texts of these lines, none longer than a piece may be."""
    text: list[str] = []
    size = 0
    for line in lines:
        if size + len(line) > _MOST:
            yield "".join(text)
            text, size = [], 0
        text.append(line)
        size += len(line)
    if text:
        yield "".join(text)
