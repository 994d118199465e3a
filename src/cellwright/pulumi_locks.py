"""Whether the lock that Pulumi found on a stack may be cancelled.

A lock is abandoned only if the lease proves it: a former holder recorded that run of pulumi, and
that holder has lost the lease. Every other lock may belong to a `pulumi up` that somebody typed
and that is alive: it is never cancelled.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cellwright.harmless import harmless
from cellwright.lease_record import Running, parse_time, shown_time

# What Pulumi 3.259's self-managed backend prints (pkg/backend/diy/lock.go).
_LOCKED = re.compile(r"error: the stack is currently locked by (?P<count>\d{1,9}) lock\(s\)\.")
_LOCK = re.compile(
    r".*?: created by (?P<user>.*)@(?P<host>[^@\s]+)"
    r" \(pid (?P<pid>\d{1,10})\) at (?P<since>\S+)\s*"
)


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock of a stack: the process that made it, and when by the clock of its host."""

    user: str
    host: str
    pid: int
    since: datetime | None

    def __str__(self) -> str:
        since = shown_time(self.since) if self.since else "an unknown time"
        return f"{harmless(self.user)}@{harmless(self.host)} (pid {self.pid}), since {since}"


@dataclass(frozen=True, slots=True)
class Locked:
    """What Pulumi says of a locked stack: how many locks there are, and those it describes."""

    count: int
    locks: tuple[Lock, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether all locks of a stack may be cancelled, and what to tell the user."""

    abandoned: bool
    message: str


def locked_in(lines: Iterable[str]) -> Locked | None:
    """Return what Pulumi printed about locks; None if no lock stopped it."""
    count = 0
    locks: list[Lock] = []
    for line in lines:
        if error := _LOCKED.search(line):
            count += int(error["count"])
        elif lock := _LOCK.fullmatch(line):
            since = parse_time(lock["since"])
            locks.append(Lock(lock["user"], lock["host"], int(lock["pid"]), since))
    return Locked(count, tuple(locks)) if count else None


def verdict(
    stack: str,
    locked: Locked,
    left_behind: Sequence[Running],
    runs_here: Callable[[Lock], bool],
) -> Verdict:
    """Return whether the locks of a stack may be cancelled.

    `left_behind` is what former holders of the lease, which is now held by the caller, ran.
    `runs_here` tells whether a lock's host is this one and its process is seen running.
    """
    alive = [lock for lock in locked.locks if runs_here(lock)]
    if alive:
        return Verdict(
            abandoned=False,
            message=f"stack {stack} is locked by {_list(alive)}, which is running on this "
            "machine; wait for it to end",
        )
    kept = [lock for lock in locked.locks if not _is_abandoned(stack, lock, left_behind)]
    if not kept and locked.locks and len(locked.locks) == locked.count:
        return Verdict(
            abandoned=True,
            message=f"stack {stack}: cancelling the lock of {_list(locked.locks)}, left by a "
            "`cellwright up` that has ended",
        )
    others = _list(kept) if kept else "an unknown process"
    return Verdict(
        abandoned=False,
        message=f"stack {stack} is locked by {others}; wait for it to end or, if it is certainly "
        f"dead, take its lock away: pulumi cancel --stack {stack}",
    )


def _is_abandoned(stack: str, lock: Lock, left_behind: Iterable[Running]) -> bool:
    return any(
        run.stack == stack
        and run.host == lock.host
        and run.pid in (None, lock.pid)
        and lock.since is not None
        and lock.since >= run.started.replace(microsecond=0)  # Pulumi prints whole seconds
        for run in left_behind
    )


def _list(locks: Iterable[Lock]) -> str:
    return " and ".join(str(lock) for lock in locks)
