"""Take a cell down for good, step by step.

Each run says which steps are done and stops at the first that is not, with what to do for it; the
same command goes on from there, also after a run that was killed. Whatever a person has to decide
(where the organizations go, whether there is a backup) is left to them.
"""

import argparse
import re
from concurrent.futures import Future, ThreadPoolExecutor, wait

from cellwright.cli.asking import add_wait, answered
from cellwright.cli.report import BOLD, DIM, GREEN, YELLOW, say, tell
from cellwright.cli.results import problems_as_text
from cellwright.cli.retire_text import kept_lines, leftover_lines, resource_lines
from cellwright.edge import stacks
from cellwright.edge.destroying import Destroyer
from cellwright.edge.failure import CommandError
from cellwright.edge.files import read
from cellwright.edge.process import Interrupts
from cellwright.edge.retiring import Reading, read_retiree
from cellwright.edge.up.beginning import lease_labels
from cellwright.edge.up.leases import Leases
from cellwright.model import FLEET_STACK, Fleet
from cellwright.plan import Loaded, Plan, loaded, planned
from cellwright.retirement import Record, Retiree, Step, Todo, next_step

EXAMPLES = """examples:
  cellwright retire delta                                   # what is done, and what is next
  cellwright retire delta --backup-taken s3://backups/delta/2031-05-01
  cellwright retire delta --without-backup --confirm delta  # without the question, as in a script
"""
_NAME = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
_LONGEST_NOTE = 1000  # characters
_PERIOD = 5.0  # seconds between two looks at what a run waits for


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb takes."""
    parser.add_argument("cell", metavar="CELL", type=_cell, help="the cell's name")
    backup = parser.add_mutually_exclusive_group()
    backup.add_argument(
        "--backup-taken",
        metavar="NOTE",
        type=_note,
        help="where the backup is; noted on the cell's namespace, with who said it and when",
    )
    backup.add_argument(
        "--without-backup", action="store_true", help="no backup of the cell's data is needed"
    )
    parser.add_argument(
        "--confirm",
        metavar="NAME",
        help="the cell's name once more instead of the question; required without a terminal",
    )
    add_wait(parser)


def run(arguments: argparse.Namespace) -> int:
    """Go on with a cell's retirement; 1 where it stops before its end."""
    workspace = loaded(read(arguments.root))
    plan = planned(workspace)
    if plan.problems or workspace.fleet is None:
        problems_as_text(plan.problems)
        return 1
    return _Run(arguments, workspace, plan, workspace.fleet, Interrupts()).run()


