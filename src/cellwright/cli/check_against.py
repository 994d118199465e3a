"""What `check --against` finds: changes since a commit that can't be made."""

from pathlib import Path

from cellwright.edge.failure import CommandError
from cellwright.edge.files import read_declared
from cellwright.edge.git import checked_out
from cellwright.forbidden import changes_forbidden
from cellwright.loading import load
from cellwright.problem import Problem
from cellwright.snapshot import Snapshot


def forbidden(root: Path, against: str, whole: Snapshot) -> list[Problem]:
    """Return what can't be changed; both ends are valid or it says so."""
    with checked_out(root, against) as folder:
        before, wrong = load(read_declared(folder))
    after, _ = load(whole)
    if before is None or after is None:
        raise CommandError(f"the definitions at {against} have problems: {wrong[0]}")
    return changes_forbidden(before, after, whole.definitions)
