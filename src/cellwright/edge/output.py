"""Writes rendered manifests into a folder, and takes away what it wrote before.

A list of what was written, with its digests, stays in the folder. Refuses to touch files that
are not on the list, or that somebody has changed since.
"""

import hashlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

INDEX = ".cellwright-rendered"
_HEADER = "# Written by `cellwright render`: SHA-256 and path of each file that it keeps here.\n"


@dataclass(frozen=True, slots=True)
class Written:
    """How many files were written, were the same, or were removed; and which stale ones stay."""

    written: int
    unchanged: int
    removed: int
    kept: tuple[str, ...]


def write(folder: Path, texts: Mapping[str, str], stacks: frozenset[str] | None) -> Written:
    """Make `folder` hold exactly `texts` (by path) of what this function ever wrote to it.

    With `stacks`, files of other stacks (their first folders) are left alone. Raises
    FileExistsError, before anything is written, for a file that somebody else made or changed.
    """
    index = _read_index(folder)
    digests = {path: _digest(text.encode()) for path, text in texts.items()}
    _refuse_others(folder, digests, index)
    unchanged = 0
    for path, text in texts.items():
        if _digest_of(folder / path) == digests[path]:
            unchanged += 1
        else:
            _write(folder / path, text)
    removed, kept = 0, []
    left = {}
    for path, digest in index.items():
        if path in texts:
            continue
        if stacks is not None and path.split("/")[0] not in stacks:
            left[path] = digest
            continue
        found = _digest_of(folder / path)
        if found == digest:
            (folder / path).unlink()
            _remove_empty(folder, (folder / path).parent)
            removed += 1
        elif found is not None:
            kept.append(path)
    _write_index(folder, {**left, **digests})
    return Written(len(texts) - unchanged, unchanged, removed, tuple(kept))


def read_tree(folder: Path) -> dict[str, bytes]:
    """Return what `write` left in a folder: the bytes of each listed file, by path.

    Raises FileNotFoundError if the folder was not written by it, or a listed file is missing.
    """
    if not (folder / INDEX).is_file():
        raise FileNotFoundError(f"{folder}: was not written by `cellwright render` (no {INDEX})")
    return {path: (folder / path).read_bytes() for path in _read_index(folder)}


def _refuse_others(folder: Path, digests: Mapping[str, str], index: Mapping[str, str]) -> None:
    for path, digest in digests.items():
        found = _digest_of(folder / path)
        if found is None or found in (digest, index.get(path)):
            continue
        what = "has been changed since" if path in index else "was not written by cellwright"
        raise FileExistsError(f"{folder / path}: {what}; move it away, or render elsewhere")


def _read_index(folder: Path) -> dict[str, str]:
    index = folder / INDEX
    if not index.is_file():
        return {}
    found = {}
    for line in index.read_text("utf-8").splitlines():
        digest, _, path = line.partition("  ")
        if path and not line.startswith("#"):
            if path.startswith("/") or ".." in path.split("/"):
                raise FileExistsError(f"{index}: {path} is not a path inside of the folder")
            found[path] = digest
    return found


def _write_index(folder: Path, digests: Mapping[str, str]) -> None:
    lines = [f"{digest}  {path}\n" for path, digest in sorted(digests.items())]
    text = _HEADER + "".join(lines)
    if _digest_of(folder / INDEX) != _digest(text.encode()):
        _write(folder / INDEX, text)


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(dir=path.parent, prefix=".cellwright-", suffix=".tmp")
    try:
        with os.fdopen(number, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        mask = os.umask(0)
        os.umask(mask)
        Path(name).chmod(0o666 & ~mask)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _remove_empty(top: Path, folder: Path) -> None:
    while folder != top and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _digest_of(path: Path) -> str | None:
    return _digest(path.read_bytes()) if path.is_file() else None
