"""What `check --against` finds: changes since a commit that can't be made."""

from pathlib import Path

from cellwright.edge.failure import CommandError
from cellwright.edge.files import read_declared
from cellwright.edge.git import checked_out
from cellwright.forbidden import changes_forbidden
from cellwright.loading import load
from cellwright.problem import Problem
from cellwright.snapshot import Snapshot


def forbidden(root: Path, against: str, after: Snapshot) -> list[Problem]:
    """Return which changes from a commit to what was read can't be made.

    Raises CommandError if the commit's definitions are wrong.
    """
    with checked_out(root, against) as folder:
        before, wrong = load(read_declared(folder))
    fleet, _ = load(after)
    if before is None or fleet is None:
        raise CommandError(f"the definitions at {against} have problems: {wrong[0]}")
    return changes_forbidden(before, fleet, after.definitions)
