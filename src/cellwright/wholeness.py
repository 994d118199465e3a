"""Whether each cluster has all of its directory, as far as something can be compared with it.

Where organizations live and which ids were used is known from the directory alone. Without a part
of it, every other home and every used id would pass as new, beside databases that hold the rows.
Refuses to read clusters.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from cellwright.changes import DIRECTORY, HISTORY
from cellwright.fixed import Finding
from cellwright.history import pieces_named_in
from cellwright.identity import APPLIED_ANNOTATION, CELL_LABEL, LAST_RUN_ANNOTATION
from cellwright.manifest import Manifest
from cellwright.model import Fleet

CELLS = "directory-cells"
MEMORY = "directory-history"
SHARDS = "cellwright.dev/shards"
"""The annotation of `directory-cells` with the number of shards."""
_CHECKSUM = "cellwright.dev/checksum"
_DATA = ("StatefulSet", "PersistentVolumeClaim")
_MOST_NAMED = 3
_HINT = (
    "apply a backup of it; or, if the definitions still are those that were applied last, "
    "`cellwright adopt` makes what is missing from them"
)


class Directory(NamedTuple):
    """What a cluster has of a directory that must be there: the names of what is missing, and of
    what was changed by hand. `attempt` is what a run that did not end well was to publish.
    """

    missing: tuple[str, ...]
    damaged: tuple[str, ...]
    attempt: str


def directories(fleet: Fleet, held: Iterable[Manifest]) -> dict[str, Directory]:
    """Return the directories of clusters that hold data of the fleet's cells.

    `held` are the fleet's objects as clusters have them. A cluster whose directory was never
    whole, since the first run for it has not ended, has none.
    """
    by_cluster: defaultdict[str, list[Manifest]] = defaultdict(list)
    for one in held:
        by_cluster[one.cluster].append(one)
    return {
        cluster: _directory(fleet, objects)
        for cluster, objects in by_cluster.items()
        if _must_be(fleet, objects)
    }


def directory_findings(
    fleet: Fleet, held: Mapping[str, Directory], declared: Iterable[Manifest] = ()
) -> Iterator[Finding]:
    """Yield which clusters lack a part of their directory.

    A run that did not end well may have left it so: whoever applies the very same again, goes on.
    """
    listed = list(declared)
    for cluster, directory in held.items():
        goes_on = directory.attempt and directory.attempt == digest_of(listed, cluster)
        wrong = [
            f"{word}: {_named(names)}"
            for word, names in (
                ("missing", directory.missing),
                ("changed by hand", directory.damaged),
            )
            if names
        ]
        if not wrong or goes_on:
            continue
        message = (
            f"the directory in cluster {cluster} is not whole ({'; '.join(wrong)}): whether ids "
            "and homes stay as they are can't be told"
        )
        hint = _HINT
        if directory.attempt:
            hint = f"apply the definitions that the run which ended early was to apply; else {hint}"
        yield Finding("Fleet", fleet.name, ("metadata", "name"), "CW413", message, hint)


def _named(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def digest_of(declared: Iterable[Manifest], cluster: str) -> str:
    """Return what stands for the directory that manifests publish in a cluster, in hexadecimal.

    Its history is left out: it goes on from what is there. Empty without a directory.
    """
    tables = sorted(
        (one.name, json.dumps(one.body["data"]))
        for one in declared
        if one.cluster == cluster and one.kind == "ConfigMap" and DIRECTORY in _labels(one)
    )
    return hashlib.sha256(json.dumps(tables).encode()).hexdigest() if tables else ""


def _attempt_noted_on(namespace: Manifest) -> str:
    """Return the digest that the last run noted on the directory's namespace, unless it ended well.

    Empty where nothing can be read.
    """
    try:
        said = json.loads(str(_notes(namespace).get(LAST_RUN_ANNOTATION)))
        return "" if said["result"] == "succeeded" else str(said.get("directory") or "")
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        return ""


def _must_be(fleet: Fleet, objects: Iterable[Manifest]) -> bool:
    """Return whether a cluster holds a cell's data, and has or had a directory.

    A cell is ready only if its routers have read the directory.
    """
    has_data = was_whole = False
    for one in objects:
        cell = f"{fleet.namespace_prefix}cell-{_labels(one).get(CELL_LABEL)}"
        if one.kind in _DATA:
            has_data = has_data or one.namespace == cell
        elif one.kind == "Namespace" and one.name in (cell, fleet.directory_namespace):
            was_whole = was_whole or APPLIED_ANNOTATION in _notes(one)
        else:
            was_whole = was_whole or _is_part(fleet, one)
    return has_data and was_whole


def _directory(fleet: Fleet, objects: Iterable[Manifest]) -> Directory:
    parts: dict[str, Manifest] = {}
    attempt = ""
    for one in objects:
        if one.kind == "Namespace" and one.name == fleet.directory_namespace:
            attempt = _attempt_noted_on(one)
        if _is_part(fleet, one):
            parts[one.name] = one
    expected = [CELLS, *(f"directory-{number:02d}" for number in range(_shards(fleet, parts)))]
    expected.append(MEMORY)
    if MEMORY in parts:
        expected += pieces_named_in(_text(parts[MEMORY]))
    damaged = [name for name, one in parts.items() if not _is_as_published(one)]
    return Directory(
        tuple(name for name in expected if name not in parts), tuple(sorted(damaged)), attempt
    )


def _is_part(fleet: Fleet, one: Manifest) -> bool:
    is_here = one.kind == "ConfigMap" and one.namespace == fleet.directory_namespace
    return is_here and (DIRECTORY in _labels(one) or HISTORY in _labels(one))


def _shards(fleet: Fleet, parts: Mapping[str, Manifest]) -> int:
    """Return of how many shards a directory is, by its own word, or else by the definitions."""
    said = str(_notes(parts[CELLS]).get(SHARDS, "")) if CELLS in parts else ""
    return int(said) if said.isascii() and said.isdecimal() and len(said) < 5 else fleet.shards


def _is_as_published(one: Manifest) -> bool:
    checksum = _notes(one).get(_CHECKSUM)
    if checksum is None:
        return HISTORY in _labels(one)
    return hashlib.sha256(_text(one).encode("utf-8", "surrogatepass")).hexdigest() == checksum


def _text(one: Manifest) -> str:
    """Return what its checksum is of: all but the homes beside a shard's table."""
    data = one.body.get("data") or {}
    return "".join(str(text) for key, text in data.items() if key != "homes")


def _labels(one: Manifest) -> Mapping[str, object]:
    return one.body["metadata"].get("labels") or {}


def _notes(one: Manifest) -> Mapping[str, object]:
    return one.body["metadata"].get("annotations") or {}
