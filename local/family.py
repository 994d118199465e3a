"""All processes below one, also those that have left its process group.

Pulumi gives its plugins groups of their own; when it is ended hard they would go on for minutes.
Looks into /proc; where there is none (macOS), the process group must do.
"""

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple


class Member(NamedTuple):
    """One process; the start (in clock ticks since boot) tells it from a later one of its id."""

    pid: int
    start: int
    group: int


def descendants(pid: int) -> set[Member]:
    """Return all processes below `pid` as they are now."""
    children: dict[int, list[Member]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        fields = _fields(int(folder.name))
        if fields:
            member = Member(int(folder.name), int(fields[19]), int(fields[2]))
            children.setdefault(int(fields[1]), []).append(member)
    found: set[Member] = set()
    waiting = [pid]
    while waiting:
        for member in children.get(waiting.pop(), ()):
            if member not in found:
                found.add(member)
                waiting.append(member.pid)
    return found


def alive(members: set[Member]) -> set[Member]:
    """Return those of them that still run; one that has ended but is not yet reaped does not."""
    running = set()
    for member in members:
        fields = _fields(member.pid)
        if fields and int(fields[19]) == member.start and fields[0] not in "ZX":
            running.add(member)
    return running


def kill(members: set[Member]) -> None:
    """End those of them that still run, without asking."""
    for member in alive(members):
        with suppress(ProcessLookupError):
            os.kill(member.pid, signal.SIGKILL)


def _fields(pid: int) -> list[str] | None:
    """Return what /proc/<pid>/stat says after the name: state, parent, ... (see proc(5))."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
