"""Reads a workspace once, whole, into a snapshot; writes rendered manifests.

What can't be read is a problem in the snapshot, not an exception. Refuses to interpret what it
reads.
"""

import json
import os
from importlib.resources import files
from pathlib import Path
from typing import Any

from cellwright.plan import Snapshot
from cellwright.problem import Place, Problem

DEFINITION_FOLDERS = ("cells", "organizations")
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
    return Snapshot(definitions, _schemas(), _templates(root, problems), tuple(problems))


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
        for path in sorted(folder.rglob("*.j2")):
            name = path.relative_to(folder).as_posix()
            data = _read_file(path, f"templates/{name}", problems)
            try:
                found[name] = (data or b"").decode("utf-8")
            except UnicodeDecodeError:
                problem = Problem(Place(f"templates/{name}"), "", "CW002", "not UTF-8")
                problems.append(problem)
    return found
