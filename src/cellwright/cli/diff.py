"""The verb `diff`: what the definitions would change of a commit, a folder or the clusters."""

import argparse
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from cellwright.changes import Stacks, assignment, changes
from cellwright.cli.check import LIVE, named
from cellwright.cli.difference import (
    as_json,
    as_lines,
    roster_lines,
    summary,
    undeclared_lines,
)
from cellwright.cli.report import BOLD, say, tell
from cellwright.cli.results import problems_as_text, put_json, say_problems
from cellwright.edge.facts import read_facts
from cellwright.edge.failure import CommandError
from cellwright.edge.files import read
from cellwright.edge.git import checked_out
from cellwright.edge.guard import live_findings
from cellwright.edge.live import read_live
from cellwright.edge.output import read_tree
from cellwright.edge.root import MARK
from cellwright.fixed import Fixed, fixed
from cellwright.forbidden import placed
from cellwright.model import Fleet, UnknownStackError
from cellwright.plan import Loaded, Plan, loaded, planned, with_history
from cellwright.problem import mistakes
from cellwright.registration import protected_of, registrations
from cellwright.rendered import files, from_files
from cellwright.roster import roster_changes
from cellwright.standing import Facts, refusals, standing
from cellwright.undeclared import UndeclaredCell, undeclared_cells

DIFFERENT = 16
"""The exit code where anything would change."""

EXAMPLES = """examples:
  cellwright diff                            # the working tree against the last commit
  cellwright diff --against origin/main      # a branch, tag or commit
  cellwright diff --against live             # the clusters, with what was changed by hand
  cellwright diff --against ../other         # another workspace
  cellwright diff --against rendered         # what `cellwright render --out rendered` wrote

effects:
  in place    nothing that runs is restarted
  rolling     pods are replaced one after the other
  replace     the object is taken away, for good or to be made anew
  data loss   stored data goes with it

What `up` would refuse stands at the end as forbidden, with its code. Cells that are declared no
more and still there are named with `live`; `cellwright retire` takes them down, `up` does not.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb takes."""
    parser.add_argument(
        "--against",
        type=named,
        default="HEAD",
        metavar="DIR|GITREF|live",
        help="a workspace, a folder of rendered manifests, a commit of git, or `live` for the "
        "fleet's clusters; HEAD unless given",
    )
    parser.add_argument(
        "--cell",
        "--stack",
        action="append",
        dest="stacks",
        metavar="NAME",
        help="compare this cell only, or `fleet` for the directory; repeatable",
    )
    parser.add_argument("--format", choices=("text", "json"), default="text")


@dataclass(frozen=True, slots=True)
class _Pair:
    """Both sides, what never changes, what stays when it is removed, what a server refuses."""

    before: Stacks
    after: Stacks
    fixed: Fixed
    retained: Collection[tuple[str, ...]]
    refused: tuple[str, ...] = ()
    undeclared: tuple[UndeclaredCell, ...] = ()


def run(arguments: argparse.Namespace) -> int:
    """Print every difference; 16 if there is one, 1 if there is a problem."""
    snapshot = read(arguments.root)
    declared = loaded(snapshot)
    made = _planned(declared, arguments.stacks, "")
    if made is None or made.fleet is None:
        return 1
    fleet = made.fleet
    facts = read_facts(fleet) if arguments.against == LIVE else None
    if facts is not None:
        made = with_history(declared, made, facts.history(fleet))
    pair = _pair(arguments, made, fleet, facts)
    if pair is None:
        return 1
    found = changes(pair.before, pair.after, pair.retained)
    roster = roster_changes(assignment(pair.before), assignment(pair.after))
    protected = protected_of(fleet, made.stacks)
    forbidden = refusals(pair.fixed, fleet, found, protected, snapshot.definitions)
    if facts is not None:
        forbidden += placed(live_findings(arguments.root, fleet, facts), snapshot.definitions)
    for line in (line for said in pair.refused for line in said.splitlines()):
        tell(f"refused: {line}")
    if arguments.format == "json":
        put_json(as_json(found, roster, forbidden, pair.refused, pair.undeclared))
    else:
        for parts in (
            *as_lines(found),
            *roster_lines(roster),
            *undeclared_lines(pair.undeclared),
        ):
            say(*parts)
        if forbidden:
            say(("forbidden, so that up refuses", BOLD))
            say_problems(forbidden)
        tell(summary(found))
    return DIFFERENT if found or forbidden or pair.undeclared else 0


def _pair(
    arguments: argparse.Namespace, made: Plan, fleet: Fleet, facts: Facts | None
) -> _Pair | None:
    against, only = arguments.against, arguments.stacks
    folder = Path(against)
    if facts is not None:
        live = read_live(fleet, made.stacks)
        retained = _retained(fleet, live.before)
        undeclared = undeclared_cells(facts.fixed, fleet) if only is None else ()
        refused = tuple(live.refused)
        return _Pair(live.before, live.after, facts.fixed, retained, refused, undeclared)
    if folder.is_dir() and not (folder / MARK).is_file():
        return _against_files(folder, made, fleet, only)
    if folder.is_dir():
        before = _planned(loaded(read(folder)), None, f" in {against}")
    else:
        with checked_out(arguments.root, against) as files:
            before = _planned(loaded(read(files)), None, f" at {against}")
    if before is None or before.fleet is None:
        return None
    stacks = _only(before.stacks, only)
    return _Pair(stacks, made.stacks, fixed(before.fleet), _retained(before.fleet, stacks))


def _planned(declared: Loaded, only: list[str] | None, where: str) -> Plan | None:
    try:
        made = planned(declared, only)
    except UnknownStackError as error:
        tell(f"cellwright diff: no cell {str(error)!r} in the definitions")
        return None
    wrong = mistakes(made.problems)  # who is not placed yet is in no directory
    if wrong or made.fleet is None:
        problems_as_text(wrong)
        if where:
            tell(f"cellwright diff: the problems are{where}")
        return None
    return made


def _against_files(folder: Path, made: Plan, fleet: Fleet, only: list[str] | None) -> _Pair | None:
    manifests = [one for stack in made.stacks.values() for one in stack]
    after = from_files({path: text.encode() for path, text in files(manifests).items()})
    before = from_files(read_tree(folder))
    if before.problems:
        problems_as_text(before.problems)
        return None
    try:
        fixed_before = standing(fleet, (one for stack in before.stacks.values() for one in stack))
    except ValueError as error:
        raise CommandError(f"{folder}: {error}") from None
    stacks = _only(before.stacks, only)
    return _Pair(stacks, after.stacks, fixed_before, _retained(fleet, stacks))


def _only(stacks: Stacks, names: list[str] | None) -> Stacks:
    return {name: one for name, one in stacks.items() if names is None or name in names}


def _retained(fleet: Fleet, stacks: Stacks) -> set[tuple[str, ...]]:
    """Return the identities of what stays in the cluster, of cells that the fleet has."""
    return {
        one.manifest.identity
        for name, manifests in stacks.items()
        if name in fleet.cells
        for one in registrations(fleet, manifests)
        if one.retain
    }
