"""What stands somewhere already, as far as definitions must not change it.

Manifests that were read from clusters or files tell ids and where data is: those of each cell, and
the directory with its history. What manifests do not tell is not known, which forbids nothing.
Refuses to read them anywhere.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from cellwright.changes import Change, cell_ids_of, history_in, organizations_of
from cellwright.directory import Value
from cellwright.effects import Effect
from cellwright.fixed import Finding, Fixed, FixedCell, Volume
from cellwright.forbidden import forbidden, placed
from cellwright.history import History, history_after, history_of, id_range_in
from cellwright.identity import CELL_LABEL, FLEET_LABEL
from cellwright.manifest import Manifest
from cellwright.model import Fleet
from cellwright.problem import Problem, refusing
from cellwright.undeclared import undeclared_findings
from cellwright.wholeness import Directory

CELL_ID_LABEL = "cellwright.dev/cell-id"
ID_RANGE = "cellwright.dev/id-range"
"""The annotation of a namespace and a database with the values that its sequences give out."""
_VERSION = "cellwright.dev/postgres-version"
_DATA = ("StatefulSet", "PersistentVolumeClaim")
_ORDER = {"Namespace": 0, "StatefulSet": 1, "PersistentVolumeClaim": 2, "RoleBinding": 3}
_CLAIM = "spec.volumeClaimTemplates[data]"
_TOLD = {
    f"{_CLAIM}.spec.resources.requests.storage": "CW404",
    f"{_CLAIM}.spec.storageClassName": "CW405",
    f'{_CLAIM}.metadata.labels["{CELL_ID_LABEL}"]': "CW401",
}
"""Fields of a cell's database whose change is another problem already, where it is one."""
_MADE_ANEW = "leave it as it is, or make a new cell and move the organizations there"


class Facts(NamedTuple):
    """What clusters hold: what never changes of it, the objects that hold data, how whole the
    directories are, by cluster, and in which clusters they are not signed.
    """

    fixed: Fixed
    data: tuple[Manifest, ...] = ()
    directories: Mapping[str, Directory] = {}
    unsigned: frozenset[str] = frozenset()

    def history(self, fleet: Fleet) -> History:
        """Return what is to be remembered of ids once the fleet is applied."""
        known = self.fixed
        return history_after(known.history, known.organizations, known.used_cells(), fleet)


def standing(fleet: Fleet, manifests: Iterable[Manifest]) -> Fixed:
    """Return what never changes, of what these manifests tell; another fleet's tell nothing.

    Where two clusters hold a cell's database, the one that the fleet names counts. Raises
    ValueError for a directory that can't be read.
    """
    objects: dict[str, list[Manifest]] = {}
    ids: dict[str, int] = {}
    residents = _Residents()
    pieces: list[tuple[str, str]] = []
    for one in manifests:
        if is_of_another_fleet(fleet, one.body) or _is_elsewhere(fleet, one):
            continue
        residents.add(organizations_of(one))
        ids.update(cell_ids_of(one))
        pieces += history_in(one)
        cell = _cell_of(fleet, one)
        if cell is not None:
            objects.setdefault(cell, []).append(one)
    cells = {
        name: _cell(fleet, name, ids.get(name), objects.get(name, [])) for name in ids | objects
    }
    try:
        history = history_of(pieces)
    except ValueError as error:
        raise ValueError(f"ConfigMaps directory-history: {error}") from None
    homes = history.homes if history else {}
    return Fixed(cells, residents.at(homes), history, residents.elsewhere)


def is_of_another_fleet(fleet: Fleet, body: Mapping[str, Any]) -> bool:
    """Return whether an object says that it belongs to a fleet of another name."""
    return str(_labels(body).get(FLEET_LABEL, fleet.name)) != fleet.name


def _is_elsewhere(fleet: Fleet, one: Manifest) -> bool:
    """Return whether this would be a part of the directory, and is not in this fleet's namespace
    for it: a fleet of the same name with another prefix has one, too.
    """
    return one.kind == "ConfigMap" and one.namespace != fleet.directory_namespace


class _Residents:
    """The organizations of each directory that was read, the first one's entry by name."""

    def __init__(self) -> None:
        self._found: dict[str, Value] = {}
        self.elsewhere: dict[str, tuple[Value, ...]] = {}

    def add(self, said: Iterable[Value]) -> None:
        for one in said:
            first = self._found.setdefault(one.organization, one)
            if first != one:
                others = self.elsewhere.get(one.organization, ())
                self.elsewhere[one.organization] = (*others, one)

    def at(self, homes: Mapping[str, str]) -> dict[str, Value]:
        """Return them, at these homes where an override may send their requests elsewhere."""
        for name, home in homes.items():
            if name in self._found:
                self._found[name] = self._found[name]._replace(cell=home)
                others = self.elsewhere.get(name, ())
                self.elsewhere.update({name: tuple(one._replace(cell=home) for one in others)})
        return self._found


