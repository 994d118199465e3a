"""Whether Kubernetes objects are ready, each judged by itself, as a cluster gives it.

The rules are those of `kubectl rollout status` and, for custom resources, of kstatus
(sigs.k8s.io/cli-utils). Refuses to read the clock, and to ask a cluster.
"""

from collections.abc import Callable, Mapping
from typing import Any

Body = Mapping[str, Any]


def is_ready(body: Body) -> bool:
    """Return whether an object is ready: all of it, and as it was last declared."""
    return not lacks(body)


def lacks(body: Body) -> str:
    """Return what an object lacks to be ready, in a few words; empty if it is ready.

    Kinds that have no notion of readiness are ready once they are there.
    """
    group = str(body.get("apiVersion", "")).rpartition("/")[0]
    judge = _JUDGES.get(body["kind"])
    if judge is not None and (not group or group in _GROUPS):
        return judge(body)
    return _custom(body) if "." in group and not group.endswith(".k8s.io") else ""


def conditions(body: Body) -> dict[str, Body]:
    """Return the conditions of an object's status by their type."""
    listed = (body.get("status") or {}).get("conditions")
    if not isinstance(listed, list):
        return {}
    return {str(each.get("type")): each for each in listed if isinstance(each, Mapping)}


def holds(body: Body, condition: str) -> bool:
    """Return whether a condition of an object is true."""
    return conditions(body).get(condition, {}).get("status") == "True"


def said(condition: Body) -> str:
    """Return a condition's reason and message."""
    reason, message = (str(condition.get(key) or "") for key in ("reason", "message"))
    return ": ".join(part for part in (reason, message) if part)


def wanted_pods(body: Body) -> int:
    """Return how many pods a workload is to have; 0 for what is no workload."""
    spec, status = body.get("spec") or {}, body.get("status") or {}
    if body["kind"] == "DaemonSet":
        return int(status.get("desiredNumberScheduled") or 0)
    if body["kind"] == "Job":
        return 0 if _is_over(body) or spec.get("suspend") else 1
    if body["kind"] not in ("Deployment", "StatefulSet", "ReplicaSet"):
        return 0
    replicas = spec.get("replicas")
    return 1 if replicas is None else int(replicas)


def _is_over(job: Body) -> bool:
    return holds(job, "Complete") or holds(job, "Failed")


def _unseen(body: Body) -> str:
    generation = int(body["metadata"].get("generation") or 0)
    if int((body.get("status") or {}).get("observedGeneration") or 0) < generation:
        return "its controller has not seen its latest change yet"
    return ""


def _deployment(body: Body) -> str:
    """All pods new and available, and none of the old left: those may serve while new ones fail."""
    if unseen := _unseen(body):
        return unseen
    wanted, count = wanted_pods(body), _counter(body)
    updated, total = count("updatedReplicas"), count("replicas")
    paused = "; the rollout is paused" if (body.get("spec") or {}).get("paused") else ""
    if updated < wanted:
        return f"{updated} of {wanted} pods are of the new version{paused}"
    if total > updated:
        return f"{_pods(total - updated)} of the old version still {_run(total - updated)}{paused}"
    available = count("availableReplicas")
    return _too_few(available, wanted) if available < wanted else ""


def _stateful_set(body: Body) -> str:
    if unseen := _unseen(body):
        return unseen
    wanted, count = wanted_pods(body), _counter(body)
    available, total = count("availableReplicas"), count("replicas")
    if available < wanted:
        return _too_few(available, wanted)
    if total > wanted:
        return f"{_pods(total - wanted)} too many still {_run(total - wanted)}"
    strategy = (body.get("spec") or {}).get("updateStrategy") or {}
    if strategy.get("type") == "OnDelete":
        return ""
    partition = int((strategy.get("rollingUpdate") or {}).get("partition") or 0)
    due, updated = max(wanted - partition, 0), count("updatedReplicas")
    status = body.get("status") or {}
    is_new = status.get("currentRevision") == status.get("updateRevision")
    if is_new or (partition and updated >= due):
        return ""
    return f"{updated} of {due} pods are of the new version"


def _replica_set(body: Body) -> str:
    if unseen := _unseen(body):
        return unseen
    wanted, available = wanted_pods(body), _counter(body)("availableReplicas")
    return _too_few(available, wanted) if available < wanted else ""


def _daemon_set(body: Body) -> str:
    if unseen := _unseen(body):
        return unseen
    wanted, count = wanted_pods(body), _counter(body)
    updated, available = count("updatedNumberScheduled"), count("numberAvailable")
    strategy = (body.get("spec") or {}).get("updateStrategy") or {}
    if strategy.get("type") != "OnDelete" and updated < wanted:
        return f"{updated} of {wanted} pods are of the new version"
    return _too_few(available, wanted) if available < wanted else ""


def _job(body: Body) -> str:
    if holds(body, "Complete"):
        return ""
    if holds(body, "Failed"):
        return f"the Job has failed ({said(conditions(body)['Failed'])})"
    if (body.get("spec") or {}).get("suspend"):
        return "it is suspended (spec.suspend)"
    failed = _counter(body)("failed")
    return (
        f"{_pods(failed)} of it {'has' if failed == 1 else 'have'} failed" if failed else "it runs"
    )


def _pod(body: Body) -> str:
    status = body.get("status") or {}
    phase = str(status.get("phase") or "unknown")
    if phase == "Succeeded" or holds(body, "Ready"):
        return ""
    return f"the pod is in phase {phase}"


def _claim(body: Body) -> str:
    phase = str((body.get("status") or {}).get("phase") or "unknown")
    return "" if phase == "Bound" else f"the claim is in phase {phase}, not Bound"


def _service(body: Body) -> str:
    if (body.get("spec") or {}).get("type") != "LoadBalancer":
        return ""
    balancer = (body.get("status") or {}).get("loadBalancer") or {}
    return "" if balancer.get("ingress") else "the load balancer has no address yet"


def _custom(body: Body) -> str:
    """Judge a resource whose kind is not known by the conditions that most of them have."""
    status = body.get("status")
    if not isinstance(status, Mapping):
        return ""
    if "observedGeneration" in status and (unseen := _unseen(body)):
        return unseen
    found = conditions(body)
    for condition in ("Stalled", "Reconciling"):
        if found.get(condition, {}).get("status") == "True":
            return said(found[condition]) or condition
    for condition in ("Ready", "Available"):
        if condition in found:
            is_true = found[condition].get("status") == "True"
            return "" if is_true else said(found[condition]) or f"it is not {condition}"
    return ""


def _counter(body: Body) -> Callable[[str], int]:
    status = body.get("status") or {}
    return lambda key: int(status.get(key) or 0)


def _too_few(available: int, wanted: int) -> str:
    return f"{available} of {wanted} {'pod is' if wanted == 1 else 'pods are'} ready"


def _pods(number: int) -> str:
    return f"{number} pod{'' if number == 1 else 's'}"


def _run(number: int) -> str:
    return "runs" if number == 1 else "run"


_GROUPS = ("apps", "batch")
_JUDGES: dict[str, Callable[[Body], str]] = {
    "DaemonSet": _daemon_set,
    "Deployment": _deployment,
    "Job": _job,
    "PersistentVolumeClaim": _claim,
    "Pod": _pod,
    "ReplicaSet": _replica_set,
    "Service": _service,
    "StatefulSet": _stateful_set,
}
