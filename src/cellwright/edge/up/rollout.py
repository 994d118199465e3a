"""Runs the steps of a roll-out: the stacks of a ring at the same time, one ring after the other."""

from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Protocol

from cellwright.edge.engine import Program
from cellwright.edge.program import registering
from cellwright.edge.up.apply import Applier, Outcome
from cellwright.edge.up.reading import Situation
from cellwright.manifest import Manifest
from cellwright.model import FLEET_STACK, QUARANTINE
from cellwright.rollout import Step, published, steps
from cellwright.roster import homes_before


class Progress(Protocol):
    """Whoever is told how a roll-out goes."""

    def begins(self, step: Step) -> None:
        """Learn that a step begins."""

    def started(self, stack: str) -> None:
        """Learn that a stack starts."""

    def ended(self, outcome: Outcome) -> None:
        """Learn how the run of a stack ended."""

    def stopping(self) -> None:
        """Learn that what runs was interrupted."""


@dataclass(slots=True)
class Ended:
    """What became of a roll-out: each stack's outcome, and what was not begun, with the reason."""

    outcomes: list[Outcome] = field(default_factory=list)
    not_begun: dict[str, str] = field(default_factory=dict)
    held_back: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether everything was done."""
        failed = any(not one.ok for one in self.outcomes)
        return not (failed or self.not_begun or self.held_back)


@dataclass(slots=True)
class Rollout:
    """One roll-out of the stacks that changed, each in the clusters where it did."""

    situation: Situation
    applier: Applier
    progress: Progress
    parallel: int
    _ended: Ended = field(default_factory=Ended)

    def run(self, wanted: Mapping[str, tuple[str, ...]]) -> Ended:
        """Apply the stacks in their order; failures are in what is returned."""
        situation = self.situation
        changed = wanted.get(FLEET_STACK, ())
        missing = [one for one in situation.without_directory() if one in changed]
        unsigned = [one for one in situation.unsigned_directory() if one in changed]
        stopped = ""
        for step in steps(situation.fleet, wanted, missing, unsigned):
            if reason := self._why_not(step, stopped):
                self._ended.not_begun |= dict.fromkeys(step.stacks, reason)
                continue
            self.progress.begins(step)
            if step.ring is None:
                outcomes = self._directory(step, wanted[FLEET_STACK])
            else:
                outcomes = self._ring(step, wanted)
            self._ended.outcomes += outcomes
            is_needed = bool(missing or unsigned) if step.ring is None else step.ring != QUARANTINE
            if is_needed and not all(one.ok for one in outcomes):
                stopped = f"{step} failed"
        return self._ended

    def _why_not(self, step: Step, stopped: str) -> str:
        if self.applier.interrupts.is_interrupted:
            return "interrupted"
        return stopped if step.ring not in (None, QUARANTINE) else ""

    def _ring(self, step: Step, wanted: Mapping[str, tuple[str, ...]]) -> list[Outcome]:
        manifests = self.situation.manifests
        return self._together({name: (wanted[name], manifests[name]) for name in step.stacks})

    def _directory(self, step: Step, clusters: tuple[str, ...]) -> list[Outcome]:
        """Publish the directory, as far as the cells that it names are there."""
        situation = self.situation
        chosen = step.clusters if step.clusters is not None else clusters
        manifests = situation.manifests[FLEET_STACK]
        absent = self._absent()
        if absent != set(situation.fleet.cells):  # else nobody serves yet
            known = published(
                situation.fleet, situation.homes(), absent, may_move=not situation.clusters.away
            )
            self._ended.held_back = known.held_back
            if known.held_back:
                manifests = situation.directory_of(known.fleet)
        failed = {one.stack for one in self._ended.outcomes if not one.ok}
        serving = self._changing() - absent - failed
        return self._together({FLEET_STACK: (chosen, manifests)}, serving)

    def _changing(self) -> set[str]:
        """Return the cells that get organizations by the directory, by an override too.

        Who had an override once, and what it was then, the directory does not tell: all of these
        count, and all organizations of a cluster where nobody has waited for what was published
        last. Others are not asked: in a large fleet that would take minutes.
        """
        fixed, fleet = self.situation.facts.fixed, self.situation.fleet
        before = homes_before(fixed)
        sent = fixed.history.homes if fixed.history else {}
        unconfirmed = self.situation.unconfirmed_directory()
        return {
            cell
            for name, one in fleet.organizations.items()
            for cell in (one.cell, one.serving_cell)
            if cell
            and (
                before.get(name) != one.cell
                or one.override
                or name in sent
                or fleet.cells[cell].cluster in unconfirmed
            )
        }

    def _absent(self) -> set[str]:
        """Return the cells that are not known to be there as a whole."""
        situation = self.situation
        done = {one.stack for one in self._ended.outcomes if one.ok}
        return {
            cell.name
            for cell in situation.fleet.cells.values()
            if cell.name not in done and not situation.was_applied(cell.name)
        }

    def _together(
        self,
        stacks: Mapping[str, tuple[tuple[str, ...], tuple[Manifest, ...]]],
        serving: Collection[str] = (),
    ) -> list[Outcome]:
        """Apply some stacks at the same time; Ctrl-C lets those that run end in order."""
        situation, applier = self.situation, self.applier
        with ThreadPoolExecutor(min(self.parallel, len(stacks))) as pool:
            running = []
            for name, (clusters, manifests) in stacks.items():
                program = registering(situation.fleet, name, manifests, situation.secrets_of(name))
                running.append(pool.submit(self._one, name, clusters, program, serving))
            while any(not one.done() for one in running):
                try:
                    wait(running)
                except KeyboardInterrupt:  # each one is passed on: a second ends Pulumi at once
                    applier.interrupts.interrupt()
                    self.progress.stopping()
        outcomes = [one.result() for one in running]
        digests = {
            (name, cluster): situation.digest_of(name, cluster, manifests)
            for name, (clusters, manifests) in stacks.items()
            for cluster in clusters
        }
        applier.stamp(outcomes, digests)
        return outcomes

    def _one(
        self, name: str, clusters: tuple[str, ...], program: Program, serving: Collection[str]
    ) -> Outcome:
        self.progress.started(name)
        outcome = self.applier.apply(name, clusters, program, serving)
        self.progress.ended(outcome)
        return outcome
