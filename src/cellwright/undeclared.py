"""Cells that are declared no more, and of which a cluster holds something still.

They are shown until they are gone, and stop nothing. Refuses to read clusters.
"""

from typing import NamedTuple

from cellwright.fixed import Finding, Fixed
from cellwright.model import Fleet
from cellwright.problem import LEFT_OVER

_FOLDER = "cells"


class UndeclaredCell(NamedTuple):
    """A cell that is declared no more; `where` names what there is of it, the namespace first."""

    name: str
    id: int | None
    where: tuple[str, ...]

    @property
    def has_database(self) -> bool:
        """Whether its database is there, and not only what a retired cell leaves."""
        return any(one.startswith("StatefulSet ") for one in self.where)

    def __str__(self) -> str:
        state = "still there" if self.has_database else "not quite gone"
        return f"cell {self.name} is declared no more and {state}: {', '.join(self.where)}"


def undeclared_cells(before: Fixed, fleet: Fleet) -> tuple[UndeclaredCell, ...]:
    """Return the cells that clusters hold and definitions do not, by name.

    What only the directory names is no cell that is there: the next `up` takes it out.
    """
    return tuple(
        UndeclaredCell(name, one.id, objects)
        for name, one in sorted(before.cells.items())
        if name not in fleet.cells
        and (objects := tuple(text for text in one.where if not text.startswith("ConfigMap ")))
    )


def undeclared_findings(before: Fixed, fleet: Fleet) -> list[Finding]:
    """Return a problem for each cell that is declared no more and is there."""
    return [
        Finding("", _FOLDER, (), LEFT_OVER, str(cell), f"run: cellwright retire {cell.name}")
        for cell in undeclared_cells(before, fleet)
    ]
