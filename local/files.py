"""Files and folders that another process may look at, or a kill may hit, at any moment.

Writes are complete or absent; locks die with their holder; digests say whether inputs changed.
"""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

IGNORED = frozenset({"__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"})


def write_atomically(path: Path, text: str, mode: int = 0o644) -> None:
    """Put `text` into `path`, which is never seen half written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as sink:
            sink.write(text)
        temporary.chmod(mode)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def recorded(path: Path) -> str | None:
    """Return the text of a small file, or None where there is no such file."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def digest(paths: Iterable[Path], *words: str) -> str:
    """SHA-256 (hex) over words and the names, modes and bytes of files and folders."""
    total = hashlib.sha256()
    for word in words:
        total.update(word.encode() + b"\0")
    for path in paths:
        for file in _files(path):
            name = file.relative_to(path.parent).as_posix()
            executable = os.access(file, os.X_OK)
            total.update(f"{name}\0{executable}\0".encode())
            total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return sorted(
        file for file in path.rglob("*") if file.is_file() and not IGNORED & set(file.parts)
    )


@contextmanager
def locked(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold an exclusive lock; `waiting` is called once when another process has it.

    The kernel drops it when the holder dies, so that a kill leaves no lock behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """Give an empty folder below `folder`, gone at the end.

    The caller holds a lock, so what a killed run left in `folder` is removed first.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def publish(made: Path, final: Path) -> None:
    """Move a finished folder to its final name, in one step; a former one is removed."""
    final.parent.mkdir(parents=True, exist_ok=True)
    if final.exists():
        former = made.with_name(made.name + ".former")
        final.rename(former)
        made.rename(final)
        shutil.rmtree(former)
    else:
        made.rename(final)
