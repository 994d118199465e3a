"""Writes a checkpoint as the state of a stack, as a self-managed backend in a folder keeps it.

What is replaced stays beside under another name. Nothing is written while a run of Pulumi holds
the stack, and none can begin meanwhile. Refuses to choose the checkpoint.
"""

import json
import os
import shutil
import socket
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cellwright.checkpoint import Checkpoint, compressed
from cellwright.edge.failure import CommandError
from cellwright.edge.state_files import Backend, StackFiles, StateFile, attributes, read_stack

_SPARE = 64 * 1024
"""Bytes that must be free beyond what is written, for the folder's own needs."""


@dataclass(frozen=True, slots=True)
class Restored:
    """The files that were kept beside, and the unreadable locks that were removed."""

    kept: tuple[Path, ...]
    unlocked: tuple[Path, ...]


def restore(backend: Backend, files: StackFiles, chosen: StateFile | None) -> Restored:
    """Make the chosen checkpoint the state of the stack, and remove locks that nobody can read.

    Without a chosen one only the locks are removed. The state and its backup are on disk when
    this returns. Raises CommandError, before anything is changed, if a run holds the stack, if
    the files have changed since they were read, or if there is not enough space.
    """
    checkpoint = chosen.checkpoint if chosen else None
    if checkpoint:
        _require_space(files.state.path.parent, checkpoint)
    with _locked(backend, files):
        unlocked = tuple(lock.path for lock in files.locks)
        for path in unlocked:
            path.unlink(missing_ok=True)
            attributes(path).unlink(missing_ok=True)
        kept = _write_all(files, checkpoint) if checkpoint else ()
    return Restored(kept, unlocked)


def refuse_running(files: StackFiles) -> None:
    """Raise CommandError if a run of Pulumi holds the stack, as far as its lock says so."""
    for lock in files.locks:
        if lock.holder:
            raise CommandError(
                f"stack {files.stack} is locked by {lock.holder}: wait until that run has ended; "
                f"if it died, run `pulumi cancel --stack {files.stack}` first"
            )


def _write_all(files: StackFiles, checkpoint: Checkpoint) -> tuple[Path, ...]:
    """Write the state, and its backup where that is broken, too; return what was kept."""
    suffix = f".broken-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    kept: list[Path] = []
    for file in (files.backup, files.state):
        if file is files.backup and not file.flaw:
            continue
        beside = (attributes(file.path), file.path)
        kept += [_keep(path, suffix) for path in beside if path.exists() or path.is_symlink()]
        attributes(file.path).unlink(missing_ok=True)
        is_gzip = file.path.name.removesuffix(".bak").endswith(".gz")
        _write(file.path, compressed(checkpoint) if is_gzip else checkpoint.data)
    return tuple(kept)


def _require_space(folder: Path, checkpoint: Checkpoint) -> None:
    while not folder.exists():
        folder = folder.parent
    needed = 2 * len(checkpoint.data) + _SPARE
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise CommandError(
            f"{folder}: {free} bytes are free, and {needed} are needed; make space on this disk, "
            "then run this again"
        )


def _keep(path: Path, suffix: str) -> Path:
    """Give a file a second name; the first one is there until its successor takes it."""
    kept = path.with_name(path.name + suffix)
    number = 1
    while kept.exists() or kept.is_symlink():
        number += 1
        kept = path.with_name(f"{path.name}{suffix}-{number}")
    try:
        kept.hardlink_to(path)
    except OSError:  # a folder, or a file system without hard links
        path.rename(kept)
    return kept


def _write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, with the owner and the permissions of its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    owner = path.parent.stat()
    number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(number, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), owner.st_mode & 0o644)
            if os.geteuid() == 0:
                os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _sync(path.parent)


def _sync(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


@contextmanager
def _locked(backend: Backend, files: StackFiles) -> Iterator[None]:
    """Hold the stack as a run of Pulumi does: write a lock, then look for those of others."""
    folder = backend.folder / "locks" / "organization" / backend.project / files.stack
    folder.mkdir(parents=True, exist_ok=True)
    own = folder / f"{uuid.uuid4()}.json"
    content = {
        "pid": os.getpid(),
        "username": f"cellwright-restore-state-{os.geteuid()}",
        "hostname": socket.gethostname(),
        "timestamp": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
    }
    _write(own, json.dumps(content).encode())
    try:
        now = read_stack(backend, files.stack)
        others = tuple(lock for lock in now.locks if lock.path != own)
        seen = StackFiles(now.stack, now.state, now.backup, now.checkpoints, others)
        refuse_running(seen)
        if seen != files:
            raise CommandError(
                f"the files of stack {files.stack} have just changed; run this again"
            )
        yield
    finally:
        with suppress(FileNotFoundError):
            own.unlink()
