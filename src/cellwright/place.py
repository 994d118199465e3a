"""Chooses a cell for each organization that has none.

Filters say which cells may take an organization; of those the least loaded one takes it, by the
weight that it holds in relation to its capacity. The heaviest organizations choose first, which
keeps the spread even (longest processing time first: Graham, 1969). Refuses to move anyone, and
to depend on the order of definitions.
"""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass

from cellwright.model import QUARANTINE, Cell, Fleet, Organization


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why some cells can't take an organization."""

    reason: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Load:
    """What a cell holds: the sum of weights, beside the organizations that it may hold."""

    cell: str
    weight: int
    capacity: int

    def __str__(self) -> str:
        return f"weight {self.weight} on capacity {self.capacity}"


@dataclass(frozen=True, slots=True)
class Choice:
    """The cell of one organization, or None; and why.

    `chosen` and `next` are the two least loaded cells that may take it, as they were before.
    `fuller` are all that may take it, but for the chosen one; `refusals` name all the others.
    """

    organization: str
    chosen: Load | None
    next: Load | None
    fuller: tuple[str, ...]
    refusals: tuple[Refusal, ...]


def place(fleet: Fleet) -> tuple[Choice, ...]:
    """Return a choice for each organization that has no cell, in the order of choosing."""
    waiting = [one for one in fleet.organizations.values() if one.cell is None]
    waiting.sort(key=lambda one: (-one.weight, one.name))
    state = _State(fleet)
    queues: dict[tuple[tuple[str, ...], str], _Queue] = {}
    choices = []
    for one in waiting:
        wish = (one.residency, one.tier)
        if wish not in queues:
            queues[wish] = _Queue(state, one)
        choices.append(queues[wish].choose(one))
    return tuple(choices)


class _State:
    """How many organizations and how much weight each cell holds by now."""

    def __init__(self, fleet: Fleet) -> None:
        self.cells = sorted(fleet.cells.values(), key=lambda cell: cell.id)
        self.count: dict[str, int] = {}
        self.weight: dict[str, int] = {}
        for cell in self.cells:
            held = fleet.held_by(cell.name)
            self.count[cell.name] = len(held)
            self.weight[cell.name] = sum(one.weight for one in held)
        self.full = [cell.name for cell in self.cells if self.is_full(cell)]

    def is_full(self, cell: Cell) -> bool:
        return self.count[cell.name] >= cell.capacity

    def take(self, cell: Cell, one: Organization) -> None:
        self.count[cell.name] += 1
        self.weight[cell.name] += one.weight
        if self.is_full(cell):
            self.full.append(cell.name)

    def load(self, cell: Cell) -> Load:
        return Load(cell.name, self.weight[cell.name], cell.capacity)

    def share(self, cell: Cell) -> float:
        return self.weight[cell.name] / max(cell.capacity, 1)


class _Queue:
    """The cells that fit one combination of residency and tier, the least loaded first.

    Loads only grow, so an entry that is out of date is met before the cells that it hides.
    """

    def __init__(self, state: _State, one: Organization) -> None:
        self._state = state
        refused: dict[str, list[str]] = {}
        fitting = []
        for cell in state.cells:
            reason = _refusal(cell, one)
            if reason:
                refused.setdefault(reason, []).append(cell.name)
            else:
                fitting.append(cell)
        self._refusals = tuple(Refusal(why, tuple(cells)) for why, cells in refused.items())
        self._full: list[str] = []
        self._seen = 0
        self._names = tuple(cell.name for cell in fitting)
        self._heap = [(state.share(cell), cell.id, cell) for cell in fitting]
        heapq.heapify(self._heap)

    def choose(self, one: Organization) -> Choice:
        self._note_full()
        first = self._least()
        if first is None:
            return Choice(one.name, None, None, (), self._all_refusals())
        before = self._state.load(first)
        entry = heapq.heappop(self._heap)
        second = self._least()
        next_load = None if second is None else self._state.load(second)
        heapq.heappush(self._heap, entry)
        fuller = tuple(name for name in self._names if name != first.name)
        choice = Choice(one.name, before, next_load, fuller, self._all_refusals())
        self._state.take(first, one)
        return choice

    def _note_full(self) -> None:
        """Count the cells that have become full since the last choice among the refusals."""
        new = set(self._state.full[self._seen :])
        self._seen = len(self._state.full)
        if new:
            self._full += [name for name in self._names if name in new]
            self._names = tuple(name for name in self._names if name not in new)

    def _least(self) -> Cell | None:
        while self._heap:
            share, number, cell = self._heap[0]
            if self._state.is_full(cell):
                heapq.heappop(self._heap)
            elif self._state.share(cell) != share:
                heapq.heapreplace(self._heap, (self._state.share(cell), number, cell))
            else:
                return cell
        return None

    def _all_refusals(self) -> tuple[Refusal, ...]:
        full = (Refusal("full", tuple(self._full)),) if self._full else ()
        return self._refusals + full


def _refusal(cell: Cell, one: Organization) -> str:
    """Return why a cell may not take an organization, or nothing; its fullness aside."""
    reasons = []
    if cell.ring == QUARANTINE:
        reasons.append("in quarantine")
    if cell.draining:
        reasons.append("draining")
    if not cell.accepts.new:
        reasons.append("accepts no new organizations")
    if one.residency and cell.region not in one.residency:
        reasons.append(f"in region {cell.region}, not in {_either(one.residency)}")
    if cell.accepts.tiers and one.tier not in cell.accepts.tiers:
        reasons.append(f"takes tier {_either(cell.accepts.tiers)}, not {one.tier}")
    return ", ".join(reasons)


def _either(words: Iterable[str]) -> str:
    return " or ".join(words)
