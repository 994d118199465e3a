"""The files of a stack in a folder of Pulumi's self-managed backend, each read and judged.

A stack has its state, the state before that (`.bak`), a history with a checkpoint for each
run, copies of these in `backups`, and a lock for each run that is going on. All are only
read here; `cellwright.edge.restore` writes.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from cellwright.checkpoint import (
    NO_DEPLOYMENT,
    BrokenCheckpointError,
    Checkpoint,
    read_checkpoint,
)
from cellwright.edge.failure import CommandError

STACK_NAME = re.compile(r"(?!\.+\Z)[A-Za-z0-9_.-]{1,100}")
"""What Pulumi takes as the name of a stack or a project, but for `.` and `..`."""
_NANOSECONDS = re.compile(r"[.-](\d{19})\.")


@dataclass(frozen=True, slots=True)
class Backend:
    """The folder of a backend, `….pulumi`, and the project whose stacks are meant."""

    folder: Path
    project: str

    def below(self, *names: str) -> Path:
        """Return a path in the project's part of one of the backend's folders."""
        return self.folder.joinpath(names[0], self.project, *names[1:])


@dataclass(frozen=True, slots=True)
class StateFile:
    """A file that should hold a checkpoint: what it holds, or why it can't be used.

    The state's file can have both: a whole checkpoint, and unreadable attributes beside it.
    `written` is when Pulumi made the file, in nanoseconds, as far as its name says so.
    """

    path: Path
    checkpoint: Checkpoint | None
    flaw: str
    written: int = 0


@dataclass(frozen=True, slots=True)
class Lock:
    """A file that keeps runs of Pulumi off a stack; `holder` is empty if it can't be read."""

    path: Path
    holder: str


@dataclass(frozen=True, slots=True)
class StackFiles:
    """All files of one stack; checkpoints of its history newest first, without repetitions."""

    stack: str
    state: StateFile
    backup: StateFile
    checkpoints: tuple[StateFile, ...]
    locks: tuple[Lock, ...]

    @property
    def exists(self) -> bool:
        """Whether anything is left of the stack."""
        files = (self.state, self.backup)
        return bool(self.checkpoints) or any(one.flaw != "missing" for one in files)

    @property
    def is_damaged(self) -> bool:
        """Whether Pulumi can't work with the stack."""
        return bool(self.state.flaw) or any(not lock.holder for lock in self.locks)


def read_stack(backend: Backend, stack: str) -> StackFiles:
    """Return the files of a stack, each read and judged; raises CommandError for a wrong name."""
    if not STACK_NAME.fullmatch(stack):
        raise CommandError(
            f"{stack!r} is not the name of a stack; expected letters, digits, '-', '_' and '.'"
        )
    state = _state_path(backend.below("stacks", f"{stack}.json"))
    project = backend.project
    history = [
        _read(path, project, stack)
        for path in (*_history(backend, stack), *_files(backend.below("backups", stack)))
    ]
    history.sort(key=_order, reverse=True)
    found = _with_attributes(_read(state, project, stack))
    backup = _read(state.with_name(f"{state.name}.bak"), project, stack)
    if not history and found.flaw == NO_DEPLOYMENT:  # `pulumi stack init`, and nothing since
        found = replace(found, flaw="")
    return StackFiles(
        stack,
        found,
        backup,
        tuple(_without_copies(history)),
        tuple(_locks(backend.folder / "locks" / "organization" / project / stack)),
    )


def read_file(backend: Backend, path: Path, stack: str) -> StateFile:
    """Return what a file holds that somebody has named."""
    return _read(path, backend.project, stack)


def known_stacks(backend: Backend) -> list[str]:
    """Return the names of the project's stacks that have left anything in the backend."""
    files = (path.name for path in _files(backend.below("stacks")))
    names = {re.sub(r"\.gz\Z", "", name).removesuffix(".json") for name in files if _is_state(name)}
    histories = backend.below("history")
    if histories.is_dir():
        names |= {path.name for path in histories.iterdir() if any(_history(backend, path.name))}
    locks = backend.folder / "locks" / "organization" / backend.project
    if locks.is_dir():
        names |= {path.name for path in locks.iterdir() if any(_files(path))}
    return sorted(name for name in names if STACK_NAME.fullmatch(name))


def attributes(path: Path) -> Path:
    """Return the file of metadata that the backend keeps beside another, if it keeps any."""
    return path.with_name(f"{path.name}.attrs")


def _is_state(name: str) -> bool:
    return name.endswith((".json", ".json.gz"))


def _state_path(plain: Path) -> Path:
    """Return the file of a state that Pulumi reads: the newer of two, if one is compressed."""
    gzipped = plain.with_name(f"{plain.name}.gz")
    if not gzipped.exists():
        return plain
    if plain.exists() and plain.stat().st_mtime_ns > gzipped.stat().st_mtime_ns:
        return plain
    return gzipped


def _history(backend: Backend, stack: str) -> Iterator[Path]:
    for path in _files(backend.below("history", stack)):
        if re.search(r"\.checkpoint\.json(\.gz)?\Z", path.name):
            yield path


def _files(folder: Path) -> Iterator[Path]:
    """Return the files of a folder, which may be missing; without those of metadata."""
    if folder.is_dir():
        yield from (one for one in sorted(folder.iterdir()) if one.suffix != ".attrs")


def _read(path: Path, project: str, stack: str) -> StateFile:
    numbers = _NANOSECONDS.search(path.name)
    written = int(numbers[1]) if numbers else 0
    if not path.exists():
        what = "a symbolic link to nothing" if path.is_symlink() else "missing"
        return StateFile(path, None, what, written)
    if not path.is_file():  # a pipe would be waited for
        return StateFile(path, None, "not a file", written)
    try:
        return StateFile(path, read_checkpoint(path.read_bytes(), project, stack), "", written)
    except BrokenCheckpointError as error:
        return StateFile(path, None, str(error), written)
    except OSError as error:
        return StateFile(path, None, f"can't be read: {error.strerror}", written)


def _with_attributes(state: StateFile) -> StateFile:
    """Return a state's file, with a flaw if the metadata beside it keeps Pulumi from reading it."""
    beside = attributes(state.path)
    if state.flaw or not beside.is_file() or _is_json_object(beside):
        return state
    flaw = f"its metadata in {beside.name} can't be read"
    return StateFile(state.path, state.checkpoint, flaw, state.written)


def _is_json_object(path: Path) -> bool:
    try:
        return isinstance(json.loads(path.read_bytes()), dict)
    except (OSError, ValueError, RecursionError):
        return False


def _order(file: StateFile) -> tuple[int, str]:
    """Return what sorts checkpoints by time; that of a broken one is in its name."""
    if file.checkpoint is None:
        return file.written, file.path.name
    return int(file.checkpoint.time.timestamp() * 1e6) * 1000, file.path.name


def _without_copies(files: list[StateFile]) -> Iterator[StateFile]:
    """Leave out what `backups` holds a second time; the history's own file stays."""
    own = [one for one in files if ".checkpoint." in one.path.name]
    seen = {one.checkpoint.data for one in own if one.checkpoint}
    for one in files:
        is_copy = ".checkpoint." not in one.path.name
        if not is_copy or one.checkpoint is None or one.checkpoint.data not in seen:
            yield one


def _locks(folder: Path) -> Iterator[Lock]:
    for path in _files(folder):
        try:
            content = json.loads(path.read_bytes())
            holder = (
                f"{content['username']}@{content['hostname']} (pid {content['pid']}) "
                f"since {content['timestamp']}"
            )
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            holder = ""
        yield Lock(path, holder)
