"""What a change of one field, or the removal of an object, does to what runs.

Source for what can't be changed: the validation of each kind in Kubernetes 1.34
(pkg/apis/*/validation, "field is immutable"). Kinds that are not named here, such as custom
resources, count as changed in place. Refuses to decide whether a change may be made.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any, NamedTuple

from cellwright.problem import Path
from cellwright.quantity import amount


class Effect(IntEnum):
    """From harmless to fatal."""

    IN_PLACE = 0
    """Nothing that runs is restarted."""
    ROLLING = 1
    """Pods are replaced one after the other."""
    REPLACE = 2
    """The object is taken away, for good or to be made anew, and what it serves stops."""
    DATA_LOSS = 3
    """Stored data goes with it."""

    def __str__(self) -> str:
        return self.name.lower().replace("_", " ")


class Judgement(NamedTuple):
    """An effect, and why it is not in place."""

    effect: Effect
    why: str = ""


_IN_PLACE = Judgement(Effect.IN_PLACE)
_FIXED = Judgement(Effect.REPLACE, "it can't be changed, so the object is made anew")
_NEW_PODS = Judgement(Effect.ROLLING)
_GROWS = Judgement(Effect.IN_PLACE, "the volume grows; `cellwright up` does that while pods run")
_NEW_VOLUME = Judgement(Effect.DATA_LOSS, "only a new, empty volume would have it")

_CLAIM = ("spec", "resources", "requests", "storage")
_RULES: dict[str, tuple[tuple[Path, Judgement], ...]] = {
    "Deployment": (
        (("spec", "selector"), _FIXED),
        (("spec", "template"), _NEW_PODS),
    ),
    "DaemonSet": (
        (("spec", "selector"), _FIXED),
        (("spec", "template"), _NEW_PODS),
    ),
    "StatefulSet": (
        (("spec", "selector"), _FIXED),
        (("spec", "serviceName"), _FIXED),
        (("spec", "podManagementPolicy"), _FIXED),
        (("spec", "template"), _NEW_PODS),
    ),
    "Job": tuple(
        (("spec", field), _FIXED)
        for field in (
            "backoffLimitPerIndex",
            "completionMode",
            "completions",
            "managedBy",
            "podFailurePolicy",
            "selector",
            "successPolicy",
            "template",
        )
    ),
    "PersistentVolumeClaim": (
        (("spec", "volumeAttributesClassName"), _IN_PLACE),
        (("spec",), _NEW_VOLUME),
    ),
    "PersistentVolume": tuple(
        (("spec", field), _NEW_VOLUME) for field in ("csi", "hostPath", "local", "nfs")
    ),
    "Pod": ((("spec",), _FIXED),),
    "ResourceQuota": ((("spec", "scopes"), _FIXED), (("spec", "scopeSelector"), _FIXED)),
    "Secret": ((("type",), _FIXED),),
    "Service": ((("spec", "clusterIP"), _FIXED), (("spec", "clusterIPs"), _FIXED)),
    "IngressClass": ((("spec", "controller"), _FIXED),),
    "RoleBinding": ((("roleRef",), _FIXED),),
    "ClusterRoleBinding": ((("roleRef",), _FIXED),),
    "PriorityClass": ((("value",), _FIXED), (("preemptionPolicy",), _FIXED)),
    "StorageClass": tuple(
        ((field,), _FIXED)
        for field in ("parameters", "provisioner", "reclaimPolicy", "volumeBindingMode")
    ),
}
_HOLDS_DATA = {"Namespace", "PersistentVolumeClaim", "PersistentVolume"}
_HOLDS_DATA_OF_OTHERS = {"CustomResourceDefinition"}
_SERVES = {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Pod", "Service", "Ingress"}


def of_change(body: Mapping[str, Any], path: Path, before: Any, after: Any) -> Judgement:
    """Return what changing the field at `path` of an object (as it was: `body`) does.

    Items of lists stand in the path by a word of their own, or by their number.
    """
    kind = str(body["kind"])
    if kind in ("ConfigMap", "Secret") and body.get("immutable") and path[0] != "metadata":
        return _FIXED
    if kind == "StatefulSet" and path[:2] == ("spec", "volumeClaimTemplates"):
        return _claim_template(path[3:], before, after)
    if kind == "PersistentVolumeClaim" and path == _CLAIM:
        return _NEW_VOLUME if _shrinks(before, after) else _IN_PLACE
    for field, judgement in _RULES.get(kind, ()):
        shared = min(len(path), len(field))
        if path[:shared] == field[:shared]:
            return _new_pods(body) if judgement is _NEW_PODS else judgement
    return _IN_PLACE


def of_removal(body: Mapping[str, Any], *, retained: bool) -> Judgement:
    """Return what removing an object does; `retained` ones are only given up, and stay."""
    kind = str(body["kind"])
    if retained:
        return Judgement(Effect.IN_PLACE, "it stays in the cluster, no longer managed")
    if kind in _HOLDS_DATA:
        return Judgement(Effect.DATA_LOSS, "whatever is stored in it goes too")
    if kind in _HOLDS_DATA_OF_OTHERS:
        return Judgement(Effect.DATA_LOSS, "all objects of its kind go too")
    if kind == "StatefulSet" and _deletes_volumes(body):
        return Judgement(Effect.DATA_LOSS, "its volumes are deleted with it")
    return Judgement(Effect.REPLACE) if kind in _SERVES else _IN_PLACE


def _new_pods(body: Mapping[str, Any]) -> Judgement:
    spec = body.get("spec") or {}
    strategy = (spec.get("strategy") or spec.get("updateStrategy") or {}).get("type")
    if strategy == "Recreate":
        return Judgement(Effect.REPLACE, "all pods stop before new ones start (Recreate)")
    if strategy == "OnDelete":
        return Judgement(Effect.IN_PLACE, "pods stay as they are until they are deleted")
    if body["kind"] == "StatefulSet" and spec.get("replicas", 1) == 1:
        return Judgement(Effect.ROLLING, "its only pod restarts")
    return _NEW_PODS


def _claim_template(path: Path, before: Any, after: Any) -> Judgement:
    """Judge a change below one item of `volumeClaimTemplates`, or of the item itself."""
    if path == _CLAIM and amount(before) == amount(after):
        return _IN_PLACE
    if path == _CLAIM and not _shrinks(before, after):
        return _GROWS
    if path[:1] == ("spec",):
        return _NEW_VOLUME
    return _FIXED


def _shrinks(before: Any, after: Any) -> bool:
    old, new = amount(before), amount(after)
    return old is None or new is None or new < old


def _deletes_volumes(body: Mapping[str, Any]) -> bool:
    policy = (body.get("spec") or {}).get("persistentVolumeClaimRetentionPolicy") or {}
    return bool(policy.get("whenDeleted") == "Delete")
