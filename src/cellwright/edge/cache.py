"""Keeps what plans came to, so that a run in which nothing has changed is a short one.

An outcome is found by the digest of everything that it was made from, this program included. A
damaged file is as good as none; two runs at once may both write, each a whole file.
"""

import hashlib
import os
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from pathlib import Path

from cellwright.outcome import Outcome, decode, encode, outcome
from cellwright.snapshot import Snapshot

_KEPT = 4  # outcomes, the ones used last
_UNFINISHED = ".part"
_ABANDONED = 3600.0  # seconds after which nobody is still writing an outcome
_LIBRARIES = ("jinja2-", "jsonschema-", "jsonschema_rs-", "msgspec-", "pyyaml-")


def cache_folder() -> Path:
    """Return where outcomes are kept: CELLWRIGHT_CACHE, or the user's cache folder."""
    own = os.environ.get("CELLWRIGHT_CACHE")
    if own:
        return Path(own) / "outcomes"
    shared = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(shared) / "cellwright" / "outcomes"


def outcome_of(snapshot: Snapshot, folder: Path, on_failure: Callable[[OSError], None]) -> Outcome:
    """Return what a whole plan of the snapshot comes to, from the cache if it is there.

    `on_failure` is told if the folder can't be written; nothing else depends on it.
    """
    path = folder / hashlib.sha256(f"{_program()} {snapshot.digest()}".encode()).hexdigest()
    try:
        kept = path.read_bytes()
    except FileNotFoundError:
        kept = b""
    except OSError as error:
        on_failure(error)
        return outcome_of_some(snapshot, None)
    found = decode(kept)
    made = outcome_of_some(snapshot, None) if found is None else found
    try:
        if found is None:
            _write(path, encode(made))
        else:
            _note_use(path)
    except OSError as error:
        on_failure(error)
    return made


def outcome_of_some(snapshot: Snapshot, stacks: Collection[str] | None) -> Outcome:
    """Return what a plan of some stacks comes to; None stands for all.

    Raises UnknownStackError for a stack that a valid fleet does not have.
    """
    # Imported here because they bring the template engine and more, which an outcome in the
    # cache does without.
    from cellwright.loading import many_values  # noqa: PLC0415
    from cellwright.plan import plan  # noqa: PLC0415
    from cellwright.rendered import files  # noqa: PLC0415

    with many_values():
        made = plan(snapshot, only=stacks)
        cells = None if made.fleet is None else len(made.fleet.cells)
        organizations = 0 if made.fleet is None else len(made.fleet.organizations)
        manifests = [one for stack in made.stacks.values() for one in stack]
        return outcome(made.problems, cells, organizations, files(manifests))


def _program() -> str:
    """Return a digest of this program and what it runs on."""
    found = hashlib.sha256(sys.version.encode())
    found.update(repr(sorted(_installed())).encode())
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        found.update(path.read_bytes())
    return found.hexdigest()


def _installed() -> Iterator[str]:
    """Yield the name and version of each library; importlib.metadata takes longer than the rest."""
    for folder in sys.path:
        for path in Path(folder).glob("*.dist-info"):
            if path.name.lower().startswith(_LIBRARIES):
                yield path.name


def _write(path: Path, data: bytes) -> None:
    """Write an outcome, whole or not at all, and drop the ones used longest ago."""
    folder = path.parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(dir=folder, suffix=_UNFINISHED)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(data)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _drop_others(path)


def _drop_others(path: Path) -> None:
    """Drop the outcomes used longest ago, and what runs that were killed have left."""
    used = {path: _used(path)} | {one: _used(one) for one in path.parent.iterdir()}
    finished = sorted((one for one in used if one.suffix != _UNFINISHED), key=used.__getitem__)
    left = [
        one for one in used if one.suffix == _UNFINISHED and used[one] < used[path] - _ABANDONED
    ]
    for one in (*finished[:-_KEPT], *left):
        one.unlink(missing_ok=True)


def _note_use(path: Path) -> None:
    with suppress(FileNotFoundError):  # dropped by another run
        os.utime(path)


def _used(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # dropped by another run
        return 0.0
