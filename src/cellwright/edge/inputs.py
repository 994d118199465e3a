"""Reads all of a workspace that a plan depends on, once, as bytes.

Refuses to understand it (`edge.files` makes a snapshot of it): by its digest alone a run can know
that nothing has changed.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence

from cellwright.edge.definitions import Fault, read_definitions, read_file
from cellwright.layout import API_TYPES, DEFINITIONS, TEMPLATES, VALUES_SCHEMA

_NO_TEMPLATES = (".yaml", ".yml", ".json")


class Inputs:
    """The contents of a workspace's files by path, and what is wrong with them as files."""

    __slots__ = ("faults", "files")

    def __init__(self, files: Mapping[str, bytes], faults: Sequence[Fault]) -> None:
        self.files = files
        self.faults = faults

    def definitions(self) -> dict[str, bytes]:
        """Return the files of definitions and the ledger, in order."""
        return {
            name: data for name, data in self.files.items() if name.partition("/")[0] in DEFINITIONS
        }

    def digest(self) -> str:
        """Return the SHA-256 of everything that was read, in hexadecimal."""
        found = hashlib.sha256(repr(self.faults).encode(errors="backslashreplace"))
        for name, data in self.files.items():
            found.update(f"{name!r} {len(data)} ".encode(errors="backslashreplace"))
            found.update(data)
        return found.hexdigest()


def read_inputs(root: str) -> Inputs:
    """Return everything in a workspace that a plan of it depends on."""
    faults: list[Fault] = []
    files = read_definitions(root, faults)
    names = [*_templates(root, faults), *_types(root)]
    if os.path.exists(f"{root}/{VALUES_SCHEMA}"):
        names.append(VALUES_SCHEMA)
    for name in names:
        data = read_file(root, name, faults)
        if data is not None:
            files[name] = data
    return Inputs(files, faults)


def _templates(root: str, faults: list[Fault]) -> Iterator[str]:
    if os.path.lexists(f"{root}/{TEMPLATES}"):
        _enter(root, TEMPLATES, faults)
    for here, folders, names in os.walk(f"{root}/{TEMPLATES}"):
        folders.sort()
        below = here[len(root) + 1 :]
        folders[:] = [one for one in folders if _enter(root, f"{below}/{one}", faults)]
        for one in sorted(names):
            name = f"{below}/{one}"
            stem, ending = os.path.splitext(one)
            if ending == ".j2":
                yield name
            elif ending in _NO_TEMPLATES:
                hint = f"templates are named {stem}.yaml.j2"
                faults.append((name, "CW001", "not a template, so unused", hint))


def _enter(root: str, name: str, faults: list[Fault]) -> bool:
    """Tell whether a folder's templates are read; if not, that is a fault."""
    path = f"{root}/{name}"
    message = ""
    if not os.path.isdir(path):
        message = "not a folder"
    elif name.endswith(".j2"):
        message = "a folder where a file should be"
    elif os.path.islink(path) and name != TEMPLATES:
        message = "a link to a folder, which is not followed"
    elif not os.access(path, os.R_OK | os.X_OK):
        message = "can't be read: permission denied"
    if message:
        faults.append((name, "CW001", message, ""))
    return not message


def _types(root: str) -> list[str]:
    folder = f"{root}/{API_TYPES}"
    if not os.path.isdir(folder):
        return []
    return [f"{API_TYPES}/{one}" for one in sorted(os.listdir(folder)) if one.endswith(".json")]
