"""Make a stack's state readable again, from a checkpoint of its history.

A disk that ran full, or a machine that went down, can leave the state cut off; Pulumi then reads
none of the project's stacks. For states that Pulumi keeps in a folder (`file://…`).
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from cellwright.checkpoint import Checkpoint
from cellwright.cli.report import counted, say, table, tell
from cellwright.cli.results import put_json
from cellwright.edge.backend import find_backend, verify
from cellwright.edge.failure import CommandError
from cellwright.edge.restore import Restored, refuse_running, restore
from cellwright.edge.state_files import (
    Backend,
    StackFiles,
    StateFile,
    known_stacks,
    read_file,
    read_stack,
)
from cellwright.problem import nearest

EXAMPLES = """examples:
  cellwright restore-state alpha                  # show the damage, and ask
  cellwright restore-state alpha --yes            # take the newest good checkpoint
  cellwright restore-state alpha --checkpoint 3   # take another one of the list

A state that is whole is left alone, unless --checkpoint and --force are given. The files that are
replaced stay beside, as NAME.broken-TIME.
"""
_NOTHING = "nothing to restore"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb takes."""
    parser.add_argument("stack", metavar="STACK", help="the name of a cell, or `fleet`")
    parser.add_argument(
        "--checkpoint", metavar="N|FILE", help="a number of the list, or a file (the newest good)"
    )
    parser.add_argument("--yes", action="store_true", help="restore without asking")
    parser.add_argument(
        "--force", action="store_true", help="replace a state that is whole by --checkpoint"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text")


def run(arguments: argparse.Namespace) -> int:
    """Show the stack's files and restore its state; 1 if that is needed and was not done."""
    backend = find_backend(arguments.root)
    files = read_stack(backend, arguments.stack)
    if not files.exists and not files.locks:
        hint = nearest(arguments.stack, known_stacks(backend))
        raise CommandError(
            f"no stack {arguments.stack!r} of project {backend.project!r} "
            f"in {backend.folder} ({hint})"
        )
    is_json = arguments.format == "json"
    if not is_json:
        _say_files(files)
    chosen = _chosen(backend, files, arguments.checkpoint)
    restored, code = None, 0
    if not _is_wanted(files, forced=arguments.force and arguments.checkpoint is not None):
        code = _left_alone(files, chosen if arguments.checkpoint else None)
    else:
        refuse_running(files)
        if chosen is None and files.state.flaw:
            code = _hopeless(files)
        elif _agreed(files, chosen, yes=arguments.yes):
            restored = restore(backend, files, chosen)
            _verify(arguments.root, files, chosen)
        else:
            code = 1
    if is_json:
        put_json(_as_json(backend, files, chosen, restored))
    if restored:
        _tell_restored(files, chosen, restored)
    return code


def _is_wanted(files: StackFiles, *, forced: bool) -> bool:
    return files.is_damaged or forced


def _chosen(backend: Backend, files: StackFiles, named: str | None) -> StateFile | None:
    """Return the checkpoint to take: the one that was named, or the newest good one."""
    if named is None:
        if not files.state.flaw:
            return None
        good = [one for one in (files.state, *_candidates(files)) if one.checkpoint]
        return good[0] if good else None
    listed = _candidates(files)
    if named.isascii() and named.isdecimal():
        number = int(named)
        if not 1 <= number <= len(listed):
            raise CommandError(f"--checkpoint {named}: {counted(len(listed), 'checkpoint')} listed")
        chosen = listed[number - 1]
    else:
        names = {one.path.name: one for one in listed}
        path = Path(named)
        chosen = names.get(named) or read_file(backend, path, files.stack)
    if chosen.checkpoint is None:
        raise CommandError(f"--checkpoint {named}: {chosen.path}: {chosen.flaw}")
    return chosen


def _candidates(files: StackFiles) -> tuple[StateFile, ...]:
    """Return what is listed, newest first: the history, and the backup where it is whole."""
    own = files.backup.checkpoint
    if own is None or any(_same(own, one.checkpoint) for one in files.checkpoints):
        return files.checkpoints
    older = [one for one in files.checkpoints if one.checkpoint and one.checkpoint.time <= own.time]
    at = files.checkpoints.index(older[0]) if older else len(files.checkpoints)
    return (*files.checkpoints[:at], files.backup, *files.checkpoints[at:])


def _same(one: Checkpoint, other: Checkpoint | None) -> bool:
    return other is not None and one.data == other.data


def _say_files(files: StackFiles) -> None:
    say(f"state file: {_described(files.state)} ({files.state.path})")
    say(f"backup: {_described(files.backup)} ({files.backup.path})")
    for lock in files.locks:
        say(f"lock: {lock.holder or 'left behind, unreadable'} ({lock.path})")
    listed = _candidates(files)
    if not listed:
        say("history: no checkpoints")
        return
    header = ("#", "TIME (UTC)", "RESOURCES", "CHECKPOINT", "STATE")
    rows = [(str(number), *_row(one)) for number, one in enumerate(listed, start=1)]
    table(header, rows)


def _row(file: StateFile) -> tuple[str, str, str, str]:
    found = file.checkpoint
    if found is None:
        return "-", "-", file.path.name, file.flaw
    good = "good"
    if found.pending:
        good = f"good, with {counted(len(found.pending), 'pending operation')}"
    return f"{found.time:%Y-%m-%d %H:%M:%S}", str(found.resources), file.path.name, good


def _described(file: StateFile) -> str:
    found = file.checkpoint
    if file.flaw or found is None:
        return file.flaw or "whole, never applied"
    return f"whole, {counted(found.resources, 'resource')}, {found.time:%Y-%m-%d %H:%M:%S} UTC"


def _left_alone(files: StackFiles, chosen: StateFile | None) -> int:
    if chosen is None:
        tell(f"the state of stack {files.stack} is whole: {_NOTHING}")
        return 0
    tell(
        f"the state of stack {files.stack} is whole: it is left alone; add --force to replace it "
        f"by {chosen.path.name}"
    )
    return 1


def _hopeless(files: StackFiles) -> int:
    tell(
        f"no checkpoint of stack {files.stack} is good: restore {files.state.path} from a backup "
        f"of the disk, or see docs/recovery.md for a state that is lost"
    )
    return 1


def _agreed(files: StackFiles, chosen: StateFile | None, *, yes: bool) -> bool:
    """Ask on a terminal; without one only --yes goes on."""
    what = (
        f"restore stack {files.stack} from {chosen.path.name}"
        if chosen
        else (f"remove {counted(len(files.locks), 'unreadable lock')} of stack {files.stack}")
    )
    if yes:
        return True
    if not sys.stdin.isatty():
        tell(f"to {what}, add --yes: there is no terminal to ask on; nothing was changed")
        return False
    sys.stderr.write(f"{what}? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() in ("y", "yes"):
        return True
    tell("nothing was changed")
    return False


def _verify(root: Path, files: StackFiles, chosen: StateFile | None) -> None:
    """Let Pulumi read the state, and compare; raises CommandError if it can't."""
    found = chosen.checkpoint if chosen else files.state.checkpoint
    read = verify(root, files.stack)
    if found and read != found.resources:
        raise CommandError(
            f"Pulumi reads {counted(read, 'resource')} of stack {files.stack}, not the "
            f"{found.resources} of the checkpoint"
        )


def _tell_restored(files: StackFiles, chosen: StateFile | None, restored: Restored) -> None:
    for path in restored.unlocked:
        tell(f"removed: {path}")
    for path in restored.kept:
        tell(f"kept: {path}")
    if chosen is None or chosen.checkpoint is None:
        tell(f"stack {files.stack}: the locks are gone, and Pulumi reads the state")
        return
    checkpoint = chosen.checkpoint
    for operation in checkpoint.pending:
        tell(f"pending: {operation}; Pulumi asks about it, or `pulumi refresh` settles it")
    tell(
        f"stack {files.stack}: restored to {counted(checkpoint.resources, 'resource')} of "
        f"{checkpoint.time:%Y-%m-%d %H:%M:%S} UTC, and Pulumi reads it"
    )
    tell(
        "next: the cluster may be ahead of this checkpoint; run `cellwright up --all`, which takes "
        "on again what was made since"
    )


def _as_json(
    backend: Backend, files: StackFiles, chosen: StateFile | None, restored: Restored | None
) -> dict[str, Any]:
    listed = _candidates(files)
    return {
        "stack": files.stack,
        "project": backend.project,
        "damaged": files.is_damaged,
        "state": _file_as_json(files.state),
        "backup": _file_as_json(files.backup),
        "checkpoints": [
            {"number": number, **_file_as_json(one)} for number, one in enumerate(listed, start=1)
        ],
        "locks": [{"file": str(lock.path), "holder": lock.holder} for lock in files.locks],
        "chosen": str(chosen.path) if chosen else None,
        "restored": restored is not None,
        "kept": [str(path) for path in restored.kept] if restored else [],
    }


def _file_as_json(file: StateFile) -> dict[str, Any]:
    found = file.checkpoint
    return {
        "file": str(file.path),
        "flaw": file.flaw,
        "time": f"{found.time:%Y-%m-%dT%H:%M:%SZ}" if found else None,
        "resources": found.resources if found else None,
        "pending": list(found.pending) if found else [],
    }
