"""What the workloads of namespaces wait for, as one cluster tells it now.

One call of kubectl where everything is ready, one more for the events where something is not.
Refuses to wait: whoever does asks again.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from cellwright.edge.failure import CommandError
from cellwright.edge.kubectl import Kubectl, resource
from cellwright.reasons import Reason, about, reasons

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
_SECONDS = 8.0  # until a cluster counts as away
_FEW = 4  # namespaces that are quicker asked one by one than found among all


def waiting(
    kubectl: Kubectl, namespaces: Collection[str], declared: Iterable[Body] = ()
) -> dict[str, list[Reason]]:
    """Return what is not ready in each of these namespaces, and why; nothing of one that is.

    Of `declared` objects custom resources are asked for, too. Raises CommandError, within seconds,
    for a cluster that does not answer.
    """
    return by_namespace(observed(kubectl, namespaces, declared))


def not_ready(kubectl: Kubectl, namespace: str, declared: Sequence[Body] = ()) -> list[Reason]:
    """Return what is not ready in a namespace, and why.

    With `declared` objects only these count, and those that are missing: exactly if nothing is
    returned, all of them are there and ready. Raises CommandError as `waiting` does.
    """
    found = waiting(kubectl, [namespace], declared).get(namespace, [])
    if not declared:
        return found
    there = {_key(body) for body in kubectl.held(declared)}
    missing = [key for key in map(_key, declared) if key not in there]
    absent = [
        Reason(place, kind, name, "it is missing", is_stuck=True)
        for _, kind, place, name in missing
    ]
    return [*absent, *about(found, declared)]


def observed(
    kubectl: Kubectl,
    namespaces: Collection[str],
    declared: Iterable[Body] = (),
    seconds: float = _SECONDS,
) -> list[Body]:
    """Return what tells of readiness in some namespaces; events only where something is not ready.

    Raises CommandError for a cluster that does not answer in some seconds.
    """
    kinds = (*_KINDS, *sorted(custom(declared)))
    objects = _present(kubectl, kinds, namespaces, seconds)
    if not reasons(objects):
        return objects
    try:
        return [*objects, *_present(kubectl, ("event",), namespaces, seconds)]
    except CommandError:  # they only explain, and not everyone may read them
        return objects


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


def _present(
    kubectl: Kubectl, kinds: Sequence[str], namespaces: Collection[str], seconds: float
) -> list[Body]:
    if len(namespaces) <= _FEW:
        found = (kubectl.present(kinds, name, seconds=seconds) for name in namespaces)
        return [body for some in found for body in some]
    return [
        body
        for body in kubectl.present(kinds, None, seconds=seconds)
        if body["metadata"].get("namespace") in namespaces
    ]


def _key(body: Body) -> tuple[str, str, str, str]:
    metadata = body["metadata"]
    group = str(body["apiVersion"]).rpartition("/")[0]
    return group, body["kind"], str(metadata.get("namespace", "")), metadata["name"]
