"""Replace secrets by new ones while everything serves: those of a cell, or the root secret.

Three phases, each of which is a roll-out: old and new secrets are accepted, the new ones are used,
the old ones are accepted no more. The same command goes on where a run was stopped or killed.
"""

import argparse
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cellwright.cli.asking import add_parallel, add_wait, confirmed
from cellwright.cli.report import say, tell
from cellwright.cli.results import problems_as_text
from cellwright.cli.up_progress import Progress
from cellwright.cli.up_text import result_lines
from cellwright.edge.failure import CommandError
from cellwright.edge.files import read
from cellwright.edge.kubectl import Kubectl
from cellwright.edge.process import Interrupts
from cellwright.edge.up.apply import Applier
from cellwright.edge.up.beginning import held_clusters
from cellwright.edge.up.leases import Leases
from cellwright.edge.up.reading import Situation, read_situation
from cellwright.edge.up.refusing import refused
from cellwright.edge.up.rollout import Ended, Rollout
from cellwright.edge.up.rotating import Rotator, is_under_way, refuse_others
from cellwright.edge.waiting import not_ready
from cellwright.model import FLEET_STACK, Fleet
from cellwright.plan import Loaded, Plan, loaded, planned
from cellwright.problem import nearest

EXAMPLES = """examples:
  cellwright rotate cell beta        # its passwords, keys and certificates
  cellwright rotate root             # the root secret, and with it those of the fleet and all cells
  cellwright rotate cell beta --yes  # without the question, as in a script
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb takes."""
    kinds = parser.add_subparsers(
        dest="what", required=True, metavar="root|cell", parser_class=argparse.ArgumentParser
    )
    root = kinds.add_parser("root", help="the root secret, and everything that follows from it")
    one = kinds.add_parser("cell", help="the secrets of one cell")
    one.add_argument("cell", metavar="NAME", help="the cell's name")
    for each in (root, one):
        each.add_argument(
            "--yes", action="store_true", help="do not ask; required without a terminal"
        )
        add_wait(each)
        add_parallel(each)


def run(arguments: argparse.Namespace) -> int:
    """Rotate; 1 if there is a problem, or it stopped before its end."""
    workspace = loaded(read(arguments.root))
    plan = planned(workspace)
    fleet = workspace.fleet
    if plan.problems or fleet is None:
        problems_as_text(plan.problems)
        return 1
    cell = arguments.cell if arguments.what == "cell" else None
    if cell is not None and cell not in fleet.cells:
        raise CommandError(f"no cell {cell!r} in the definitions ({nearest(cell, fleet.cells)})")
    if not (arguments.yes or sys.stdin.isatty()):
        raise CommandError("there is no terminal to ask on: give --yes")
    interrupts = Interrupts()
    with Leases(fleet, arguments.wait, interrupts, tell) as leases:
        situation = _read(arguments, workspace, plan, fleet, leases)
        stacks = (cell,) if cell is not None else (FLEET_STACK, *fleet.cells)
        if problems := refused(situation, stacks):
            problems_as_text(problems)
            tell("cellwright rotate: refused; nothing was touched")
            return 1
        refuse_others(situation, cell)
        if is_under_way(situation, cell):
            _refuse_unless_as_defined(situation, stacks)
        else:
            _refuse_unless_up(situation, stacks)
        if not arguments.yes and not _is_agreed(situation, cell):
            tell("cellwright rotate: not confirmed; nothing was touched")
            return 1
        rotator = Rotator(
            situation, cell, _RollOut(arguments, leases, interrupts), interrupts, tell
        )
        is_done = rotator.run()
    if interrupts.is_interrupted:
        raise KeyboardInterrupt
    if not is_done:
        tell("cellwright rotate: stopped; the same command goes on from there")
        return 1
    if cell:
        say(f"the secrets of cell {cell} are new: commit stacks/")
    else:
        say("the root secret is new, and all others: commit stacks/, and make a new copy of the")
        say("root secret (docs/recovery.md)")
    return 0


def _read(
    arguments: argparse.Namespace, workspace: Loaded, plan: Plan, fleet: Fleet, leases: Leases
) -> Situation:
    """Take the leases, and read what is there. Raises CommandError where a cluster is away."""
    clusters = held_clusters(arguments.root, fleet, leases)
    for cluster in fleet.used_clusters():
        if cluster not in leases.clusters:
            raise CommandError(
                f"cluster {cluster} has no directory of this fleet: run `cellwright up` first"
            )
    return read_situation(arguments.root, workspace, plan, fleet, clusters)


def _refuse_unless_as_defined(situation: Situation, stacks: Iterable[str]) -> None:
    """Raise CommandError where a phase would apply more than other secrets, unseen."""
    for name in stacks:
        if not situation.is_as_defined(name):
            raise CommandError(
                f"the definitions of stack {name} are not those that were applied last: run "
                "`cellwright up`, which shows what changes, then this again"
            )


def _refuse_unless_up(situation: Situation, stacks: Iterable[str]) -> None:
    """Raise CommandError unless everything is as it was applied last, and ready."""
    for name in stacks:
        if situation.changed_clusters(name):
            raise CommandError(
                f"stack {name} is not as it was applied last: run `cellwright up`, then this again"
            )
        if name == FLEET_STACK:
            continue
        cell = situation.fleet.cells[name]
        kubectl = Kubectl(situation.fleet.clusters[cell.cluster])
        declared = [one.body for one in situation.manifests[name]]
        if reasons := not_ready(kubectl, cell.namespace, declared):
            raise CommandError(f"cell {name} is not ready: {reasons[0]}")


def _is_agreed(situation: Situation, cell: str | None) -> bool:
    goes_on = " (goes on with what was begun)" if is_under_way(situation, cell) else ""
    if cell is None:
        say(f"the root secret, and all secrets of the fleet and its cells{goes_on}")
    else:
        say(f"the passwords, keys and certificates of cell {cell}{goes_on}")
    say("pods of apps and routers are replaced three times, a few at a time; Postgres stays")
    return confirmed("Replace these secrets by new ones?")


@dataclass(frozen=True, slots=True)
class _RollOut:
    """Applies stacks, and tells how that goes."""

    arguments: argparse.Namespace
    leases: Leases
    interrupts: Interrupts

    def __call__(self, situation: Situation, wanted: Mapping[str, tuple[str, ...]]) -> Ended:
        with Progress(situation) as progress:
            applier = Applier(
                situation=situation,
                leases=self.leases,
                interrupts=self.interrupts,
                refreshed=(),
                on_made=progress.made,
                tell=tell,
            )
            ended = Rollout(situation, applier, progress, self.arguments.parallel).run(wanted)
        for line in result_lines(ended, {}):
            tell(line)
        return ended
