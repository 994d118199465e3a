"""Reads the files of definitions, every one of them: what can't be read is a problem.

A file that nothing would read is a problem too, since someone meant something by it. Names
that start with a dot, and `.md` files, belong to people and their tools and are left alone.
Refuses to interpret what it reads.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from cellwright.problem import Place, Problem
from cellwright.snapshot import LEDGER

FOLDERS = ("cells", "organizations")
ENDINGS = (".yaml", ".yml", ".jsonl")
MAX_BYTES = 256 * 1024 * 1024


def read_definitions(root: Path, problems: list[Problem]) -> dict[str, bytes]:
    """Return the contents of all definition files by path below `root`, in order."""
    found = {}
    for folder in FOLDERS:
        for path in sorted(_files(root, folder, problems)):
            name = path.relative_to(root).as_posix()
            data = read_file(path, name, problems)
            if data is not None:
                found[name] = data
    return found


def read_file(path: Path, name: str, problems: list[Problem]) -> bytes | None:
    """Return what a file holds; or None, with a problem of the file called `name`."""
    try:
        if not path.is_file():
            path.stat()  # raises if that is why
            problems.append(_unreadable(name, "not a regular file"))
            return None
        size = path.stat().st_size
        if size > MAX_BYTES:
            message = f"{size} bytes, more than {MAX_BYTES}"
            hint = "spread bulk organizations over several files"
            problems.append(Problem(Place(name), "", "CW007", message, hint))
            return None
        return path.read_bytes()
    except OSError as error:
        hint = f"it is a link to {path.readlink()}" if path.is_symlink() else ""
        problems.append(_unreadable(name, _reason(error), hint))
        return None


def _files(root: Path, folder: str, problems: list[Problem]) -> Iterator[Path]:
    top = root / folder
    if not top.is_dir():
        if os.path.lexists(top):
            problems.append(_unreadable(folder, "not a folder"))
        elif folder == "cells":
            hint = "cells and the fleet are declared there"
            problems.append(_unreadable(folder, "the folder is missing", hint))
        return

    def failed(error: OSError) -> None:
        where = Path(error.filename or top).relative_to(root).as_posix()
        problems.append(_unreadable(where, _reason(error)))

    for here, folders, names in os.walk(top, onerror=failed):
        below = [one for one in folders if not one.startswith(".")]
        folders[:] = []
        for one in sorted(below):
            path = Path(here, one)
            if _is_followed(path, root, problems):
                folders.append(one)
        for one in sorted(names):
            if not one.startswith(".") and _is_read(Path(here, one), root, problems):
                yield Path(here, one)


def _is_followed(path: Path, root: Path, problems: list[Problem]) -> bool:
    name = _shown(path, root)
    if path.is_symlink():
        problems.append(_unreadable(name, "a link to a folder, which is not followed"))
        return False
    if path.suffix in ENDINGS:
        problems.append(_unreadable(name, "a folder where a file should be"))
        return False
    return True


def _is_read(path: Path, root: Path, problems: list[Problem]) -> bool:
    name = _shown(path, root)
    if path.name.encode(errors="replace") != os.fsencode(path.name):
        problems.append(_unreadable(name, "its name is not UTF-8", "give it another name"))
        return False
    if path.suffix in ENDINGS or name == LEDGER:
        return True
    if path.suffix != ".md":
        hint = "definitions end in " + ", ".join(ENDINGS)
        if path.suffix.lower() in ENDINGS:
            hint = "write the ending in lower case"
        elif path.suffix == ".json":
            hint = "write each definition on one line of a .jsonl file, or as YAML"
        elif path.suffix == ".csv":
            hint = f"the ledger is {LEDGER}"
        problems.append(Problem(Place(name), "", "CW008", "nothing reads this file", hint))
    return False


def _shown(path: Path, root: Path) -> str:
    name = path.relative_to(root).as_posix()
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _unreadable(name: str, message: str, hint: str = "") -> Problem:
    return Problem(Place(name), "", "CW001", message, hint)


def _reason(error: OSError) -> str:
    return f"can't be read: {(error.strerror or str(error)).lower()}"
