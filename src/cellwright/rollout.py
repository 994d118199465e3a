"""In which order stacks are applied, and what of the directory can be published.

Cells go ring by ring: a ring begins when the one before it is done. Quarantine (ring -1) comes
last and stops nothing. The directory comes behind the cells, so that nothing is routed to a cell
before it is there; it comes first where a cluster has none yet, since routers start with it, and
where an older release has written it, since new routers do not take that.
Refuses to run anything.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from itertools import groupby

from cellwright.model import FLEET_STACK, QUARANTINE, Fleet


@dataclass(frozen=True, slots=True)
class Step:
    """Stacks that are applied at the same time; `ring` is None for the directory's.

    `clusters` are those of the directory, None for all of them.
    """

    ring: int | None
    stacks: tuple[str, ...]
    clusters: tuple[str, ...] | None = None

    def __str__(self) -> str:
        if self.ring is None:
            return "directory"
        return "quarantine" if self.ring == QUARANTINE else f"ring {self.ring}"


@dataclass(frozen=True, slots=True)
class Published:
    """The fleet as its directory can be published now, and who is left out of it, by name.

    A new organization is left out as long as its cell is not there, and one whose data is said to
    have moved there stays where it was.
    """

    fleet: Fleet
    held_back: tuple[str, ...]


def steps(
    fleet: Fleet,
    changed: Collection[str],
    without_directory: Collection[str],
    unsigned: Collection[str] = (),
) -> list[Step]:
    """Return the stacks that changed, in the order in which they are applied.

    `without_directory` are the clusters that have no directory yet; those whose directory is
    `unsigned` get it twice, as far as cells are there, and all of it behind them.
    """
    cells = sorted(
        (cell for cell in fleet.cells.values() if cell.name in changed),
        key=lambda cell: (cell.ring == QUARANTINE, cell.ring, cell.name),
    )
    rings = [
        Step(ring, tuple(cell.name for cell in members))
        for ring, members in groupby(cells, key=lambda cell: cell.ring)
    ]
    serving = [step for step in rings if step.ring != QUARANTINE]
    quarantine = [step for step in rings if step.ring == QUARANTINE]
    if FLEET_STACK not in changed:
        return [*serving, *quarantine]
    missing = tuple(sorted(without_directory))
    if missing and set(missing) == set(fleet.used_clusters()):
        return [Step(None, (FLEET_STACK,)), *serving, *quarantine]
    early = tuple(sorted({*missing, *unsigned}))
    first = [Step(None, (FLEET_STACK,), early)] if early else []
    return [*first, *serving, Step(None, (FLEET_STACK,)), *quarantine]


def published(
    fleet: Fleet, homes: Mapping[str, str | None], absent: Collection[str], *, may_move: bool
) -> Published:
    """Return what of the directory can be published while some cells are absent.

    `homes` are the cells of the organizations that the directory has, by name. Unless they `may_
    move`, those with a new cell stay: where not all clusters learn of it, both cells would serve.
    """
    if not absent and may_move:
        return Published(fleet, ())
    organizations = {}
    held_back = []
    for name, organization in fleet.organizations.items():
        home = homes.get(name)
        serving = organization.serving_cell
        stays = home is None or serving == home
        if serving == home or (serving not in absent and (stays or may_move)):
            organizations[name] = organization
            continue
        held_back.append(name)
        if home is not None:
            organizations[name] = replace(organization, cell=home, override=None)
    return Published(replace(fleet, organizations=organizations), tuple(held_back))
