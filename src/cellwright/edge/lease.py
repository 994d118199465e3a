"""One `cellwright up` at a time: it holds a Lease in the directory's namespace.

The protocol is that of client-go's leader election: the holder writes to the Lease again and
again, each write names the version that it replaces, and whoever waits measures by the own clock
for how long nothing was written. The times in the Lease are never compared with a clock.

What a holder runs stands in the Lease before pulumi is started, so that it is known after the
holder was killed. Refuses to judge Pulumi's locks; that is `pulumi_locks`.
"""

import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime

from cellwright.edge.failure import CommandError
from cellwright.edge.kubectl import Body
from cellwright.edge.lease_object import LONGEST_CALL, LeaseObject, Server
from cellwright.edge.lease_watch import Watch, refusal
from cellwright.edge.who import user
from cellwright.lease_record import NOBODY, Holder, Record, Running, identity_of, record_of
from cellwright.pulumi_locks import Lock

LEASE_VARIABLE = "CELLWRIGHT_LEASE"
"""Tells the processes that a holder starts that the lease is theirs: its holderIdentity."""
DURATION = 30  # seconds without a renewal after which a lease ends
_MOST_CONFLICTS = 5  # in a row, by others who edit the Lease but do not take it


@contextmanager
def held(  # noqa: PLR0913 - each has its default
    kubectl: Server,
    namespace: str,
    *,
    wait: float = 0,
    on_waiting: Callable[[str], None] = lambda _: None,
    on_lost: Callable[[str], None] = lambda _: None,
    labels: Mapping[str, str] | None = None,
    duration: int = DURATION,
) -> Iterator["Lease"]:
    """Hold the lease, and renew it, for as long as the block runs.

    `wait` is in seconds (math.inf: for ever); `on_waiting` gets a sentence for each holder that is
    waited for, and one if the holder was dead. `on_lost` is called once, in another thread, with
    the reason. Raises CommandError if another holds the lease or it can't be written,
    NoNamespaceError if there is no place for it.
    """
    seconds = min(LONGEST_CALL, duration / 2)
    lease = Lease(LeaseObject(kubectl, namespace, seconds, labels), duration, on_lost)
    try:
        lease.acquire(wait, on_waiting)
        yield lease
    finally:
        lease.release()


