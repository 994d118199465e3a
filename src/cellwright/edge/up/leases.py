"""The leases of one run of `up`: one in each cluster that it may touch, so that runs exclude each
other even where they do not see the same clusters.
"""

import threading
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from cellwright.edge.kubectl import Kubectl
from cellwright.edge.lease import Lease, held
from cellwright.edge.process import Interrupts
from cellwright.lease_record import Running
from cellwright.model import Fleet

_PATIENCE = 8.0  # seconds from a lost lease until Pulumi is killed: then others may begin


class Leases:
    """The leases that are held, by cluster; a context, which gives them back."""

    def __init__(
        self, fleet: Fleet, wait: float, interrupts: Interrupts, tell: Callable[[str], None]
    ) -> None:
        """Take for how many seconds to wait for others, and what is interrupted by a loss."""
        self._fleet, self._wait, self._interrupts, self._tell = fleet, wait, interrupts, tell
        self._held: dict[str, Lease] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def take(self, cluster: str, labels: dict[str, str]) -> None:
        """Take the lease of a cluster whose directory's namespace is there.

        Raises CommandError if another run holds it, or it can't be written.
        """
        if cluster in self._held:
            return
        self._held[cluster] = self._stack.enter_context(
            held(
                Kubectl(self._fleet.clusters[cluster]),
                self._fleet.directory_namespace,
                wait=self._wait,
                on_waiting=self._tell,
                on_lost=self._lost,
                labels=labels,
            )
        )

    @property
    def clusters(self) -> frozenset[str]:
        """The clusters whose leases are held."""
        return frozenset(self._held)

    @property
    def left_behind(self) -> tuple[Running, ...]:
        """What former holders ran when they lost their lease."""
        return tuple(run for lease in self._held.values() for run in lease.left_behind)

    def start(self, stack: str, clusters: Iterable[str]) -> None:
        """Record that pulumi is about to run for a stack. Raises CommandError for a lost lease."""
        for cluster in clusters:
            self._held[cluster].start(stack)

    def started(self, stack: str, clusters: Iterable[str], process: int) -> None:
        """Add the process id of a stack's pulumi to the record."""
        for cluster in clusters:
            self._held[cluster].started(stack, process)

    def end(self, stack: str, clusters: Iterable[str], *, unlocked: bool) -> None:
        """Record that a stack's pulumi has ended, and whether it left no lock."""
        for cluster in clusters:
            if cluster in self._held:
                self._held[cluster].end(stack, unlocked=unlocked)

    def _lost(self, reason: str) -> None:
        self._tell(f"stopping, since {reason}")
        self._interrupts.interrupt()
        last = threading.Timer(_PATIENCE, self._interrupts.kill)
        last.daemon = True
        last.start()
