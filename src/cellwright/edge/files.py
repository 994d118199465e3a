"""Reads a workspace once, whole, into a snapshot; writes rendered manifests.

What can't be read is a problem in the snapshot, not an exception. Refuses to interpret what it
reads.
"""

import json
import os
from importlib.resources import files
from pathlib import Path
from typing import Any

from cellwright.api_types import checked_types
from cellwright.problem import Place, Problem
from cellwright.snapshot import Snapshot

DEFINITION_FOLDERS = ("cells", "organizations")
SHIPPED = "shipped/"
VALUES_SCHEMA = "schemas/values.json"
MAX_BYTES = 256 * 1024 * 1024


def read(root: Path) -> Snapshot:
    """Return everything that a plan of the workspace needs."""
    problems: list[Problem] = []
    definitions: dict[str, bytes] = {}
    for folder in DEFINITION_FOLDERS:
        for path in _definition_files(root, root / folder, problems):
            name = path.relative_to(root).as_posix()
            data = _read_file(path, name, problems)
            if data is not None:
                definitions[name] = data
    templates = _templates(root, problems)
    types = _api_types(root, problems)
    values = _values_schema(root, problems)
    return Snapshot(definitions, _schemas(), templates, types, values, tuple(problems))


def _definition_files(root: Path, folder: Path, problems: list[Problem]) -> list[Path]:
    name = folder.relative_to(root).as_posix()
    if not folder.exists():
        if name == "cells":
            hint = "cells and the fleet are declared there"
            problems.append(Problem(Place(name), "", "CW001", "the folder is missing", hint))
        return []

    def failed(error: OSError) -> None:
        where = Path(error.filename or folder).relative_to(root).as_posix()
        problems.append(Problem(Place(where), "", "CW001", f"can't be read: {error.strerror}"))

    found = []
    for top, folders, names in os.walk(folder, onerror=failed):
        folders.sort()
        here = Path(top)
        for one in sorted(folders):
            if one.endswith((".yaml", ".yml", ".jsonl")) or (here / one).is_symlink():
                where = (here / one).relative_to(root).as_posix()
                message = "a folder where a file should be"
                if (here / one).is_symlink():
                    message = "a link to a folder, which is not followed"
                problems.append(Problem(Place(where), "", "CW001", message))
        found += [here / one for one in sorted(names) if one.endswith((".yaml", ".yml", ".jsonl"))]
    return found


def _read_file(path: Path, name: str, problems: list[Problem]) -> bytes | None:
    try:
        size = path.stat().st_size
        if not path.is_file():
            problems.append(Problem(Place(name), "", "CW001", "not a regular file"))
            return None
        if size > MAX_BYTES:
            message = f"{size} bytes, more than {MAX_BYTES}"
            hint = "spread bulk organizations over several files"
            problems.append(Problem(Place(name), "", "CW001", message, hint))
            return None
        return path.read_bytes()
    except OSError as error:
        problems.append(Problem(Place(name), "", "CW001", f"can't be read: {error.strerror}"))
        return None


def _schemas() -> dict[str, Any]:
    folder = files("cellwright") / "schemas"
    return {
        one.name: json.loads(one.read_text("utf-8"))
        for one in folder.iterdir()
        if one.name.endswith(".json")
    }


def _templates(root: Path, problems: list[Problem]) -> dict[str, str]:
    """Return the shipped templates, with the workspace's own of the same names over them."""
    shipped = Path(str(files("cellwright") / "templates"))
    found: dict[str, str] = {}
    for folder in (shipped, root / "templates"):
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            place = Place(f"templates/{name}")
            if path.suffix in (".yaml", ".yml", ".json"):
                hint = f"templates are named {path.stem}.yaml.j2"
                problems.append(Problem(place, "", "CW001", "not a template, so unused", hint))
            if path.suffix != ".j2":
                continue
            if name.startswith(SHIPPED):
                message = f"{SHIPPED} stands for the templates that are shipped"
                problems.append(Problem(place, "", "CW001", message, "use another folder"))
                continue
            data = _read_file(path, f"templates/{name}", problems)
            try:
                found[name] = (data or b"").decode("utf-8")
            except UnicodeDecodeError:
                problems.append(Problem(place, "", "CW002", "not UTF-8"))
            if folder == shipped:
                found[SHIPPED + name] = found[name]
    return found


def _values_schema(root: Path, problems: list[Problem]) -> Any:
    path = root / VALUES_SCHEMA
    if not path.exists():
        return None
    try:
        return json.loads(_read_file(path, VALUES_SCHEMA, problems) or b"true")
    except ValueError as error:
        problems.append(Problem(Place(VALUES_SCHEMA), "", "CW221", f"not JSON: {error}"))
        return None


def _api_types(root: Path, problems: list[Problem]) -> dict[str, Any]:
    """Return the shipped types under the empty name, and a workspace's by name of cluster."""
    shipped = files("cellwright") / "kubernetes" / "types.json"
    found = {"": json.loads(shipped.read_text("utf-8"))}
    for path in sorted((root / "schemas" / "kubernetes").glob("*.json")):
        name = path.relative_to(root).as_posix()
        try:
            document = json.loads(_read_file(path, name, problems) or b"null")
            found[path.stem] = checked_types(document)
        except ValueError as error:
            hint = f"make it again: `cellwright types --cluster {path.stem}`"
            problems.append(Problem(Place(name), "", "CW002", f"not types: {error}", hint))
    return found
