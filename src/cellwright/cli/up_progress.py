"""Tells how a roll-out goes: a line when a stack starts, what it waits for, and how it ended.

What a stack waits for is asked of its cluster, not of Pulumi: the API server knows the reason at
once (an image that can't be pulled, a quota that is used up, Pod Security), a plugin tells it when
its time is over. On a terminal the stacks that run are shown below the lines, each with its time.
"""

import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Self

from cellwright.cli.report import say, shows_colours, tell
from cellwright.edge.failure import CommandError
from cellwright.edge.kubectl import Kubectl
from cellwright.edge.up.apply import Outcome
from cellwright.edge.up.reading import Situation
from cellwright.edge.waiting import waiting
from cellwright.harmless import harmless
from cellwright.model import FLEET_STACK
from cellwright.rollout import Step

if TYPE_CHECKING:
    from rich.live import Live

_PERIOD = 5.0  # seconds between two questions to a cluster
_MOST_REASONS = 5  # told of a stack at a time


@dataclass(slots=True)
class _Running:
    since: float
    reasons: tuple[str, ...] = ()


@dataclass(slots=True)
class Progress:
    """Lines about stacks as they run; a context, in which the clusters are asked."""

    situation: Situation
    _running: dict[str, _Running] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _live: "Live | None" = None

    def __enter__(self) -> Self:
        if shows_colours(is_terminal=sys.stderr.isatty()):
            self._live = _live()
            self._live.start()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join(_PERIOD)
        if self._live is not None:
            self._live.stop()

    def begins(self, step: Step) -> None:
        """Tell that a step begins."""
        self._tell(f"{step}: {', '.join(step.stacks)}")

    def started(self, stack: str) -> None:
        """Tell that a stack starts."""
        with self._lock:
            self._running[stack] = _Running(time.monotonic())
        self._tell(f"{stack}: started")

    def ended(self, outcome: Outcome) -> None:
        """Tell how the run of a stack ended."""
        with self._lock:
            self._running.pop(outcome.stack, None)
        if outcome.ok:
            self._say(f"{outcome.stack}: up in {outcome.seconds:.1f} s ({outcome.changes})")
            return
        self._tell(f"{outcome.stack}: failed after {outcome.seconds:.1f} s")
        for line in outcome.reasons:
            self._tell(f"  {line}")

    def made(self, stack: str) -> None:
        """Tell that a stack was made in the backend."""
        self._tell(f"{stack}: stack made")

    def stopping(self) -> None:
        """Tell that Pulumi was asked to end."""
        self._tell("cellwright up: waiting for pulumi to stop")

    def _watch(self) -> None:
        while not self._over.wait(_PERIOD if self._live is None else 1.0):
            if self._live is not None:
                self._live.update(self._table())
            self._ask(time.monotonic())

    def _ask(self, now: float) -> None:
        """Ask the clusters of stacks that run for a while what they wait for."""
        with self._lock:
            old = [name for name, one in self._running.items() if now - one.since >= _PERIOD]
        namespaces: defaultdict[str, dict[str, str]] = defaultdict(dict)
        for name in old:
            if name != FLEET_STACK:
                cell = self.situation.fleet.cells[name]
                namespaces[cell.cluster][cell.namespace] = name
        for cluster, names in namespaces.items():
            try:
                said = waiting(Kubectl(self.situation.fleet.clusters[cluster]), list(names))
            except CommandError:  # the run of the stack tells what is wrong with the cluster
                continue
            for namespace, name in names.items():
                self._waits(name, [str(one) for one in said.get(namespace, ())])

    def _waits(self, stack: str, reasons: Iterable[str]) -> None:
        shown = tuple(dict.fromkeys(reasons))[:_MOST_REASONS]
        with self._lock:
            running = self._running.get(stack)
            if running is None or shown == running.reasons:
                return
            new = [reason for reason in shown if reason not in running.reasons]
            running.reasons = shown
        for reason in new:
            self._tell(f"{stack}: waiting for {reason}")

    def _say(self, line: str) -> None:
        if self._live is None:
            say(line)
        else:
            self._live.console.print(harmless(line), markup=False, highlight=False)

    def _tell(self, line: str) -> None:
        if self._live is None:
            tell(line)
        else:
            self._live.console.print(harmless(line), markup=False, highlight=False, style="dim")

    def _table(self) -> str:
        now = time.monotonic()
        with self._lock:
            rows = [f"  {name}  {now - one.since:.0f} s" for name, one in self._running.items()]
        return "\n".join(rows)


def _live() -> "Live":
    from rich.console import Console  # noqa: PLC0415 - only a terminal needs it
    from rich.live import Live  # noqa: PLC0415

    return Live(console=Console(stderr=True), transient=True, refresh_per_second=2)
