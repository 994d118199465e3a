"""Destroys the stack of one cell under the lease, and sees for itself that nothing runs then."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from cellwright.edge.backend import explained
from cellwright.edge.directory_parts import remember
from cellwright.edge.engine import Finished, Run, destroy
from cellwright.edge.failure import CommandError
from cellwright.edge.kubectl import Kubectl, RefusedError
from cellwright.edge.process import Interrupts
from cellwright.edge.retiring import Reading, namespace_body, still_running, waits_for
from cellwright.edge.up.leases import Leases
from cellwright.edge.up.locks import Locked
from cellwright.edge.up.preview import FORCE
from cellwright.edge.who import who
from cellwright.identity import APPLIED_ANNOTATION
from cellwright.retirement import RETIREMENT_ANNOTATION, Record

_PAUSE = 1.0  # seconds between two looks at what is not gone yet


@dataclass(frozen=True, slots=True)
class Destroyer:
    """Destroys the stack of a cell that was read under the leases."""

    reading: Reading
    leases: Leases
    interrupts: Interrupts
    tell: Callable[[str], None]

    def note_backup(self, note: str) -> Record:
        """Note on the namespace where the backup is, empty for none. Raises CommandError."""
        record = Record(
            backup=note,
            by=who(),
            at=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            applied=self.reading.retiree.applied,
        )
        self._annotate({RETIREMENT_ANNOTATION: record.text()})
        return record

    def destroy(self, record: Record | None) -> tuple[str, ...]:
        """Destroy what the stack holds; return why not all of it is gone, nothing if all is.

        What was applied last counts no more from here on: the directory waits for a cell that
        comes back, and the next run goes on here. Raises CommandError.
        """
        situation = self.reading.situation
        if situation.secrets is not None:
            remember(situation)
        if record is not None:
            begun = replace(record, begun=True).text()
            self._annotate({RETIREMENT_ANNOTATION: begun, APPLIED_ANNOTATION: None})
        finished = self._run()
        if not finished.ok:
            text = "\n".join(finished.lines)
            error = explained(self.reading.situation.root, text)
            reasons = str(error).splitlines() if error else finished.diagnostics
            return (*reasons, *(f"the namespace waits: {one}" for one in self.ending()))
        return self._waited()

    def ending(self) -> tuple[str, ...]:
        """Return what the namespace waits for if it is being deleted."""
        retiree = self.reading.retiree
        fleet = self.reading.situation.fleet
        try:
            return waits_for(namespace_body(fleet, retiree.cluster, retiree.namespace))
        except CommandError:  # Pulumi's own words say more
            return ()

    def _run(self) -> Finished:
        stack, root = self.reading.retiree.name, self.reading.situation.root
        clusters = (self.reading.retiree.cluster,)
        run = Run(
            root,
            self.interrupts,
            FORCE,
            lambda process: self.leases.started(stack, clusters, process),
        )
        self.leases.start(stack, clusters)
        locked = Locked(root, self.leases, stack, clusters, self.tell)
        return locked.run(lambda: destroy(run, stack))

    def _waited(self) -> tuple[str, ...]:
        """Wait until nothing runs any more; return what is left when the time is over."""
        fleet, retiree = self.reading.situation.fleet, self.reading.retiree
        deadline = time.monotonic() + fleet.timeout
        while reasons := self._left():
            if time.monotonic() > deadline or self.interrupts.is_interrupted:
                return tuple(f"still there in {retiree.namespace}: {one}" for one in reasons)
            time.sleep(_PAUSE)
        return ()

    def _left(self) -> tuple[str, ...]:
        fleet, retiree = self.reading.situation.fleet, self.reading.retiree
        body = namespace_body(fleet, retiree.cluster, retiree.namespace)
        if body is None:
            return ()
        if ending := waits_for(body):
            return ending
        return still_running(fleet, retiree.cluster, retiree.namespace)

    def _annotate(self, annotations: Mapping[str, str | None]) -> None:
        """Set annotations of the namespace, if it is there."""
        retiree = self.reading.retiree
        if retiree.ring is None:
            return
        cluster = self.reading.situation.fleet.clusters[retiree.cluster]
        try:
            Kubectl(cluster).patch(
                "namespace", retiree.namespace, {"metadata": {"annotations": dict(annotations)}}
            )
        except RefusedError as error:
            if error.reason != "NotFound":
                raise
