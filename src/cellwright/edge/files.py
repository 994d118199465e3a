"""Makes a snapshot of a workspace: what was read of it, and what is shipped with the package.

What can't be read is a problem in the snapshot, not an exception. Refuses to interpret what it
reads.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cellwright.edge.definitions import Fault, read_definitions, read_file
from cellwright.edge.inputs import Inputs, read_inputs
from cellwright.edge.shipped import PACKAGE, schemas
from cellwright.layout import API_TYPES, TEMPLATES, VALUES_SCHEMA
from cellwright.problem import Place, Problem
from cellwright.snapshot import SHIPPED, Snapshot


def read(root: Path) -> Snapshot:
    """Return everything that a plan of the workspace needs."""
    return snapshot(read_inputs(str(root)))


def snapshot(inputs: Inputs) -> Snapshot:
    """Return what a plan needs, given what was read of the workspace."""
    files = inputs.files
    problems = _problems(inputs.faults)
    templates = _templates(_below(TEMPLATES, files), problems)
    types = _api_types(_below(API_TYPES, files), problems)
    values = _values_schema(files.get(VALUES_SCHEMA), problems)
    return Snapshot(inputs.definitions(), schemas(), templates, types, values, tuple(problems))


def read_declared(root: Path) -> Snapshot:
    """Return what the fleet of the workspace is made from; nothing can be rendered with it."""
    faults: list[Fault] = []
    definitions = read_definitions(str(root), faults)
    schema = None
    if (root / VALUES_SCHEMA).exists():
        schema = read_file(str(root), VALUES_SCHEMA, faults)
    problems = _problems(faults)
    values = _values_schema(schema, problems)
    return Snapshot(definitions, schemas(), {}, {}, values, tuple(problems))


def _problems(faults: Iterable[Fault]) -> list[Problem]:
    return [Problem(Place(name), "", *said) for name, *said in faults]


def _below(folder: str, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files of a folder by path below it."""
    top = f"{folder}/"
    return {name[len(top) :]: data for name, data in files.items() if name.startswith(top)}


def _templates(own: Mapping[str, bytes], problems: list[Problem]) -> dict[str, str]:
    """Return the shipped templates, with the workspace's own of the same names over them."""
    found = {}
    for path in sorted((PACKAGE / TEMPLATES).rglob("*.j2")):
        name = path.relative_to(PACKAGE / TEMPLATES).as_posix()
        found[name] = found[SHIPPED + name] = path.read_text("utf-8")
    for name, data in own.items():
        place = Place(f"{TEMPLATES}/{name}")
        if name.startswith(SHIPPED):
            message = f"{SHIPPED} stands for the templates that are shipped"
            problems.append(Problem(place, "", "CW001", message, "use another folder"))
            continue
        try:
            found[name] = data.decode("utf-8")
        except UnicodeDecodeError:
            problems.append(Problem(place, "", "CW002", "not UTF-8"))
    return found


def _values_schema(data: bytes | None, problems: list[Problem]) -> Any:
    if data is None:
        return None
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        problems.append(Problem(Place(VALUES_SCHEMA), "", "CW221", f"not JSON: {error}"))
        return None


def _api_types(own: Mapping[str, bytes], problems: list[Problem]) -> dict[str, Any]:
    """Return the shipped types under the empty name, and a workspace's by name of cluster."""
    shipped = PACKAGE / "kubernetes" / "types.json"
    found = {"": json.loads(shipped.read_text("utf-8"))}
    for file, data in own.items():
        cluster = file.removesuffix(".json")
        from cellwright.api_types import checked_types  # noqa: PLC0415 - few workspaces have any

        try:
            found[cluster] = checked_types(json.loads(data))
        except (ValueError, RecursionError) as error:
            hint = f"make it again: `cellwright types --cluster {cluster}`"
            place = Place(f"{API_TYPES}/{file}")
            problems.append(Problem(place, "", "CW002", f"not types: {error}", hint))
    return found
