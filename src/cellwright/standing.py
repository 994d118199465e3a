"""What stands somewhere already, as far as definitions must not change it.

Manifests that were read from clusters or files tell the ids (the directory) and where data is
(StatefulSets). What manifests do not tell is not known, which forbids nothing. Refuses to read
them anywhere.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from cellwright.changes import Change, cell_ids_of, organizations_of
from cellwright.effects import Effect
from cellwright.forbidden import Finding, Fixed, FixedCell, Volume, forbidden, placed
from cellwright.manifest import Manifest
from cellwright.model import Fleet
from cellwright.problem import Path, Problem

CELL_LABEL = "cellwright.dev/cell"
_VERSION = "cellwright.dev/postgres-version"
_CLAIM = "spec.volumeClaimTemplates[data].spec."
_TOLD = {
    f"{_CLAIM}resources.requests.storage": "CW404",
    f"{_CLAIM}storageClassName": "CW405",
}
"""Fields of a cell's database whose change is another problem already, where it is one."""
_GROWS = (
    "patch the ResourceQuota and the volume's claim to the new size, `kubectl delete statefulset "
    "--cascade=orphan`, `pulumi refresh` the stack, and run this again"
)
_MADE_ANEW = "leave it as it is, or make a new cell and move the organizations there"


def standing(fleet: Fleet, manifests: Iterable[Manifest]) -> Fixed:
    """Return what never changes, of what these manifests tell.

    Where two clusters hold a cell's database, the one that the fleet names counts. Raises
    ValueError for a directory that can't be read.
    """
    ids: dict[str, int] = {}
    databases: dict[str, Manifest] = {}
    organizations: dict[str, int] = {}
    for one in manifests:
        organizations.update((said.organization, said.id) for said in organizations_of(one))
        ids.update(cell_ids_of(one))
        cell = _cell_of_database(one)
        if cell is not None and (cell not in databases or _is_at_home(fleet, cell, one)):
            databases[cell] = one
    cells = {name: _cell(ids.get(name), databases.get(name)) for name in ids | databases}
    return Fixed(cells, organizations)


def problems_of(
    before: Fixed,
    after: Fleet,
    changed: Iterable[Change],
    protected: Iterable[Manifest],
    definitions: Mapping[str, bytes],
) -> list[Problem]:
    """Return everything that can't be done: to what never changes, and to what is protected.

    What is protected can't be made anew. Clusters are not compared: manifests in files name none.
    """
    found = list(forbidden(before, after))
    told = {(one.name, one.code) for one in found if one.kind == "Cell"}
    kept = {(one.stack, one.identity[1:]) for one in protected}
    for one in changed:
        if one.action == "change" and (one.stack, one.manifest.identity[1:]) in kept:
            found += _made_anew(one, told)
    return placed(found, definitions)


def _made_anew(change: Change, told: Collection[tuple[str, str]]) -> Iterator[Finding]:
    manifest = change.manifest
    for field in change.fields:
        if field.effect < Effect.REPLACE or (change.stack, _TOLD.get(field.path, "")) in told:
            continue
        grows = _TOLD.get(field.path) == "CW404"
        path: Path = ("spec", "postgres", "storage") if grows else ("spec",)
        where = f"{manifest.kind} {manifest.namespace}/{manifest.name}"
        why = f" ({field.why})" if field.why else ""
        message = f"{where} would be made anew for {field.path}{why}"
        hint = _GROWS if grows else _MADE_ANEW
        yield Finding("Cell", change.stack, path, "CW406", message, hint)


def _cell_of_database(one: Manifest) -> str | None:
    """Return the cell whose database this is, if it is one."""
    labels = one.body["metadata"].get("labels") or {}
    if one.kind != "StatefulSet" or labels.get("app.kubernetes.io/name") != "postgres":
        return None
    cell = labels.get(CELL_LABEL)
    return str(cell) if cell and one.namespace == f"cell-{cell}" else None


def _is_at_home(fleet: Fleet, cell: str, database: Manifest) -> bool:
    return cell in fleet.cells and fleet.cells[cell].cluster == database.cluster


def _cell(number: int | None, database: Manifest | None) -> FixedCell:
    if database is None:
        return FixedCell(number, None, None, None)
    annotations = database.body["metadata"].get("annotations") or {}
    version = str(annotations.get(_VERSION, ""))
    known = int(version) if version.isascii() and version.isdecimal() else None
    return FixedCell(number, database.cluster or None, known, _volume(database.body))


def _volume(body: Mapping[str, Any]) -> Volume | None:
    for claim in (body.get("spec") or {}).get("volumeClaimTemplates") or ():
        if (claim.get("metadata") or {}).get("name") == "data":
            spec = claim.get("spec") or {}
            requests = (spec.get("resources") or {}).get("requests") or {}
            return Volume(str(requests.get("storage", "")), spec.get("storageClassName"))
    return None
