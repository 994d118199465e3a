"""Runs Pulumi for a stack under the lease, and sees to a lock that stops it.

A lock is judged by the lease, never by a guess.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cellwright.edge import stacks
from cellwright.edge.engine import Finished
from cellwright.edge.failure import CommandError
from cellwright.edge.lease import runs_here
from cellwright.edge.up.leases import Leases
from cellwright.pulumi_locks import Verdict, locked_in, verdict


@dataclass(frozen=True, slots=True)
class Locked:
    """Runs for the stack of a workspace in some clusters, whose leases are held."""

    root: Path
    leases: Leases
    stack: str
    clusters: Sequence[str]
    tell: Callable[[str], None]

    def run(self, pulumi: Callable[[], Finished]) -> Finished:
        """Run Pulumi, and once more where a lock was in the way that a dead holder has left.

        The lease must name the stack already (`Leases.start`). Raises CommandError for a lock that
        may be somebody's.
        """
        finished = pulumi()
        judgement = self._judged(finished)
        if judgement is not None and judgement.abandoned:
            stacks.cancel(self.root, self.stack)
            self.tell(judgement.message)
            finished = pulumi()
            judgement = self._judged(finished)
        self.leases.end(self.stack, self.clusters, unlocked=judgement is None)
        if judgement is not None:
            raise CommandError(judgement.message)
        return finished

    def _judged(self, finished: Finished) -> Verdict | None:
        """Return what to do about the locks that stopped a run; None if no lock did."""
        locked = locked_in(finished.lines)
        if locked is None:
            return None
        return verdict(self.stack, locked, self.leases.left_behind, runs_here)
