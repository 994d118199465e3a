"""New definitions with the next free id, as text.

Ids are never used twice, so the next free one is above all others: a gap may be the id of
something that is gone. Refuses to check what it makes (`plan` does) and to write it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from cellwright.emit import to_yaml
from cellwright.history import UsedCell
from cellwright.layout import API_VERSION
from cellwright.model import Fleet, IdRange


def new_cell(
    fleet: Fleet, name: str, wishes: Mapping[str, Any], used: Iterable[UsedCell] = ()
) -> str:
    """Return the definition of a cell; what `wishes` leave open is as in the newest cell.

    Its ring is the last one, which gets changes after all others. `used` are cells that there
    were, beside those of the fleet.
    """
    declared = [UsedCell(cell.name, cell.id, cell.id_range) for cell in fleet.cells.values()]
    known = [*declared, *used]
    newest = max(fleet.cells.values(), key=lambda cell: cell.id, default=None)
    spec: dict[str, Any] = {
        "id": 1 + max((cell.id for cell in known), default=0),
        "ring": fleet.rings[-1],
        "region": newest.region if newest else fleet.regions[0],
        "cluster": newest.cluster if newest else next(iter(fleet.clusters)),
        "size": newest.size if newest else fleet.sizes[0],
    }
    if newest:
        spec["capacity"] = {"organizations": newest.capacity}
    spec |= wishes
    if any(cell.id_range for cell in declared):
        spec["idRange"] = _next_range([cell.id_range for cell in known if cell.id_range])
    return _text("Cell", name, spec)


def new_organization(fleet: Fleet, name: str, wishes: Mapping[str, Any], last_id: int = 0) -> str:
    """Return the definition of an organization; without a cell in `wishes` it has none yet.

    `last_id` is the highest id that was used, as far as it is known.
    """
    declared = max((one.id for one in fleet.organizations.values()), default=0)
    number = 1 + max(declared, last_id)
    return _text("Organization", name, {"id": number, **wishes})


def _next_range(ranges: Iterable[IdRange]) -> dict[str, int]:
    """Return a range above all others, as wide as the last one."""
    last = max(ranges, key=lambda one: one.last)
    return {"first": last.last + 1, "last": 2 * last.last - last.first + 1}


def _text(kind: str, name: str, spec: Mapping[str, Any]) -> str:
    definition: dict[str, Any] = {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": {"name": name},
        "spec": dict(spec),
    }
    line = f"# yaml-language-server: $schema=../schemas/{kind.lower()}.json\n"
    return line + to_yaml(definition)
