"""Which changes the API server refuses, so that the object must be deleted and made anew.

From the validation of Kubernetes 1.34 (pkg/apis/*/validation). The official plugin's table also
replaces StatefulSets for `revisionHistoryLimit`, Jobs for `parallelism` and claims that grow, which
Kubernetes allows to change; this one does not.
"""

from typing import NamedTuple

from .diff import Change
from .kinds import Kind
from .objects import Json, dig
from .properties import Path
from .quantity import parse

ALWAYS: tuple[Path, ...] = (("metadata", "name"), ("metadata", "namespace"))

DATA: tuple[Path, ...] = (("data",), ("binaryData",), ("stringData",), ("immutable",))

FIELDS: dict[tuple[str, str], tuple[Path, ...]] = {
    ("apps", "DaemonSet"): (("spec", "selector"),),
    ("apps", "Deployment"): (("spec", "selector"),),
    ("apps", "StatefulSet"): (
        ("spec", "podManagementPolicy"),
        ("spec", "selector"),
        ("spec", "serviceName"),
        ("spec", "volumeClaimTemplates"),
    ),
    ("batch", "Job"): (
        ("spec", "backoffLimitPerIndex"),
        ("spec", "completionMode"),
        ("spec", "completions"),
        ("spec", "managedBy"),
        ("spec", "podFailurePolicy"),
        ("spec", "selector"),
        ("spec", "successPolicy"),
        ("spec", "template"),
    ),
    ("", "PersistentVolumeClaim"): (("spec",),),
    ("", "PersistentVolume"): (("spec", "csi"), ("spec", "hostPath"), ("spec", "local")),
    ("", "ResourceQuota"): (("spec", "scopes"), ("spec", "scopeSelector")),
    ("", "Secret"): (("type",),),
    ("", "Service"): (("spec", "clusterIP"), ("spec", "clusterIPs")),
    ("networking.k8s.io", "IngressClass"): (("spec", "controller"),),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): (("roleRef",),),
    ("rbac.authorization.k8s.io", "RoleBinding"): (("roleRef",),),
    ("scheduling.k8s.io", "PriorityClass"): (("preemptionPolicy",), ("value",)),
    ("storage.k8s.io", "StorageClass"): (
        ("parameters",),
        ("provisioner",),
        ("reclaimPolicy",),
        ("volumeBindingMode",),
    ),
}

POD_MUTABLE = frozenset({"activeDeadlineSeconds", "tolerations"})


class Mutability(NamedTuple):
    """The provider's `enableConfigMapMutable` and `enableSecretMutable`."""

    config_maps: bool = False
    secrets: bool = False


def needs_replacement(
    kind: Kind, change: Change, versions: tuple[Json, Json], mutability: Mutability
) -> bool:
    """Whether this change of the object from its old to its new version cannot be made in place."""
    old, new = versions
    if any(_touches(change.path, field) for field in ALWAYS):
        return True
    if (kind.group, kind.kind) == ("", "Pod"):
        return _pod_needs_replacement(change.path)
    if (kind.group, kind.kind) == ("", "PersistentVolumeClaim") and _only_grows(change, old, new):
        return False
    fields = FIELDS.get((kind.group, kind.kind), ())
    if not kind.group and kind.kind in ("ConfigMap", "Secret"):
        mutable = mutability.secrets if kind.kind == "Secret" else mutability.config_maps
        if not mutable or dig(old, "immutable") is True:
            fields = (*fields, *DATA)
    return any(_touches(change.path, field) for field in fields)


def _touches(path: Path, field: Path) -> bool:
    shared = min(len(path), len(field))
    return path[:shared] == field[:shared]


def _only_grows(change: Change, old: Json, new: Json) -> bool:
    size: tuple[str, ...] = ("spec", "resources", "requests", "storage")
    if change.path == ("spec", "volumeAttributesClassName"):
        return True
    before, after = parse(dig(old, *size)), parse(dig(new, *size))
    return change.path == size and before is not None and after is not None and after >= before


def _pod_needs_replacement(path: Path) -> bool:
    if len(path) < 2 or path[0] != "spec" or path[1] in POD_MUTABLE:
        return False
    image = path[1] in ("containers", "initContainers") and len(path) == 4 and path[3] == "image"
    return not image
