"""What never changes of a fleet, and a problem with it whose place is not known yet.

Refuses to judge (`forbidden` and `residents` do).
"""

from collections.abc import Mapping
from typing import NamedTuple

from cellwright.history import History, Resident, UsedCell
from cellwright.model import Cell, Fleet, IdRange
from cellwright.problem import Path


class Volume(NamedTuple):
    """What the volume of a cell's database was made with; None is the cluster's own class."""

    storage: str
    storage_class: str | None


class FixedCell(NamedTuple):
    """What never changes about a cell; None is what is not known of it.

    `where` names the objects that tell it, as `Namespace cell-alpha in cluster local`; empty for
    a definition.
    """

    id: int | None
    cluster: str | None
    version: int | None
    volume: Volume | None
    id_range: IdRange | None = None
    where: tuple[str, ...] = ()


class Fixed(NamedTuple):
    """What never changes about a fleet: its cells and organizations, by name.

    `elsewhere` has what other clusters' directories say of organizations where they differ, and
    `history` what is remembered of ids, None if nothing is. `moving` are the organizations whose
    definition says that they are being moved (`spec.moved`).
    """

    cells: Mapping[str, FixedCell]
    organizations: Mapping[str, Resident]
    history: History | None = None
    elsewhere: Mapping[str, tuple[Resident, ...]] = {}
    moving: frozenset[str] = frozenset()

    def used_cells(self) -> list[UsedCell]:
        """Return the cells that stand and whose id is known."""
        return [
            UsedCell(name, one.id, one.id_range)
            for name, one in self.cells.items()
            if one.id is not None
        ]


class Finding(NamedTuple):
    """A problem whose place is not known yet: that of `path` in a definition.

    Without a `kind` it is about what is declared no more, and `name` is the folder of it.
    """

    kind: str
    name: str
    path: Path
    code: str
    message: str
    hint: str


def fixed(fleet: Fleet) -> Fixed:
    """Return what never changes about a fleet, as its definitions have it."""
    cells = {name: fixed_cell(cell) for name, cell in fleet.cells.items()}
    moving = frozenset(name for name, one in fleet.organizations.items() if one.moved)
    return Fixed(cells, fleet.organizations, moving=moving)


def fixed_cell(cell: Cell) -> FixedCell:
    """Return what never changes about a cell, as its definition has it."""
    database = cell.postgres
    volume = Volume(database.storage, database.storage_class)
    return FixedCell(cell.id, cell.cluster, database.version, volume, cell.id_range)
