"""Why workloads are not ready, in plain words, from what a cluster holds of some namespaces.

What the API server knows is told at once: of pods that are wanted now, never of those that were
replaced, and by no event that something newer has overtaken. Refuses to ask a cluster, and to read
the clock: times are compared with each other.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from cellwright.pod_reasons import pod_reason
from cellwright.readiness import conditions, holds, lacks, said, wanted_pods
from cellwright.seen_events import Events

Body = Mapping[str, Any]

_REVISION = "deployment.kubernetes.io/revision"
_FORBIDDEN = re.compile(r'.*?[Pp]ods? "[^"]*" is forbidden: ', re.DOTALL)
_UNBOUND = "unbound immediate PersistentVolumeClaims"
_SERVICE_ACCOUNT = re.compile(r".*error looking up service account [^:]*: ", re.DOTALL)


class Reason(NamedTuple):
    """Why one object is not ready.

    `is_stuck`: it will not become ready by waiting alone, as far as can be told. Otherwise it may
    be on its way: an image is being pulled, a pod starts.
    """

    namespace: str
    kind: str
    name: str
    text: str
    is_stuck: bool

    def __str__(self) -> str:
        return f"{self.kind} {self.name}: {self.text}"


def reasons(objects: Iterable[Body]) -> list[Reason]:
    """Return why each of these objects is not ready, by namespace, kind and name.

    Pods and ReplicaSets speak for the workload that owns them. Nothing is returned exactly if
    all is ready. Events only explain: without them less is known, but nothing is missed.
    """
    listed = list(objects)
    namespaces: dict[str, list[Body]] = defaultdict(list)
    for body in listed:
        namespaces[str(body["metadata"].get("namespace", ""))].append(body)
    return [
        reason for name in sorted(namespaces) for reason in sorted(_Namespace(namespaces[name]))
    ]


def about(found: Iterable[Reason], declared: Iterable[Body]) -> list[Reason]:
    """Return the reasons that are about declared objects, or volumes of their StatefulSets.

    A pod that someone runs beside them says nothing of them.
    """
    names = set()
    volumes = set()
    for body in declared:
        metadata = body["metadata"]
        namespace, name = str(metadata.get("namespace", "")), str(metadata["name"])
        names.add((namespace, body["kind"], name))
        for claim in (body.get("spec") or {}).get("volumeClaimTemplates") or ():
            volumes.add((namespace, f"{claim['metadata']['name']}-{name}"))
    return [
        each
        for each in found
        if each[:3] in names
        or (
            each.kind == "PersistentVolumeClaim"
            and (each.namespace, each.name.rpartition("-")[0]) in volumes
        )
    ]


class _Namespace:
    """What one namespace holds."""

    def __init__(self, objects: Iterable[Body]) -> None:
        listed = list(objects)
        self._events = Events(each for each in listed if each["kind"] == "Event")
        self._objects = [each for each in listed if each["kind"] != "Event"]
        self._owned: dict[str, list[Body]] = defaultdict(list)
        uids = {each["metadata"].get("uid") for each in self._objects}
        self._roots = []
        for body in self._objects:
            owner = _owner(body)
            if owner and owner in uids:
                self._owned[owner].append(body)
            elif not (owner and body["kind"] in ("Pod", "ReplicaSet")):
                # A pod whose owner is not here is judged with that owner, wherever it is.
                self._roots.append(body)

    def __iter__(self) -> Iterator[Reason]:
        for body in self._roots:
            if body["metadata"].get("deletionTimestamp"):
                continue
            lack = self._lack(body)
            if not lack:
                continue
            told = list(self._told(body))
            for text, is_stuck in told or [(lack, holds(body, "Failed"))]:
                metadata = body["metadata"]
                namespace = str(metadata.get("namespace", ""))
                yield Reason(namespace, body["kind"], metadata["name"], text, is_stuck)

    def _lack(self, body: Body) -> str:
        if body["kind"] == "Service":
            return lacks(body) or self._selects_nothing(body)
        if body["kind"] == "PersistentVolumeClaim" and not self._is_wanted(body):
            return ""  # it waits for its first consumer, as many storage classes have it
        if body["kind"] == "ReplicaSet" and not wanted_pods(body):
            return ""
        return lacks(body)

    def _told(self, body: Body) -> Iterator[tuple[str, bool]]:
        """Yield what explains that an object is not ready, and whether it is stuck."""
        kind = body["kind"]
        if kind == "Pod":
            yield from _some(pod_reason(body, self._events))
        elif kind == "PersistentVolumeClaim":
            yield from _some(self._claim(body))
        elif kind == "Service" and not lacks(body):
            yield self._selects_nothing(body), True
        elif kind in ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job"):
            yield from self._workload(body)

    def _workload(self, body: Body) -> Iterator[tuple[str, bool]]:
        creators, pods = self._current(body)
        refusal = self._refusal(creators, pods)
        if refusal:
            yield f"its pods can't be created: {refusal}", True
        seen = set()
        for pod in pods:
            known = pod_reason(pod, self._events)
            # Claims are told by themselves, with the reason.
            if known and _UNBOUND not in known[0] and known not in seen:
                seen.add(known)
                is_retried = body["kind"] == "Job" and not holds(body, "Failed")
                yield f"pod {pod['metadata']['name']}: {known[0]}", known[1] and not is_retried
        if holds(body, "Failed"):
            failed = conditions(body)["Failed"]
            yield f"the Job has failed ({said(failed)})", True
        progressing = conditions(body).get("Progressing", {})
        if not (seen or refusal) and progressing.get("reason") == "ProgressDeadlineExceeded":
            yield f"{lacks(body)}; {progressing.get('message')}", True

    def _current(self, body: Body) -> tuple[list[Body], list[Body]]:
        """Return what creates the pods that are wanted now, and those that are not ready.

        Of a Deployment that is its newest ReplicaSet: what is wrong with older ones is over.
        """
        owned = self._owned[body["metadata"].get("uid")]
        creators = [body]
        if body["kind"] == "Deployment":
            sets = [each for each in owned if each["kind"] == "ReplicaSet"]
            creators = [body, *sorted(sets, key=_revision)[-1:]]
            owned = self._owned[creators[-1]["metadata"].get("uid")] if sets else []
        pods = [each for each in owned if each["kind"] == "Pod" and not _is_leaving(each)]
        unready = [each for each in pods if lacks(each)]
        failed = [each for each in unready if _phase(each) == "Failed"]
        if body["kind"] != "Job":  # others replace a pod that has failed
            return creators, [each for each in unready if each not in failed]
        last = sorted(failed, key=_created)[-1:]
        return creators, [*last, *(each for each in unready if each not in failed)]

    def _refusal(self, creators: Iterable[Body], pods: Iterable[Body]) -> str:
        """Return why pods of a workload are refused now: by a quota, a policy, a webhook."""
        listed = list(creators)
        for body in listed:
            if holds(body, "ReplicaFailure"):
                return _without_pod(str(conditions(body)["ReplicaFailure"].get("message")))
        newest = max(map(_created, pods), default="")
        for body in listed:
            event = self._events.newest(body, "FailedCreate")
            if event and event.time > newest and self._lacks_pods(body):
                return _without_pod(event.message)
        return ""

    def _lacks_pods(self, body: Body) -> bool:
        status = body.get("status") or {}
        if body["kind"] == "Job":
            return not status.get("active") and not holds(body, "Failed")
        there = status.get("currentNumberScheduled" if body["kind"] == "DaemonSet" else "replicas")
        return int(there or 0) < wanted_pods(body)

    def _claim(self, claim: Body) -> tuple[str, bool] | None:
        if str((claim.get("status") or {}).get("phase")) == "Lost":
            return "its volume is lost", True
        event = self._events.newest(claim, "ProvisioningFailed", "FailedBinding")
        if event:
            name = (claim.get("spec") or {}).get("storageClassName")
            of_class = f"storage class {name}: " if name else ""
            return f"no volume: {of_class}{event.message}", True
        event = self._events.newest(claim, "ExternalProvisioning", "Provisioning")
        return (f"no volume yet: {event.message}", False) if event else None

    def _is_wanted(self, claim: Body) -> bool:
        """Return whether a pod that is here mounts a claim."""
        return any(
            (volume.get("persistentVolumeClaim") or {}).get("claimName")
            == claim["metadata"]["name"]
            for pod in self._objects
            if pod["kind"] == "Pod"
            for volume in (pod.get("spec") or {}).get("volumes") or ()
        )

    def _selects_nothing(self, service: Body) -> str:
        """Return that a Service selects no pod, unless a workload of such pods is to have none."""
        selector = (service.get("spec") or {}).get("selector") or {}
        pods = [each for each in self._objects if each["kind"] == "Pod"]
        if not selector or any(_fits(selector, pod["metadata"]) for pod in pods):
            return ""
        for body in self._objects:
            template = (body.get("spec") or {}).get("template") or {}
            if _fits(selector, template.get("metadata") or {}):
                return ""  # the workload's own lack of pods, or its wish for none, is told by it
        labels = ",".join(f"{key}={value}" for key, value in selector.items())
        return f"no pod has its labels ({labels})"


def _some(known: tuple[str, bool] | None) -> list[tuple[str, bool]]:
    return [known] if known else []


def _owner(body: Body) -> str:
    owners = body["metadata"].get("ownerReferences") or ()
    return next((str(each.get("uid")) for each in owners if each.get("controller")), "")


def _revision(replica_set: Body) -> tuple[int, str]:
    text = str((replica_set["metadata"].get("annotations") or {}).get(_REVISION, ""))
    return int(text) if text.isascii() and text.isdecimal() else 0, _created(replica_set)


def _created(body: Body) -> str:
    return str(body["metadata"].get("creationTimestamp") or "")


def _phase(pod: Body) -> str:
    return str((pod.get("status") or {}).get("phase"))


def _is_leaving(pod: Body) -> bool:
    return bool(pod["metadata"].get("deletionTimestamp"))


def _fits(selector: Mapping[str, Any], metadata: Body) -> bool:
    labels = metadata.get("labels") or {}
    return all(labels.get(key) == value for key, value in selector.items())


def _without_pod(message: str) -> str:
    """Return the API server's reason without the name of a pod that never was."""
    shorter = _SERVICE_ACCOUNT.sub("", _FORBIDDEN.sub("", message, count=1), count=1)
    return " ".join(shorter.split())
