"""Applies one stack after another, and verifies that what was applied is ready.

Pulumi's word that a stack is up is not enough: which objects a plugin waits for, and for how long,
is the plugin's affair. So whether all is ready is looked at here.
"""

import json
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from cellwright.edge import stacks
from cellwright.edge.backend import explained
from cellwright.edge.clusters import Applied
from cellwright.edge.engine import Finished, Program, Run, up
from cellwright.edge.failure import CommandError
from cellwright.edge.kubectl import Kubectl
from cellwright.edge.process import Interrupts
from cellwright.edge.routers import is_run, wait
from cellwright.edge.stack_settings import ensure
from cellwright.edge.up.growing import Grower
from cellwright.edge.up.leases import Leases
from cellwright.edge.up.locks import Locked
from cellwright.edge.up.loosening import loosen_quota
from cellwright.edge.up.preview import FORCE, targets
from cellwright.edge.up.reading import Situation
from cellwright.edge.waiting import not_ready
from cellwright.edge.who import who
from cellwright.identity import APPLIED_ANNOTATION, LAST_RUN_ANNOTATION
from cellwright.model import FLEET_STACK
from cellwright.wholeness import digest_of

_PAUSE = 1.0  # seconds between two looks at what is not ready yet


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the run of one stack ended: Pulumi's count of changes, or what went wrong.

    `notes` are what goes on in the cluster after the end, such as a volume that still grows.
    """

    stack: str
    clusters: tuple[str, ...]
    ok: bool
    seconds: float
    changes: str
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Applier:
    """Applies stacks of one situation, under the lease.

    `refreshed` are the stacks whose states are brought to what is there first.
    """

    situation: Situation
    leases: Leases
    interrupts: Interrupts
    refreshed: Collection[str]
    on_made: Callable[[str], None]
    tell: Callable[[str], None]

    def apply(
        self,
        stack: str,
        clusters: tuple[str, ...],
        program: Program,
        serving: Collection[str] = (),
    ) -> Outcome:
        """Apply a program to a stack in some of its clusters; whatever fails is in the outcome.

        The directory is waited for until those cells have it that are `serving`.
        """
        started = time.monotonic()
        notes: tuple[str, ...] = ()
        try:
            self._prepare(stack, clusters)
            grower = Grower(self.situation, stack, self.interrupts)
            grower.grow()
            loosen_quota(self.situation, stack)
            finished = self._run(stack, clusters, program)
            reasons = () if finished.ok else self._why(finished)
            changes = finished.changes
            if finished.ok and stack != FLEET_STACK:
                reasons = self._waited(stack, started)
                if not reasons:
                    reasons, notes = self._grown(grower)
            elif finished.ok and serving:
                reasons = self._unpublished(clusters, serving)
        except CommandError as error:
            changes, reasons = "", tuple(str(error).splitlines())
        ok = bool(changes) and not reasons
        stopped = "interrupted" if self.interrupts.is_interrupted else "failed"
        self._note(stack, clusters, "succeeded" if ok else stopped)
        return Outcome(stack, clusters, ok, time.monotonic() - started, changes, reasons, notes)

    def stamp(self, outcomes: Collection[Outcome], digests: Mapping[tuple[str, str], str]) -> None:
        """Note on the namespaces of stacks what was applied, and the state that it left.

        Raises CommandError.
        """
        done = [one for one in outcomes if one.ok]
        if not done:
            return
        backend = stacks.listed(self.situation.root)
        for one in done:
            for cluster in one.clusters:
                key = (one.stack, cluster)
                if key in digests and one.stack in backend:
                    applied = Applied(digests[key], backend[one.stack].updated)
                    self._annotate(one.stack, cluster, {APPLIED_ANNOTATION: applied.text()})

    def _prepare(self, stack: str, clusters: tuple[str, ...]) -> None:
        situation = self.situation
        if stack != FLEET_STACK:  # whose settings come first of all (`edge.up.beginning`)
            owner = situation.owner_of(stack, clusters)
            ensure(situation.root, stack, owner, situation.backend, self.on_made)
        self.leases.start(stack, clusters)
        self._note(stack, clusters, "running")

    def _run(self, stack: str, clusters: tuple[str, ...], program: Program) -> Finished:
        run = Run(
            self.situation.root,
            self.interrupts,
            FORCE,
            lambda process: self.leases.started(stack, clusters, process),
        )
        options = targets(self.situation, stack, clusters)
        is_growing = stack != FLEET_STACK and bool(self.situation.growths(stack))
        options += ["--refresh"] if stack in self.refreshed or is_growing else []
        locked = Locked(self.situation.root, self.leases, stack, clusters, self.tell)
        return locked.run(lambda: up(run, stack, program, options))

    def _why(self, finished: Finished) -> tuple[str, ...]:
        """Return what Pulumi says went wrong, or what is wrong with the state it can't read."""
        error = explained(self.situation.root, "\n".join(finished.lines))
        return tuple(str(error).splitlines()) if error else finished.diagnostics

    def _waited(self, stack: str, started: float) -> tuple[str, ...]:
        """Wait until a cell is ready; return what it still waits for when its time is over."""
        fleet = self.situation.fleet
        cell = fleet.cells[stack]
        kubectl = Kubectl(fleet.clusters[cell.cluster])
        deadline = started + fleet.timeout
        declared = [one.body for one in self.situation.manifests[stack]]
        while reasons := not_ready(kubectl, cell.namespace, declared):
            if time.monotonic() > deadline or self.interrupts.is_interrupted:
                return tuple(str(one) for one in reasons)
            time.sleep(_PAUSE)
        return ()

    def _unpublished(self, clusters: tuple[str, ...], serving: Collection[str]) -> tuple[str, ...]:
        """Wait until cells have the directory; return which do not when the time is over."""
        fleet, interrupts = self.situation.fleet, self.interrupts
        there = replace(fleet, cells={name: fleet.cells[name] for name in serving})
        used = there.used_clusters()
        asked = [one for one in clusters if one in used and is_run(there, one)]
        if not asked:
            return ()
        waited = wait(there, asked, None, fleet.timeout, lambda: interrupts.is_interrupted)
        return tuple(f"published, but not everywhere yet: {one}" for one in waited.behind)

    def _grown(self, grower: Grower) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Wait until volumes have their new sizes; return what failed, and what goes on alone."""
        deadline = time.monotonic() + self.situation.fleet.timeout
        told: set[str] = set()
        while pending := grower.pending():
            for message in [one.message for one in pending if one.message not in told]:
                self.tell(f"{grower.stack}: waiting: {message}")
                told.add(message)
            is_over = time.monotonic() > deadline or self.interrupts.is_interrupted
            if is_over or any(one.final for one in pending):
                failed = tuple(one.message for one in pending if one.failed)
                return failed, tuple(one.message for one in pending if not one.failed)
            time.sleep(_PAUSE)
        return (), ()

    def _note(self, stack: str, clusters: tuple[str, ...], result: str) -> None:
        """Note how the last run of a stack went, for `status`; it is no failure if that fails."""
        said = {
            "result": result,
            "at": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "by": who(),
        }
        for cluster in clusters:
            if stack == FLEET_STACK:  # who finds it half done knows what it was to be
                said["directory"] = digest_of(self.situation.manifests[stack], cluster)
            try:
                self._annotate(stack, cluster, {LAST_RUN_ANNOTATION: json.dumps(said)})
            except CommandError:  # the namespace is not there yet, or the cluster is away
                continue

    def _annotate(self, stack: str, cluster: str, annotations: Mapping[str, str]) -> None:
        kubectl = Kubectl(self.situation.fleet.clusters[cluster])
        kubectl.annotate(self.situation.namespace_of(stack), annotations)
