"""Whether an object is ready, decided from one snapshot of it; asks nobody.

The rules are those of `kubectl rollout status` and of the official plugin's await logic. A Job that
failed is the only workload that cannot recover, so it alone is given up before the time is over.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

from .kinds import Kind
from .objects import Json, conditions, dig


class Verdict(NamedTuple):
    """State and, unless ready, what was seen."""

    state: Literal["ready", "waiting", "failed"]
    seen: str = ""


READY = Verdict("ready")
Judge = Callable[[Json], Verdict]


def waiting(seen: str) -> Verdict:
    """Not ready yet."""
    return Verdict("waiting", seen)


def _number(obj: Json, *path: str) -> int:
    return int(dig(obj, *path) or 0)


def _unseen(obj: Json) -> Verdict | None:
    generation = _number(obj, "metadata", "generation")
    if _number(obj, "status", "observedGeneration") < generation:
        return waiting(f"its controller has not yet seen generation {generation}")
    return None


def _wanted(obj: Json) -> int:
    replicas = dig(obj, "spec", "replicas")
    return 1 if replicas is None else int(replicas)


def deployment(obj: Json) -> Verdict:
    """Rolled out and available: all replicas new, available, and none of the old left."""
    if dig(obj, "spec", "paused"):
        return READY
    unseen = _unseen(obj)
    if unseen:
        return unseen
    wanted = _wanted(obj)
    updated = _number(obj, "status", "updatedReplicas")
    total = _number(obj, "status", "replicas")
    available = _number(obj, "status", "availableReplicas")
    if updated < wanted:
        return waiting(f"{updated} of {wanted} new replicas were created" + _complaints(obj))
    if total > updated:
        return waiting(f"{total - updated} old replicas are still to go" + _complaints(obj))
    if available < updated:
        return waiting(f"{available} of {updated} replicas are available" + _complaints(obj))
    return READY


def _complaints(obj: Json) -> str:
    found = conditions(obj)
    bad = [
        condition
        for condition in (found.get("ReplicaFailure"), found.get("Progressing"))
        if condition
        and (condition.get("type") == "ReplicaFailure") == (condition.get("status") == "True")
    ]
    return "".join(f"; {condition.get('reason')}: {condition.get('message')}" for condition in bad)


def stateful_set(obj: Json) -> Verdict:
    """All replicas available and of the newest revision, as far as the update strategy says."""
    unseen = _unseen(obj)
    if unseen:
        return unseen
    wanted = _wanted(obj)
    available = _number(obj, "status", "availableReplicas")
    if available < wanted:
        ready = _number(obj, "status", "readyReplicas")
        return waiting(f"{available} of {wanted} replicas are available, {ready} ready")
    strategy = dig(obj, "spec", "updateStrategy", "type") or "RollingUpdate"
    if strategy != "RollingUpdate":
        return READY
    partition = _number(obj, "spec", "updateStrategy", "rollingUpdate", "partition")
    updated = _number(obj, "status", "updatedReplicas")
    due = max(wanted - partition, 0)
    if updated < due:
        return waiting(f"{updated} of {due} replicas are of the new revision")
    return READY


def daemon_set(obj: Json) -> Verdict:
    """On every node that it is meant for, new and available."""
    unseen = _unseen(obj)
    if unseen:
        return unseen
    wanted = _number(obj, "status", "desiredNumberScheduled")
    updated = _number(obj, "status", "updatedNumberScheduled")
    available = _number(obj, "status", "numberAvailable")
    rolling = dig(obj, "spec", "updateStrategy", "type") != "OnDelete"
    if rolling and updated < wanted:
        return waiting(f"{updated} of {wanted} pods are of the new revision")
    return READY if available >= wanted else waiting(f"{available} of {wanted} pods are available")


def job(obj: Json) -> Verdict:
    """Complete; a suspended one is as ready as it gets."""
    if dig(obj, "spec", "suspend"):
        return READY
    found = conditions(obj)
    if dig(found, "Complete", "status") == "True":
        return READY
    failed = found.get("Failed", {})
    if failed.get("status") == "True":
        return Verdict("failed", f"the Job failed: {failed.get('reason')}: {failed.get('message')}")
    active, failures = _number(obj, "status", "active"), _number(obj, "status", "failed")
    return waiting(f"{active} pods are active, {failures} have failed")


def pod(obj: Json) -> Verdict:
    """Ready, or ended well."""
    phase = dig(obj, "status", "phase")
    if phase == "Succeeded" or dig(conditions(obj), "Ready", "status") == "True":
        return READY
    if phase == "Failed" and dig(obj, "spec", "restartPolicy") != "Always":
        return Verdict("failed", f"the Pod failed: {dig(obj, 'status', 'message') or ''}")
    return waiting(f"phase {phase or 'unknown'}")


def claim(obj: Json) -> Verdict:
    """Bound to a volume."""
    phase = dig(obj, "status", "phase")
    if phase == "Bound":
        return READY
    if phase == "Lost":
        return Verdict("failed", "the claim lost its volume")
    name = dig(obj, "spec", "storageClassName")
    return waiting(f"phase {phase or 'unknown'}, storage class {name or '(none)'}")


def quota(obj: Json) -> Verdict:
    """Counted: before that, the API server refuses every pod that the quota concerns."""
    hard = dig(obj, "spec", "hard") or {}
    counted = dig(obj, "status", "hard") or {}
    missing = sorted(set(hard) - set(counted))
    return waiting("not yet counted: " + ", ".join(missing)) if missing else READY


def token_secret(obj: Json) -> Verdict:
    """Tokens of service accounts are filled in by a controller; other Secrets are ready at once."""
    if obj.get("type") != "kubernetes.io/service-account-token" or obj.get("data"):
        return READY
    return waiting("the token has not been filled in")


def definition(obj: Json) -> Verdict:
    """A CustomResourceDefinition whose objects the API server takes."""
    established = conditions(obj).get("Established", {})
    if established.get("status") == "True":
        return READY
    return waiting(str(established.get("message") or "not yet established"))


JUDGES: dict[tuple[str, str], Judge] = {
    ("", "PersistentVolumeClaim"): claim,
    ("", "Pod"): pod,
    ("", "ResourceQuota"): quota,
    ("", "Secret"): token_secret,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): definition,
    ("apps", "DaemonSet"): daemon_set,
    ("apps", "Deployment"): deployment,
    ("apps", "StatefulSet"): stateful_set,
    ("batch", "Job"): job,
}


def judge_of(kind: Kind) -> Judge | None:
    """How readiness of this kind shows in its own object; None where it is ready once created."""
    return JUDGES.get((kind.group, kind.kind))


def needs_endpoints(service: Json) -> bool:
    """Whether a Service is ready only with endpoints: one with a selector and an address."""
    spec = service.get("spec", {})
    return bool(
        spec.get("selector")
        and spec.get("type") != "ExternalName"
        and spec.get("clusterIP") != "None"
    )


def service(obj: Json, slices: list[Json]) -> Verdict:
    """At least one ready endpoint and, for a load balancer, its address."""
    if dig(obj, "spec", "type") == "LoadBalancer" and not dig(
        obj, "status", "loadBalancer", "ingress"
    ):
        return waiting("the load balancer has no address")
    endpoints = [endpoint for piece in slices for endpoint in piece.get("endpoints") or []]
    ready = [e for e in endpoints if dig(e, "conditions", "ready") is not False]
    if ready or not needs_endpoints(obj):
        return READY
    return waiting(f"none of its {len(endpoints)} endpoints is ready")