def change_problems(before: Fixed, after: Fleet, definitions: Mapping[str, bytes]) -> list[Problem]:
    """Return what is wrong with a fleet, given what stands or a commit has.

    `definitions` are the files of the state `after`, in which the problems are placed. Also cells
    that are declared no more and stand.
    """
    found = [*forbidden(before, after), *undeclared_findings(before, after)]
    return placed(found, definitions)


def refusals(
    before: Fixed,
    after: Fleet,
    changed: Iterable[Change],
    protected: Iterable[Manifest],
    definitions: Mapping[str, bytes],
) -> list[Problem]:
    """Return everything for which nothing is applied: what never changes, and what is protected.

    What is protected can't be made anew; that a volume grows is no reason to. Clusters are not
    compared: manifests in files name none.
    """
    found = list(forbidden(before, after))
    told = {(one.name, one.code) for one in found if one.kind == "Cell"}
    kept = {(one.stack, one.identity[1:]) for one in protected}
    for one in changed:
        if one.action == "change" and (one.stack, one.manifest.identity[1:]) in kept:
            found += _made_anew(one, told)
    return refusing(placed(found, definitions))


def _made_anew(change: Change, told: Collection[tuple[str, str]]) -> Iterator[Finding]:
    manifest = change.manifest
    for field in change.fields:
        if field.effect < Effect.REPLACE or (change.stack, _TOLD.get(field.path, "")) in told:
            continue
        where = f"{manifest.kind} {manifest.namespace}/{manifest.name}"
        why = f" ({field.why})" if field.why else ""
        message = f"{where} would be made anew for {field.path}{why}"
        yield Finding("Cell", change.stack, ("spec",), "CW406", message, _MADE_ANEW)


def _labels(body: Mapping[str, Any]) -> Mapping[str, Any]:
    return body["metadata"].get("labels") or {}


def _cell_of(fleet: Fleet, one: Manifest) -> str | None:
    """Return the cell whose namespace, database, volume claim or leave to read the directory this
    is, if it is one.
    """
    labels = _labels(one.body)
    cell = labels.get(CELL_LABEL)
    if not cell:
        return None
    namespace = f"{fleet.namespace_prefix}cell-{cell}"
    if one.kind == "Namespace":
        return str(cell) if one.name == namespace else None
    if one.kind == "RoleBinding":
        is_leave = (one.namespace, one.name) == (fleet.directory_namespace, f"router-{cell}")
        return str(cell) if is_leave else None
    is_database = labels.get("app.kubernetes.io/name") == "postgres" and one.kind in _DATA
    return str(cell) if is_database and one.namespace == namespace else None


def _cell(fleet: Fleet, name: str, number: int | None, objects: Iterable[Manifest]) -> FixedCell:
    """Return what a cell's own objects tell, and its id by the directory where they do not."""
    home = fleet.cells[name].cluster if name in fleet.cells else ""
    ordered = sorted(objects, key=lambda one: (one.cluster != home, _ORDER[one.kind]))
    ids = [told for one in ordered if (told := _number(_labels(one.body), CELL_ID_LABEL))]
    spans = [span for one in ordered if (span := id_range_in(_note(one, ID_RANGE)))]
    where = [_shown(one) for one in sorted(ordered, key=lambda one: _ORDER[one.kind])]
    if number is not None and not where:
        where = ["ConfigMap directory-cells"]
    data = next((one.cluster for one in ordered if one.kind in _DATA), "")
    database = next((one for one in ordered if one.kind == "StatefulSet"), None)
    return FixedCell(
        id=ids[0] if ids else number,
        cluster=data or None,
        version=_number(_notes(database), _VERSION) if database else None,
        volume=_volume(database.body) if database else None,
        id_range=spans[0] if spans else None,
        where=tuple(where),
    )


def _shown(one: Manifest) -> str:
    name = f"{one.namespace}/{one.name}" if one.namespace else one.name
    return f"{one.kind} {name}" + (f" in cluster {one.cluster}" if one.cluster else "")


def _notes(one: Manifest) -> Mapping[str, Any]:
    return one.body["metadata"].get("annotations") or {}


def _note(one: Manifest, key: str) -> str:
    return str(_notes(one).get(key, ""))


def _number(texts: Mapping[str, Any], key: str) -> int | None:
    text = str(texts.get(key, ""))
    return int(text) if text.isascii() and text.isdecimal() else None


def _volume(body: Mapping[str, Any]) -> Volume | None:
    for claim in (body.get("spec") or {}).get("volumeClaimTemplates") or ():
        if (claim.get("metadata") or {}).get("name") == "data":
            spec = claim.get("spec") or {}
            requests = (spec.get("resources") or {}).get("requests") or {}
            return Volume(str(requests.get("storage", "")), spec.get("storageClassName"))
    return None
