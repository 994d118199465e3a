"""Apply the stacks of the whole fleet, ring by ring: plan, ask, apply, verify.

What would change an id, lose data, or touch what is not this fleet's is refused before anything is
touched, and so is everything that the API servers refuse in Pulumi's preview. Stacks that are as
they were applied last are skipped. A failure stays in its cell and stops later rings; the directory
is published all the same, as far as the cells that it names are there.
"""

import argparse
import sys
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cellwright.cli.asking import add_parallel, add_wait, confirmed
from cellwright.cli.report import counted, say, tell
from cellwright.cli.results import problems_as_text
from cellwright.cli.state_details import rotation_lines
from cellwright.edge.clusters import Clusters, read_clusters
from cellwright.edge.failure import CommandError
from cellwright.edge.files import read
from cellwright.edge.kubectl import Kubectl
from cellwright.edge.lease_object import holder
from cellwright.edge.process import Interrupts
from cellwright.edge.settings import rotations
from cellwright.edge.up.beginning import begin, lease_labels
from cellwright.edge.up.leases import Leases
from cellwright.edge.up.reading import Situation, read_situation
from cellwright.edge.up.refusing import refused
from cellwright.model import FLEET_STACK, Fleet
from cellwright.plan import loaded, planned

if TYPE_CHECKING:
    from cellwright.edge.up.preview import Proposal

WOULD_CHANGE = 16
"""The exit code of a dry run where anything would change."""
EXAMPLES = """examples:
  cellwright up                    # plan, show, ask, apply
  cellwright up --dry-run          # plan and show: 16 if anything would change, 0 if not
  cellwright up --yes              # without the question, as in CI
  cellwright up --cell beta        # this cell alone
  cellwright up --stack fleet      # the directory alone
  cellwright up --all              # unchanged stacks too; what was changed by hand is mended
  cellwright up --wait 10m         # wait for another run to end
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb takes."""
    parser.add_argument(
        "--yes", action="store_true", help="do not ask; required without a terminal"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="only show what would change: exit code 16 or 0"
    )
    parser.add_argument(
        "--all",
        action="store_true",
        help="run unchanged stacks too, with a refresh: mends what was changed by hand",
    )
    for option, what, kind in (
        ("cell", "this cell", _cell),
        ("stack", "this stack (a cell, or fleet)", str),
    ):
        parser.add_argument(
            f"--{option}",
            action="append",
            dest="stacks",
            type=kind,
            metavar="NAME",
            help=f"{what} alone; repeatable, and beside others what any of them names",
        )
    parser.add_argument(
        "--ring",
        action="append",
        type=int,
        dest="rings",
        metavar="N",
        help="the cells of this ring alone; repeatable",
    )
    add_wait(parser)
    add_parallel(parser)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The stacks to apply with their clusters, and those that can't be, with the reason."""

    stacks: Mapping[str, tuple[str, ...]]
    skipped: Mapping[str, str]
    unchanged: int


def run(arguments: argparse.Namespace) -> int:
    """Apply everything; 1 if there is a problem or something could not be done."""
    workspace = loaded(read(arguments.root))
    fleet = workspace.fleet
    with ThreadPoolExecutor(1) as pool:
        asked = None if fleet is None else pool.submit(read_clusters, fleet, fleet.clusters)
        first = planned(workspace)
        if first.problems or fleet is None or asked is None:
            problems_as_text(first.problems)
            return 1
        chosen = _chosen(arguments, fleet)
        if not (arguments.yes or arguments.dry_run or sys.stdin.isatty()):
            raise CommandError(
                "there is no terminal to ask on: give --yes, or --dry-run to look first"
            )
        clusters = _answering(fleet, asked.result())
    interrupts = Interrupts()
    with Leases(fleet, arguments.wait, interrupts, tell) as leases:
        held = lease_labels(arguments.root, fleet, clusters)
        for cluster, labels in held.items():
            if not arguments.dry_run:
                leases.take(cluster, labels)
            elif other := holder(Kubectl(fleet.clusters[cluster]), fleet.directory_namespace):
                tell(f"`cellwright up` is running in cluster {cluster}: {other}")
        if held and not arguments.dry_run:  # another run may have ended since they were asked
            clusters = _answering(fleet, read_clusters(fleet, fleet.clusters))
        situation = read_situation(arguments.root, workspace, first, fleet, clusters)
        return _Run(arguments, situation, leases, interrupts).run(chosen)


