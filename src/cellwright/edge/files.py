"""Reads a workspace once, whole, into a snapshot.

What can't be read is a problem in the snapshot, not an exception. Refuses to interpret what it
reads.
"""

import json
import os
from pathlib import Path
from typing import Any

from cellwright.edge.definitions import read_definitions, read_file
from cellwright.edge.shipped import PACKAGE, schemas
from cellwright.problem import Place, Problem
from cellwright.snapshot import SHIPPED, Snapshot

VALUES_SCHEMA = "schemas/values.json"


def read(root: Path) -> Snapshot:
    """Return everything that a plan of the workspace needs."""
    problems: list[Problem] = []
    definitions = read_definitions(root, problems)
    templates = _templates(root, problems)
    types = _api_types(root, problems)
    values = _values_schema(root, problems)
    return Snapshot(definitions, schemas(), templates, types, values, tuple(problems))


def read_declared(root: Path) -> Snapshot:
    """Return what the fleet of the workspace is made from; nothing can be rendered with it."""
    problems: list[Problem] = []
    definitions = read_definitions(root, problems)
    values = _values_schema(root, problems)
    return Snapshot(definitions, schemas(), {}, {}, values, tuple(problems))


def _templates(root: Path, problems: list[Problem]) -> dict[str, str]:
    """Return the shipped templates, with the workspace's own of the same names over them."""
    shipped = PACKAGE / "templates"
    found: dict[str, str] = {}
    own = root / "templates"
    if os.path.lexists(own):
        problems += _not_entered(own, Place("templates"))
    for folder in (shipped, own):
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            place = Place(f"templates/{name}")
            if path.is_dir():
                problems += _not_entered(path, place)
                continue
            if path.suffix in (".yaml", ".yml", ".json"):
                hint = f"templates are named {path.stem}.yaml.j2"
                problems.append(Problem(place, "", "CW001", "not a template, so unused", hint))
            if path.suffix != ".j2":
                continue
            if name.startswith(SHIPPED):
                message = f"{SHIPPED} stands for the templates that are shipped"
                problems.append(Problem(place, "", "CW001", message, "use another folder"))
                continue
            data = read_file(path, f"templates/{name}", problems)
            try:
                found[name] = (data or b"").decode("utf-8")
            except UnicodeDecodeError:
                problems.append(Problem(place, "", "CW002", "not UTF-8"))
            if folder == shipped:
                found[SHIPPED + name] = found[name]
    return found


def _not_entered(folder: Path, place: Place) -> list[Problem]:
    """Return a problem for a folder whose templates would be passed over."""
    message = ""
    if not folder.is_dir():
        message = "not a folder"
    elif folder.suffix == ".j2":
        message = "a folder where a file should be"
    elif folder.is_symlink() and place.file != "templates":
        message = "a link to a folder, which is not followed"
    elif not os.access(folder, os.R_OK | os.X_OK):
        message = "can't be read: permission denied"
    return [Problem(place, "", "CW001", message)] if message else []


def _values_schema(root: Path, problems: list[Problem]) -> Any:
    path = root / VALUES_SCHEMA
    if not path.exists():
        return None
    try:
        return json.loads(read_file(path, VALUES_SCHEMA, problems) or b"true")
    except (ValueError, RecursionError) as error:
        problems.append(Problem(Place(VALUES_SCHEMA), "", "CW221", f"not JSON: {error}"))
        return None


def _api_types(root: Path, problems: list[Problem]) -> dict[str, Any]:
    """Return the shipped types under the empty name, and a workspace's by name of cluster."""
    shipped = PACKAGE / "kubernetes" / "types.json"
    found = {"": json.loads(shipped.read_text("utf-8"))}
    for path in sorted((root / "schemas" / "kubernetes").glob("*.json")):
        name = path.relative_to(root).as_posix()
        from cellwright.api_types import checked_types  # noqa: PLC0415 - few workspaces have any

        try:
            document = json.loads(read_file(path, name, problems) or b"null")
            found[path.stem] = checked_types(document)
        except (ValueError, RecursionError) as error:
            hint = f"make it again: `cellwright types --cluster {path.stem}`"
            problems.append(Problem(Place(name), "", "CW002", f"not types: {error}", hint))
    return found
