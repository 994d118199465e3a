"""Keeps what plans came to, so that a run in which nothing has changed is a short one.

A damaged file is as good as none; two runs at once may both write, each a whole file.
"""

import os
import tempfile
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

from cellwright.edge.files import snapshot
from cellwright.edge.inputs import Inputs
from cellwright.outcome import Outcome, decode, encode, outcome
from cellwright.snapshot import Snapshot

_KEPT = 4  # outcomes, the ones used last
_UNFINISHED = ".part"
_ABANDONED = 3600.0  # seconds after which nobody is still writing an outcome


def outcome_of(inputs: Inputs, file: str, on_failure: Callable[[OSError], None]) -> Outcome:
    """Return what a whole plan of the inputs comes to, from its file (`file_of`) if it is there.

    `on_failure` is told if that can't be read or written; nothing else depends on it.
    """
    path = Path(file)
    try:
        kept = path.read_bytes()
    except FileNotFoundError:
        kept = b""
    except OSError as error:
        on_failure(error)
        return outcome_of_some(snapshot(inputs), None)
    found = decode(kept)
    made = outcome_of_some(snapshot(inputs), None) if found is None else found
    try:
        if found is None:
            _write(path, encode(made))
        else:
            _note_use(path)
    except OSError as error:
        on_failure(error)
    return made


def outcome_of_some(whole: Snapshot, stacks: Collection[str] | None) -> Outcome:
    """Return what a plan of some stacks comes to; None stands for all.

    Raises UnknownStackError for a stack that a valid fleet does not have.
    """
    # Imported here because they bring the template engine and more, which an outcome in the
    # cache does without.
    from cellwright.loading import many_values  # noqa: PLC0415
    from cellwright.plan import plan  # noqa: PLC0415
    from cellwright.rendered import files  # noqa: PLC0415

    with many_values():
        made = plan(whole, only=stacks)
        counts = None if made.fleet is None else made.fleet.counts
        manifests = [one for stack in made.stacks.values() for one in stack]
        return outcome(made.problems, counts, files(manifests))


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
