"""Which secrets of a stack are valid: those in use, and others while they are rotated.

Secrets change in three phases, in each of which whoever sends one and whoever receives it agree:
first both the old and the new ones are accepted, then the new ones are used, then the old ones are
accepted no more. Refuses to know the secrets.
"""

import re
from enum import StrEnum
from typing import NamedTuple, Self

_NUMBER = "[0-9]{1,9}"
_ROOT, _CELL = (
    re.compile(rf"(?:(?P<old>{one})>)?(?P<new>{one})(?: (?P<phase>accept|use|end))?")
    for one in (_NUMBER, rf"{_NUMBER}\.{_NUMBER}")
)


class Phase(StrEnum):
    """A step of a rotation."""

    ACCEPT = "accept"
    USE = "use"
    END = "end"


_ORDER = tuple(Phase)


class Generation(NamedTuple):
    """Which secrets of a cell: the version of the root secret, and the version of the cell's own.

    The version 0 of a cell is what releases before cells had secrets of their own have derived: all
    of it from the root secret.
    """

    root: int
    cell: int

    def __str__(self) -> str:
        return f"{self.root}.{self.cell}"


class State(NamedTuple):
    """The version that there is, `new`; during a rotation the one before, and the phase.

    Versions of the root secret are whole numbers, those of cells generations, as text.
    """

    new: str
    old: str = ""
    phase: Phase | None = None

    def __str__(self) -> str:
        return f"{self.old}>{self.new} {self.phase}" if self.phase else self.new

    @property
    def valid(self) -> tuple[str, ...]:
        """The versions that are accepted, the one in use first."""
        if self.phase == Phase.ACCEPT:
            return (self.old, self.new)
        return (self.new, self.old) if self.phase == Phase.USE else (self.new,)

    @property
    def used(self) -> str:
        """The version in use."""
        return self.valid[0]

    @property
    def tag(self) -> str:
        """What pods are marked with; another one where anything about secrets is another."""
        return self.new if self.phase == Phase.END else str(self)

    @property
    def next(self) -> Self:
        """The state behind this phase. Raises ValueError where nothing is rotated."""
        if self.phase is None:
            raise ValueError("nothing is rotated")
        following = {Phase.ACCEPT: Phase.USE, Phase.USE: Phase.END}.get(self.phase)
        return self._replace(phase=following) if following else type(self)(self.new)

    def reached(self, phase: Phase) -> Self:
        """Return the state of a rotation in a phase; one that is there already stays."""
        state = self
        while state.phase is not None and _ORDER.index(state.phase) < _ORDER.index(phase):
            state = state.next
        return state

    def is_before(self, other: "State") -> bool:
        """Return whether a stack had this state before another one."""
        return _position(self) < _position(other)

    def follows(self, noted: "State") -> bool:
        """Return whether pods that have the `noted` secrets can be given these as the next ones."""
        return noted.tag in self.tags

    @property
    def tags(self) -> tuple[str, ...]:
        """What pods may be marked with while they are brought to this state: before, and after."""
        before = {
            Phase.ACCEPT: State(self.old),
            Phase.USE: State(self.new, self.old, Phase.ACCEPT),
            Phase.END: State(self.new, self.old, Phase.USE),
        }
        return (before[self.phase].tag, self.tag) if self.phase else (self.tag,)

    @property
    def roots(self) -> tuple[int, ...]:
        """The versions of the root secret that it is about, as far as it is of a cell."""
        return tuple(_numbers(one)[0] for one in (self.new, self.old) if one)

    def begun(self, new: str) -> Self:
        """Return the first state of a rotation to another version."""
        return type(self)(new, self.new, Phase.ACCEPT)


def read_root_state(text: str) -> State | None:
    """Return the state of a fleet's secrets that was written as text; None for anything else."""
    return _read(_ROOT, text)


def read_cell_state(text: str) -> State | None:
    """Return the state of a cell's secrets that was written as text; None for anything else."""
    return _read(_CELL, text)


def _read(form: re.Pattern[str], text: str) -> State | None:
    found = form.fullmatch(text)
    if found is None or (found["old"] is None) != (found["phase"] is None):
        return None
    if found["phase"] is None:
        return State(found["new"])
    is_later = _numbers(found["new"]) > _numbers(found["old"])
    return State(found["new"], found["old"], Phase(found["phase"])) if is_later else None


def _position(state: State) -> tuple[tuple[int, ...], int]:
    """Return what is greater of a later state; the last phase and what follows it are one."""
    return _numbers(state.new), _ORDER.index(state.phase or Phase.END)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(one) for one in version.split("."))


def generation(version: str) -> Generation:
    """Return the generation of a cell's secrets that is written so. Raises ValueError."""
    root, cell = _numbers(version)
    return Generation(root, cell)
