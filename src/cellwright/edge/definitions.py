"""Reads the files of definitions, every one of them: what can't be read is a fault.

A file that nothing would read is a fault too, since someone meant something by it. Names
that start with a dot, and `.md` files, belong to people and their tools and are left alone.
Refuses to interpret what it reads, and to load pathlib: a check of what has not changed reads
everything and ends before that would pay.
"""

import os
import stat
from collections.abc import Iterator

from cellwright.layout import DEFINITIONS, LEDGER

ENDINGS = (".yaml", ".yml", ".jsonl")
MAX_BYTES = 256 * 1024 * 1024

Fault = tuple[str, str, str, str]
"""What is wrong with a file as a whole: its name, the problem's code, message and hint."""


def read_definitions(root: str, faults: list[Fault]) -> dict[str, bytes]:
    """Return the contents of all definition files by path below `root`, in order."""
    found = {}
    for folder in DEFINITIONS:
        for name in sorted(_files(root, folder, faults), key=_parts):
            data = read_file(root, name, faults)
            if data is not None:
                found[name] = data
    return found


def read_file(root: str, name: str, faults: list[Fault]) -> bytes | None:
    """Return what the file `name` below `root` holds; or None, with a fault."""
    path = f"{root}/{name}"
    try:
        found = os.stat(path)
        if not stat.S_ISREG(found.st_mode):
            faults.append(_unreadable(name, "not a regular file"))
            return None
        size = found.st_size
        if size > MAX_BYTES:
            message = f"{size} bytes, more than {MAX_BYTES}"
            faults.append((name, "CW007", message, "spread bulk organizations over several files"))
            return None
        with open(path, "rb", buffering=0) as file:
            return file.read()
    except OSError as error:
        hint = f"it is a link to {os.readlink(path)}" if os.path.islink(path) else ""
        faults.append(_unreadable(name, _reason(error), hint))
        return None


def _files(root: str, folder: str, faults: list[Fault]) -> Iterator[str]:
    top = f"{root}/{folder}"
    if not os.path.isdir(top):
        if os.path.lexists(top):
            faults.append(_unreadable(folder, "not a folder"))
        elif folder == "cells":
            hint = "cells and the fleet are declared there"
            faults.append(_unreadable(folder, "the folder is missing", hint))
        return

    def failed(error: OSError) -> None:
        name = _shown(os.fspath(error.filename or top)[len(root) + 1 :])
        faults.append(_unreadable(name, _reason(error)))

    for here, folders, names in os.walk(top, onerror=failed):
        below = here[len(root) + 1 :]
        own = sorted(one for one in folders if not one.startswith("."))
        folders[:] = [one for one in own if _is_followed(root, f"{below}/{one}", faults)]
        for one in sorted(names):
            if not one.startswith(".") and _is_read(f"{below}/{one}", faults):
                yield f"{below}/{one}"


def _parts(name: str) -> list[str]:
    return name.split("/")


def _is_followed(root: str, name: str, faults: list[Fault]) -> bool:
    if os.path.islink(f"{root}/{name}"):
        faults.append(_unreadable(_shown(name), "a link to a folder, which is not followed"))
        return False
    if name.endswith(ENDINGS):
        faults.append(_unreadable(_shown(name), "a folder where a file should be"))
        return False
    return True


def _is_read(name: str, faults: list[Fault]) -> bool:
    shown = _shown(name)
    if name.encode(errors="replace") != os.fsencode(name):
        faults.append(_unreadable(shown, "its name is not UTF-8", "give it another name"))
        return False
    ending = os.path.splitext(name)[1]
    if ending in ENDINGS or name == LEDGER:
        return True
    if ending != ".md":
        hint = "definitions end in " + ", ".join(ENDINGS)
        if ending.lower() in ENDINGS:
            hint = "write the ending in lower case"
        elif ending == ".json":
            hint = "write each definition on one line of a .jsonl file, or as YAML"
        elif ending == ".csv":
            hint = f"the ledger is {LEDGER}"
        faults.append((shown, "CW008", "nothing reads this file", hint))
    return False


def _shown(name: str) -> str:
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _unreadable(name: str, message: str, hint: str = "") -> Fault:
    return name, "CW001", message, hint


def _reason(error: OSError) -> str:
    return f"can't be read: {(error.strerror or str(error)).lower()}"