class Lease:
    """The lease of this run, made by `held`. Its methods may be called from any thread."""

    def __init__(
        self, stored: LeaseObject, duration: int, on_lost: Callable[[str], None] = lambda _: None
    ) -> None:
        """Take where it is stored, and the seconds for which it lasts without a renewal."""
        self._host = socket.gethostname()
        self.identity = identity_of(user(), self._host, os.getpid(), secrets.token_hex(8))
        """The holderIdentity, unique to this run."""
        self.took_over: Holder | None = None
        """The former holder, if its lease ended without being released."""
        self._stored, self._duration, self._on_lost = stored, duration, on_lost
        # As client-go's renewDeadline: what is left is the time to stop before another may start.
        self._patience = duration * 2 / 3
        self._body: Body | None = None  # as last written or read
        self._record = NOBODY
        self._uncertain: set[str] = set()  # stacks whose lock may have stayed
        self._renewed = 0.0  # by _clock
        self._reason = ""  # of the loss
        self._is_taken = self._is_claimed = False
        self._recording = threading.Lock()  # the fields above
        self._writing = threading.Lock()  # the object in the cluster
        self._wake, self._end = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._renew, name="lease", daemon=True)

    @property
    def lost(self) -> bool:
        """Whether the run must stop: another holds the lease now, or may soon."""
        return bool(self.why_lost)

    @property
    def why_lost(self) -> str:
        """Why the run must stop; empty as long as it may go on."""
        if not self._reason and self._end.is_set():
            self._reason = "the lease was given back"
        if not self._reason and _clock() - self._renewed > self._patience:
            self._reason = f"the lease could not be renewed for {self._patience:.0f} s"
        return self._reason

    @property
    def environment(self) -> Mapping[str, str]:
        """What tells the processes that this run starts that the lease is theirs."""
        return {LEASE_VARIABLE: self.identity}

    @property
    def left_behind(self) -> tuple[Running, ...]:
        """What former holders ran when they lost the lease, until a run of that stack ends well."""
        with self._recording:
            return tuple(run for run in self._record.running if run.holder != self.identity)

    def start(self, stack: str) -> None:
        """Record that pulumi is about to run for a stack; return when the API server has it.

        Raises CommandError if the lease is lost before: pulumi must not be started.
        """
        run = Running(stack, self.identity, self._host, None, _now())
        with self._recording:
            kept = (one for one in self._record.running if not self._is_own(one, stack))
            self._record = replace(self._record, running=(*kept, run))
            self._uncertain.discard(stack)
        is_written = False
        while not is_written:
            self._require()
            try:
                self._write()
            except CommandError:
                self._end.wait(self._duration / 20)
            else:
                is_written = True
        self._require()

    def started(self, stack: str, pid: int) -> None:
        """Add the process id of a stack's pulumi to its record; it is written soon."""
        self._change(lambda run: replace(run, pid=pid) if self._is_own(run, stack) else run)

    def end(self, stack: str, *, unlocked: bool = True) -> None:
        """Take a stack whose pulumi has ended out of the record; it is written soon.

        `unlocked` is False where the stack's lock may have stayed: pulumi was killed, or a lock
        kept it from running. What is known of that lock is kept then for the next run.
        """
        is_old = any(run.stack == stack for run in self.left_behind)
        if unlocked:
            self._change(lambda run: None if run.stack == stack else run)
        elif is_old:
            self._change(lambda run: None if self._is_own(run, stack) else run)
        else:
            self._uncertain.add(stack)

    def acquire(self, wait: float, on_waiting: Callable[[str], None]) -> None:
        """Take the lease when it is free; `held` says the rest."""
        deadline = time.monotonic() + wait
        watch = Watch(self._stored, self._duration)
        told = ""
        while True:
            watch.look()
            holder = watch.record.held_by
            if holder is None or watch.is_over:
                if self._take(watch.body, watch.record):
                    break
                continue  # another was faster: look who
            if time.monotonic() >= deadline:
                raise CommandError(refusal(holder, watch.lasts, wait))
            if told != holder.identity:
                told = holder.identity
                on_waiting(f"waiting for another `cellwright up`: {holder}")
            time.sleep(min(2.0, self._duration / 10))
        self._thread.start()
        self.took_over = holder
        if holder is not None:
            on_waiting(f"took over from {holder}, whose lease ended")

    def release(self) -> None:
        """Give the lease back if it is ours; within seconds, and without an error."""
        self._end.set()
        self._wake.set()
        if not self._is_claimed:
            return
        if self._thread.is_alive():
            self._thread.join(1)  # one whose server does not answer ends later, by itself
        if self._writing.acquire(timeout=1):
            try:
                with suppress(CommandError):  # it ends by itself
                    self._give_back()
            finally:
                self._writing.release()

    def _give_back(self) -> None:
        kept = tuple(run for run in self._record.running if self._is_to_stay(run))
        record = replace(self._record, holder="", running=kept)
        body = self._body or self._stored.read()
        for _ in range(_MOST_CONFLICTS):
            if body is None or record_of(body).holder != self.identity:
                return
            if self._stored.write(record, body) is not None:
                return
            body = self._stored.read()

    def _is_to_stay(self, run: Running) -> bool:
        return run.holder != self.identity or run.stack in self._uncertain

    def _is_own(self, run: Running, stack: str) -> bool:
        return run.stack == stack and run.holder == self.identity

    def _change(self, change: Callable[[Running], Running | None]) -> None:
        with self._recording:
            changed = [change(run) for run in self._record.running]
            running = tuple(run for run in changed if run is not None)
            self._record = replace(self._record, running=running)
        self._wake.set()

    def _require(self) -> None:
        if self.lost:
            raise CommandError(self.why_lost)

    def _take(self, body: Body | None, former: Record) -> bool:
        began, now = _clock(), _now()
        count = former.transitions + 1
        record = Record(self.identity, now, now, self._duration, count, former.running)
        self._is_claimed = True
        stored = self._stored.write(record, body)
        if stored is not None:
            self._body, self._record, self._renewed = stored, record, began
        return stored is not None

    def _renew(self) -> None:
        """Write every third of the duration, and when something has changed, until the end."""
        pause = self._duration / 3
        is_told = False
        while not self._is_taken:
            self._wake.wait(pause)
            self._wake.clear()
            if self._end.is_set():
                return
            try:
                self._write()
                pause = self._duration / 3
            except CommandError:
                pause = self._duration / 20
            if self.lost and not is_told and not self._end.is_set():
                is_told = True
                self._on_lost(self.why_lost)

    def _write(self) -> None:
        """Write the record; find out whether another has taken the lease."""
        with self._writing:
            for _ in range(_MOST_CONFLICTS):
                if self._is_taken or self._end.is_set():
                    return
                with self._recording:
                    record = replace(self._record, renewed=_now())
                began = _clock()
                stored = self._stored.write(record, self._body)
                if stored is not None:
                    self._body, self._renewed = stored, began
                    return
                self._body = self._stored.read()
                current = self._body and record_of(self._body)
                if current and current.holder != self.identity:
                    self._is_taken = True
                    other = current.held_by
                    self._reason = f"the lease was taken by {other or 'nobody'}"
            raise CommandError("the lease is changed by others all the time")


def runs_here(lock: Lock) -> bool:
    """Return whether a lock is of this host, by its name, and its process is seen running."""
    if lock.host != socket.gethostname():
        return False
    try:
        os.kill(lock.pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _now() -> datetime:
    return datetime.now(UTC)


def _clock() -> float:
    """Return seconds of a clock that goes on while the machine sleeps, where there is one."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)
