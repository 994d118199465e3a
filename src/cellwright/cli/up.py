"""Apply the stacks of the whole fleet, ring by ring.

What would change an id, or lose data, is refused before anything is touched: the clusters are
asked what they hold.

A stack whose state already holds what the definitions ask for is skipped. The fleet's own
stack comes last, so that nothing is routed to a cell before it is there; only the very first
time it comes first, since routers need a directory to start with.
"""

import argparse
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path

from cellwright.changes import Stacks
from cellwright.cli.report import say, tell
from cellwright.cli.results import problems_as_text
from cellwright.edge import stacks
from cellwright.edge.failure import CommandError
from cellwright.edge.files import snapshot
from cellwright.edge.inputs import read_inputs
from cellwright.edge.kept import digest_of
from cellwright.edge.live import local_changes, read_facts
from cellwright.model import FLEET_STACK, Fleet
from cellwright.plan import plan
from cellwright.problem import Problem
from cellwright.registration import Registration, protected_of, registrations
from cellwright.snapshot import Snapshot
from cellwright.standing import refusals

EXAMPLES = """examples:
  cellwright up
  cellwright up --all        # run unchanged stacks too, which mends manual changes
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb takes."""
    parser.add_argument("--all", action="store_true", help="run stacks that are unchanged, too")
    parser.add_argument(
        "--parallel", type=int, default=4, metavar="N", help="stacks of one ring at once (4)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Apply everything; 1 if there is a problem or a stack fails, which stops later rings."""
    inputs = read_inputs(str(arguments.root))
    read = snapshot(inputs)
    made = plan(read)
    if made.problems or made.fleet is None:
        problems_as_text(made.problems)
        return 1
    refused = _refused(made.fleet, made.stacks, read)
    if refused:
        problems_as_text(refused)
        tell("cellwright up: refused; nothing was touched")
        return 1
    names = [FLEET_STACK, *made.fleet.cells]
    others = stacks.ensure(arguments.root, names, lambda name: say(f"{name}: stack made"))
    for name in others:
        tell(f"{name}: no such cell is declared; its stack is left as it is")
    digest = digest_of(inputs)
    wanted = {name: registrations(made.fleet, made.stacks[name]) for name in names}
    for ring in _rings(made.fleet, first=stacks.is_empty(arguments.root, FLEET_STACK)):
        workers = max(1, min(arguments.parallel, len(ring)))
        with ThreadPoolExecutor(workers) as pool:
            done = [
                pool.submit(_apply, arguments.root, name, wanted[name], digest, every=arguments.all)
                for name in ring
            ]
            _finish(done)
        if not all(one.result() for one in done):
            tell("cellwright up: stopped; a new run goes on where this one failed")
            return 1
    return 0


def _refused(fleet: Fleet, wanted: Stacks, read: Snapshot) -> list[Problem]:
    """Return what must not be done to what the clusters hold."""
    facts = read_facts(fleet)
    protected = protected_of(fleet, wanted)
    changed = local_changes(facts.data, protected)
    return refusals(facts.fixed, fleet, changed, protected, read.definitions)


def _finish(running: Sequence[Future[bool]]) -> None:
    """Wait for all runs; Ctrl-C has reached Pulumi too, whose orderly end is waited for."""
    try:
        wait(running)
    except KeyboardInterrupt:
        tell("cellwright up: waiting for pulumi to stop")
        wait(running)
        raise


def _rings(fleet: Fleet, *, first: bool) -> Sequence[Sequence[str]]:
    rings = [
        [cell.name for cell in fleet.cells.values() if cell.ring == ring] for ring in fleet.rings
    ]
    cells = [names for names in rings if names]
    return [[FLEET_STACK], *cells] if first else [*cells, [FLEET_STACK]]


def _apply(
    root: Path, name: str, wanted: Sequence[Registration], digest: str, *, every: bool
) -> bool:
    """Apply one stack and return whether it went well; each failure is told by itself."""
    started = time.monotonic()
    try:
        if not every and stacks.is_up_to_date(root, name, wanted):
            say(f"{name}: unchanged")
            return True
        finished = stacks.up(root, name, digest)
    except CommandError as error:
        tell(f"{name}: {error}")
        return False
    seconds = time.monotonic() - started
    if finished.ok:
        say(f"{name}: up in {seconds:.1f} s ({finished.changes})")
        return True
    tell(f"{name}: failed after {seconds:.1f} s")
    for line in finished.diagnostics:
        tell(f"  {line}")
    return False