class _Run:
    """One run for one cell."""

    def __init__(
        self,
        arguments: argparse.Namespace,
        workspace: Loaded,
        plan: Plan,
        fleet: Fleet,
        interrupts: Interrupts,
    ) -> None:
        self._arguments, self._workspace, self._plan = arguments, workspace, plan
        self._fleet, self._interrupts = fleet, interrupts

    def run(self) -> int:
        """Look without the lease, and go on under it if it is time to destroy."""
        reading = self._read()
        if reading.problems:
            problems_as_text(reading.problems)
            tell("cellwright retire: refused; nothing was touched")
            return 1
        todo = next_step(reading.retiree)
        if todo.why or reading.ending:
            return _stopped(reading, todo)
        if todo.step == Step.DONE:
            return self._finished(reading)
        arguments = self._arguments
        with Leases(self._fleet, arguments.wait, self._interrupts, tell) as leases:
            labels = lease_labels(arguments.root, self._fleet, reading.situation.clusters)
            for cluster, own in labels.items():
                leases.take(cluster, own)
            if reading.retiree.cluster not in labels:
                raise CommandError(
                    f"cluster {reading.retiree.cluster} has no directory of this fleet, in which "
                    "runs exclude each other: `cellwright up --stack fleet` makes it"
                )
            return self._under_lease(leases)

    def _read(self, seen_in: str | None = None) -> Reading:
        return read_retiree(
            self._arguments.root,
            self._workspace,
            self._plan,
            self._fleet,
            self._arguments.cell,
            seen_in=seen_in,
        )

    def _under_lease(self, leases: Leases) -> int:
        """Read again what others may have changed, ask, and destroy."""
        reading = self._read()
        todo = next_step(reading.retiree)
        if reading.problems or todo.why or reading.ending:
            raise CommandError("the cell was changed in the meantime: run this again")
        destroyer = Destroyer(reading, leases, self._interrupts, tell)
        record = reading.retiree.backup
        if todo.step == Step.BACKUP:
            arguments = self._arguments
            if not (arguments.backup_taken or arguments.without_backup):
                why = "nothing says where the backup of its data is"
                hint = "take one, and say where it is: --backup-taken NOTE; or --without-backup"
                return _stopped(reading, Todo(Step.BACKUP, why, hint))
            record = destroyer.note_backup(arguments.backup_taken or "")
            todo = Todo(Step.DESTROY)
        if todo.step == Step.DESTROY:
            _show(reading, record.backup if record else None)
            if not self._is_confirmed():
                return 1
            if not self._destroy(destroyer, record):
                return 1
        self._remove_stack()
        return self._finished(self._read(reading.retiree.cluster))

    def _destroy(self, destroyer: Destroyer, record: Record | None) -> bool:
        name = self._arguments.cell
        tell(f"{name}: destroying its stack")
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(destroyer.destroy, record)
            try:
                _watch(destroyer, running)
            except KeyboardInterrupt:
                tell("cellwright retire: waiting for pulumi to stop")
                self._interrupts.interrupt()
                wait([running])
        reasons = running.result()
        for line in reasons:
            tell(f"  {line}")
        if self._interrupts.is_interrupted:
            raise KeyboardInterrupt
        if reasons:
            tell(f"cellwright retire: not all of {name} is gone; the same command goes on")
        return not reasons

    def _remove_stack(self) -> None:
        name = self._arguments.cell
        try:
            stacks.remove(self._arguments.root, name)
        except CommandError as error:
            raise CommandError(f"stack {name} can't be removed: {error}") from None
        tell(f"{name}: stack and settings removed")

    def _finished(self, reading: Reading) -> int:
        _steps(reading.retiree, Todo(Step.DONE))
        for line in leftover_lines(reading):
            say(line)
        return 0

    def _is_confirmed(self) -> bool:
        name, typed = self._arguments.cell, self._arguments.confirm
        if typed is None:
            typed = answered("Type the cell's name to destroy it: ", f"--confirm {name}")
        if typed == name:
            return True
        tell(f"cellwright retire: {typed!r} is not {name!r}; nothing was destroyed")
        return False


def _watch(destroyer: Destroyer, running: Future[tuple[str, ...]]) -> None:
    """Wait for the end, and tell what a namespace that is being deleted waits for."""
    known: set[str] = set()
    while wait([running], _PERIOD).not_done:
        for reason in destroyer.ending():
            if reason not in known:
                known.add(reason)
                tell(f"waiting: {reason}")


def _stopped(reading: Reading, todo: Todo) -> int:
    """Tell which steps are done and what the next one needs."""
    if reading.ending:
        waits = "; ".join(reading.ending)
        hint = "take away what holds it, or let whoever set the finalizer do that"
        todo = Todo(Step.DESTROY, f"namespace {reading.retiree.namespace} waits: {waits}", hint)
    _steps(reading.retiree, todo)
    tell(
        f"cellwright retire: stopped at step {todo.step.value}; the same command goes on from there"
    )
    return 1


def _steps(retiree: Retiree, todo: Todo) -> None:
    where = f"namespace {retiree.namespace} in cluster {retiree.cluster}"
    say((f"cell {retiree.name}", BOLD), (f", {where}", DIM))
    for step in Step:
        if step == Step.DONE or step > todo.step:
            break
        if step < todo.step:
            say(("  done  ", GREEN), f"{step.value} {step}")
        else:
            say(("  next  ", YELLOW), f"{step.value} {step}")
            say(f"          {todo.why}")
            say((f"          {todo.hint}", DIM))


def _show(reading: Reading, backup: str | None) -> None:
    retiree = reading.retiree
    say((f"cell {retiree.name}", BOLD), f" in cluster {retiree.cluster} would be destroyed:")
    for line in resource_lines(retiree):
        say(f"  {line}")
    if backup is not None:
        say(f"  backup: {backup or 'none, as was said with --without-backup'}")
    for line in kept_lines(reading):
        say(f"  {line}")


def _cell(text: str) -> str:
    if text == FLEET_STACK:
        message = "fleet is not a cell: the directory of all cells is never retired"
        raise argparse.ArgumentTypeError(message)
    if not _NAME.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not the name of a cell")
    return text


def _note(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty: say where the backup is")
    if len(text) > _LONGEST_NOTE:
        raise argparse.ArgumentTypeError(f"it is longer than {_LONGEST_NOTE} characters")
    return text