@dataclass(frozen=True, slots=True)
class _Run:
    """One run: what was asked for, what is there, and what holds others off."""

    arguments: argparse.Namespace
    situation: Situation
    leases: Leases
    interrupts: Interrupts

    def run(self, chosen: set[str]) -> int:
        """Plan, refuse or ask, and apply."""
        arguments, situation = self.arguments, self.situation
        wanted = _wanted(situation, chosen, every=arguments.all)
        for line in rotation_lines(rotations(arguments.root, situation.manifests)):
            tell(line)
        for name in situation.undeclared_stacks():
            tell(f"{name}: no longer declared; leaving its stack untouched (`cellwright retire`)")
        for name, why in wanted.skipped.items():
            tell(f"{name}: can't be applied: {why}")
        if problems := refused(situation, wanted.stacks):
            problems_as_text(problems)
            return _refused()
        if not wanted.stacks:
            say(f"nothing to do: {counted(wanted.unchanged, 'stack')} unchanged")
            return int(bool(wanted.skipped))
        proposal = self._propose(wanted)
        if proposal.refused:
            for line in proposal.refused:
                tell(f"refused: {line}")
            return _refused()
        if arguments.dry_run:
            return WOULD_CHANGE if proposal.changes_something else 0
        if not arguments.yes and not confirmed("Apply these changes?"):
            tell("cellwright up: not confirmed; nothing was touched")
            return 1
        return self._apply(wanted, wanted.stacks if arguments.all else proposal.drifted)

    def _propose(self, wanted: _Wanted) -> "Proposal":
        """Show what would change."""
        # What loads Pulumi's SDK, a third of a second, is loaded once there is something to do.
        from cellwright.cli.up_text import proposal_lines  # noqa: PLC0415
        from cellwright.edge.up.preview import propose  # noqa: PLC0415

        if sys.stderr.isatty():
            tell(f"asking what would change of {counted(len(wanted.stacks), 'stack')} …")
        proposal = propose(
            self.situation,
            wanted.stacks,
            self.arguments.parallel,
            self.interrupts,
            refresh=self.arguments.all,
        )
        for parts in proposal_lines(self.situation, wanted.stacks, proposal):
            say(*parts)
        return proposal

    def _apply(self, wanted: _Wanted, refreshed: Collection[str]) -> int:
        from cellwright.cli.up_progress import Progress  # noqa: PLC0415 - as above
        from cellwright.cli.up_text import result_lines  # noqa: PLC0415
        from cellwright.edge.up.apply import Applier  # noqa: PLC0415
        from cellwright.edge.up.rollout import Rollout  # noqa: PLC0415

        secrets, backend = begin(self.situation, wanted.stacks, self.leases, tell)
        situation = replace(self.situation, secrets=secrets, backend=backend)
        with Progress(situation) as progress:
            applier = Applier(
                situation=situation,
                leases=self.leases,
                interrupts=self.interrupts,
                refreshed=refreshed,
                on_made=progress.made,
                tell=tell,
            )
            ended = Rollout(situation, applier, progress, self.arguments.parallel).run(
                wanted.stacks
            )
        for line in result_lines(ended, wanted.skipped):
            tell(line)
        is_done = ended.ok and not wanted.skipped
        if not is_done:
            tell("cellwright up: not all was done; re-run `cellwright up` to resume")
        if self.interrupts.is_interrupted:
            raise KeyboardInterrupt
        return 0 if is_done else 1


def _answering(fleet: Fleet, clusters: Clusters) -> Clusters:
    if not any(name in clusters.states for name in fleet.used_clusters()):
        raise CommandError("; ".join(clusters.away.values()))
    return clusters


def _refused() -> int:
    tell("cellwright up: refused; nothing was touched")
    return 1


def _wanted(situation: Situation, chosen: set[str], *, every: bool) -> _Wanted:
    stacks: dict[str, tuple[str, ...]] = {}
    skipped: dict[str, str] = {}
    unchanged = 0
    away, errors = situation.clusters.away, situation.cell_errors
    skipped |= {name: errors[name] for name in sorted(chosen & errors.keys())}
    for name in sorted(chosen - errors.keys()):
        clusters = situation.clusters_of(name)
        answering = tuple(cluster for cluster in clusters if cluster not in away)
        if missing := [cluster for cluster in clusters if cluster in away]:
            skipped[name] = "; ".join(away[cluster] for cluster in missing)
        changed = answering if every else situation.changed_clusters(name)
        if changed:
            stacks[name] = changed
        elif answering:
            unchanged += 1
    return _Wanted(stacks, skipped, unchanged)


def _chosen(arguments: argparse.Namespace, fleet: Fleet) -> set[str]:
    """Return the stacks that were asked for: all of them unless some are named."""
    everything = {FLEET_STACK, *fleet.cells}
    if not (arguments.stacks or arguments.rings):
        return everything
    named = set(arguments.stacks or ())
    if unknown := sorted(named - everything):
        known = ", ".join(sorted(everything))
        raise CommandError(f"no stack {unknown[0]!r} in the definitions; known: {known}")
    for ring in arguments.rings or ():
        members = {cell.name for cell in fleet.cells.values() if cell.ring == ring}
        if not members:
            raise CommandError(f"no cell is in ring {ring}")
        named |= members
    return named


def _cell(text: str) -> str:
    if text == FLEET_STACK:
        raise argparse.ArgumentTypeError(f"{FLEET_STACK} is not a cell: give --stack {FLEET_STACK}")
    return text
