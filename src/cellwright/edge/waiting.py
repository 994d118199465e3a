"""What the workloads of namespaces wait for, as one cluster tells it now.

One call of kubectl where everything is ready, one more for the events where something is not.
Refuses to wait: whoever does asks again.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from cellwright.edge.failure import CommandError
from cellwright.edge.kubectl import Kubectl, resource
from cellwright.reasons import Reason, reasons

Body = Mapping[str, Any]

_KINDS = (
    "deployment.v1.apps",
    "statefulset.v1.apps",
    "daemonset.v1.apps",
    "replicaset.v1.apps",
    "job.v1.batch",
    "pod",
    "persistentvolumeclaim",
    "service",
)
_BUILT_IN = ("", "apps", "autoscaling", "batch", "policy")
_FEW = 4  # namespaces that are quicker asked one by one than found among all


def waiting(
    kubectl: Kubectl, namespaces: Collection[str], declared: Iterable[Body] = ()
) -> dict[str, list[Reason]]:
    """Return what is not ready in each of these namespaces, and why; nothing of one that is.

    Of `declared` objects custom resources are asked for, too. Raises CommandError, within seconds,
    for a cluster that does not answer.
    """
    kinds = (*_KINDS, *sorted(custom(declared)))
    objects = _present(kubectl, kinds, namespaces)
    if not reasons(objects):
        return {}
    try:
        events = _present(kubectl, ("event",), namespaces)
    except CommandError:  # they only explain, and not everyone may read them
        events = []
    return by_namespace([*objects, *events])


def not_ready(
    kubectl: Kubectl, declared: Sequence[Body], namespaces: Collection[str]
) -> dict[str, list[Reason]]:
    """Return what is not ready of some namespaces, with what is declared there and is missing.

    Exactly if nothing is returned, all that is declared is there and ready.
    """
    found = waiting(kubectl, namespaces, declared)
    for body in missing(kubectl, declared):
        metadata = body["metadata"]
        namespace = str(metadata.get("namespace", ""))
        reason = Reason(namespace, body["kind"], metadata["name"], "it is missing", is_stuck=True)
        found.setdefault(namespace, []).append(reason)
    return found


def missing(kubectl: Kubectl, declared: Sequence[Body]) -> list[Body]:
    """Return those of the objects that are not there. Raises CommandError."""
    there = {_key(body) for body in kubectl.held(declared)} if declared else set()
    return [body for body in declared if _key(body) not in there]


def by_namespace(objects: Iterable[Body]) -> dict[str, list[Reason]]:
    """Return the reasons for which objects are not ready, by their namespace."""
    found: dict[str, list[Reason]] = defaultdict(list)
    for reason in reasons(objects):
        found[reason.namespace].append(reason)
    return dict(found)


def custom(declared: Iterable[Body]) -> set[str]:
    """Return the kinds of custom resources among some objects, as kubectl asks for them."""
    found = set()
    for body in declared:
        group = str(body["apiVersion"]).rpartition("/")[0]
        if group not in _BUILT_IN and not group.endswith(".k8s.io"):
            found.add(resource(body))
    return found


def _present(kubectl: Kubectl, kinds: Iterable[str], namespaces: Collection[str]) -> list[Body]:
    listed = tuple(kinds)
    if len(namespaces) <= _FEW:
        return [body for name in namespaces for body in kubectl.present(listed, name)]
    return [
        body
        for body in kubectl.present(listed, None)
        if body["metadata"].get("namespace") in namespaces
    ]


def _key(body: Body) -> tuple[str, str, str, str]:
    metadata = body["metadata"]
    group = str(body["apiVersion"]).rpartition("/")[0]
    return group, body["kind"], str(metadata.get("namespace", "")), metadata["name"]
