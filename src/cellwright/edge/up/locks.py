"""What is done about a stack that Pulumi found locked: judged by the lease, never by a guess."""

from collections.abc import Callable

from cellwright.edge.engine import Finished
from cellwright.edge.lease import runs_here
from cellwright.edge.up.leases import Leases
from cellwright.pulumi_locks import Verdict, locked_in, verdict


def judged(leases: Leases, stack: str, finished: Finished) -> Verdict | None:
    """Return what to do about the locks that stopped a run; None if no lock did."""
    locked = locked_in(finished.lines)
    if locked is None:
        return None
    seen: Callable[..., bool] = runs_here
    return verdict(stack, locked, leases.left_behind, seen)
