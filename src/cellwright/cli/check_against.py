"""What `check --against` finds: changes that can't be made to what stands already."""

from collections.abc import Mapping
from pathlib import Path

from cellwright.cli.check import LIVE
from cellwright.edge.facts import read_facts
from cellwright.edge.failure import CommandError
from cellwright.edge.files import read_declared
from cellwright.edge.git import checked_out
from cellwright.edge.guard import live_findings
from cellwright.fixed import Fixed, fixed
from cellwright.forbidden import placed
from cellwright.loading import load
from cellwright.model import Fleet
from cellwright.problem import Problem
from cellwright.standing import change_problems


def forbidden(
    root: Path, against: str, fleet: Fleet, definitions: Mapping[str, bytes]
) -> list[Problem]:
    """Return the changes that can't be made to what a commit has, or what the clusters hold.

    Also what is declared for a change that is made already.
    """
    if against != LIVE:
        return change_problems(_committed(root, against), fleet, definitions)
    facts = read_facts(fleet)
    problems = change_problems(facts.fixed, fleet, definitions)
    return [*problems, *placed(live_findings(root, fleet, facts), definitions)]


def _committed(root: Path, ref: str) -> Fixed:
    with checked_out(root, ref) as folder:
        before, wrong = load(read_declared(folder))
    if before is None:
        raise CommandError(f"the definitions at {ref} have problems: {wrong[0]}")
    return fixed(before)
