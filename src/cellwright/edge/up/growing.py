"""Makes volumes larger, without stopping what uses them, before Pulumi runs a stack.

Each step looks at what is there, so that a run that was killed anywhere is gone on with: the
ResourceQuota and the claims are raised, then the StatefulSet, whose claim templates can't be
changed, is taken away without its pods. Pulumi makes it again around them. Refuses to make
anything smaller.
"""

import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from cellwright.edge.failure import CommandError
from cellwright.edge.kubectl import Body, Kubectl, RefusedError
from cellwright.edge.process import Interrupts
from cellwright.edge.up.reading import Situation
from cellwright.fixed import Finding
from cellwright.growth import Growth, Resize, raised_quota, resize_of, sizes
from cellwright.model import FLEET_STACK
from cellwright.problem import Path

_PAUSE = 0.5  # seconds between two looks
_GONE = 60.0  # seconds until a StatefulSet that is taken away is gone
_STORAGE: Path = ("spec", "postgres", "storage")
_CLASS_HINT = (
    "set `allowVolumeExpansion: true` on the StorageClass if its provisioner can expand volumes; "
    "else make a new cell and move the organizations there"
)
_DELETES_HINT = "set whenDeleted to Retain in the StatefulSet first"


def growth_findings(situation: Situation, stacks: Collection[str]) -> Iterator[Finding]:
    """Yield the volumes of stacks that can't grow as declared.

    A storage class that the user may not read is left to the API server. Raises CommandError for
    a cluster that stops answering.
    """
    for stack in stacks:
        if stack == FLEET_STACK:
            continue
        kubectl = Kubectl(situation.fleet.clusters[situation.clusters_of(stack)[0]])
        for growth in situation.growths(stack):
            for claim in growth.small_claims():
                if why := _unexpandable(kubectl, claim.storage_class):
                    message = (
                        f"volume claim {growth.namespace}/{claim.name} can't grow from "
                        f"{claim.storage} to {growth.after}: {why}"
                    )
                    yield Finding("Cell", stack, _STORAGE, "CW412", message, _CLASS_HINT)
            if growth.takes_set_away and _deletes_volumes(kubectl, growth):
                message = (
                    f"StatefulSet {growth.namespace}/{growth.name} can't be made again for its "
                    "larger volume: its persistentVolumeClaimRetentionPolicy deletes the volume"
                )
                yield Finding("Cell", stack, _STORAGE, "CW412", message, _DELETES_HINT)


def _unexpandable(kubectl: Kubectl, name: str | None) -> str:
    """Return why volumes of a storage class can't grow; empty if they can."""
    if name is None:
        return "it has no storage class"
    try:
        found = kubectl.find(f"/apis/storage.k8s.io/v1/storageclasses/{name}")
    except RefusedError:
        return ""
    if found is None:
        return f"its StorageClass {name} does not exist"
    if found.get("allowVolumeExpansion") is not True:
        return f"its StorageClass {name} does not allow volume expansion"
    return ""


def _deletes_volumes(kubectl: Kubectl, growth: Growth) -> bool:
    live = kubectl.find(_set_path(growth)) or {}
    policy = (live.get("spec") or {}).get("persistentVolumeClaimRetentionPolicy") or {}
    return bool(policy.get("whenDeleted") == "Delete")


@dataclass(frozen=True, slots=True)
class Grower:
    """Makes the volumes of one cell larger."""

    situation: Situation
    stack: str
    interrupts: Interrupts

    @property
    def growths(self) -> tuple[Growth, ...]:
        """What grows, and which sets were taken away for that."""
        return () if self.stack == FLEET_STACK else self.situation.growths(self.stack)

    def grow(self) -> None:
        """Raise quota and claims, and take away the sets that are in the way.

        Raises CommandError for what the API server refuses, and if interrupted.
        """
        if self.growths:
            self._raise_quotas()
            for growth in self.growths:
                self._raise_claims(growth)
            for growth in self.growths:
                if growth.takes_set_away:
                    self._take_away(growth)

    def pending(self) -> list[Resize]:
        """Return what the volumes still wait for. Raises CommandError."""
        kubectl = self._kubectl()
        found = []
        for growth in self.growths:
            for claim in growth.small_claims():
                body = kubectl.find(_claim_path(growth, claim.name))
                if body is not None and (resize := resize_of(body, growth.after)):
                    found.append(resize)
        return found

    def _kubectl(self) -> Kubectl:
        (cluster,) = self.situation.clusters_of(self.stack)
        return Kubectl(self.situation.fleet.clusters[cluster])

    def _raise_quotas(self) -> None:
        kubectl = self._kubectl()
        for one in self.situation.manifests[self.stack]:
            if one.kind != "ResourceQuota":
                continue
            path = f"/api/v1/namespaces/{one.namespace}/resourcequotas/{one.name}"
            live = kubectl.find(path)
            if live is not None and (raised := raised_quota(one.body, live)):
                patch = {"spec": {"hard": raised}}
                kubectl.patch("resourcequota", one.name, patch, namespace=one.namespace)

    def _raise_claims(self, growth: Growth) -> None:
        """Let claims ask for more; the quota's new limit may take a moment to count."""
        kubectl = self._kubectl()
        patch = {"spec": {"resources": {"requests": {"storage": growth.after}}}}
        for claim in growth.small_claims():
            kubectl.patch("persistentvolumeclaim", claim.name, patch, namespace=growth.namespace)

    def _take_away(self, growth: Growth) -> None:
        """Delete a set whose template still has the old size, and leave its pods running."""
        kubectl = self._kubectl()
        path = _set_path(growth)
        live = kubectl.find(path)
        if live is None or sizes(live).get(growth.template) != growth.set_has:
            return
        if self.interrupts.is_interrupted:
            raise CommandError("interrupted")
        kubectl.orphan(path, str(live["metadata"]["uid"]))
        deadline = time.monotonic() + _GONE
        while (left := kubectl.find(path)) and _uid(left) == _uid(live):
            if time.monotonic() > deadline:
                raise CommandError(
                    f"StatefulSet {growth.namespace}/{growth.name} was deleted and is still there "
                    f"after {_GONE:.0f} s; finalizers: {left['metadata'].get('finalizers')}"
                )
            time.sleep(_PAUSE)


def _uid(body: Body) -> str:
    return str(body["metadata"]["uid"])


def _set_path(growth: Growth) -> str:
    return f"/apis/apps/v1/namespaces/{growth.namespace}/statefulsets/{growth.name}"


def _claim_path(growth: Growth, name: str) -> str:
    return f"/api/v1/namespaces/{growth.namespace}/persistentvolumeclaims/{name}"
