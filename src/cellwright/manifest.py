"""One Kubernetes object as rendered, and the order in which objects are applied."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

RANK_ANNOTATION = "cellwright.dev/rank"
"""Moves one manifest to another rank than its kind's."""
AFTER_ANNOTATION = "cellwright.dev/after"
"""Lets one manifest wait for the ranks up to this one only, instead of all before its own."""
SECRET_KEY = "cellwright.dev/secret"  # noqa: S105 - the marker's name, not a secret
"""A mapping with this one key stands for a secret that is derived after the boundary."""

_RANKS = {
    "Namespace": 0,
    "ResourceQuota": 10,
    "LimitRange": 10,
    "NetworkPolicy": 10,
    "ServiceAccount": 10,
    "Role": 10,
    "RoleBinding": 20,
    "Secret": 20,
    "ConfigMap": 20,
    "Service": 20,
    "PodDisruptionBudget": 20,
    "StatefulSet": 30,
    "Job": 40,
    "Deployment": 50,
    "HorizontalPodAutoscaler": 60,
}
_OTHER_RANK = 20


@dataclass(frozen=True, slots=True)
class Manifest:
    """One object of one stack. `body` is the object; `template` is where it came from.

    It is applied once every manifest of the stack with a rank up to `after` is ready.
    """

    stack: str
    cluster: str
    template: str
    rank: int
    after: int
    body: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """The object's kind."""
        return str(self.body["kind"])

    @property
    def name(self) -> str:
        """The object's name."""
        return str(self.body["metadata"]["name"])

    @property
    def namespace(self) -> str:
        """The object's namespace; empty for an object of the whole cluster."""
        return str(self.body["metadata"].get("namespace", ""))

    @property
    def identity(self) -> tuple[str, str, str, str, str]:
        """What no two manifests may share."""
        group = str(self.body["apiVersion"]).rpartition("/")[0]
        return (self.cluster, group, self.kind, self.namespace, self.name)


def order_of(body: Mapping[str, Any]) -> tuple[int, int]:
    """Return an object's `rank` and `after`: those of its kind, or of its annotations.

    Raises ValueError for an annotation that is not a whole number.
    """
    annotations = body["metadata"].get("annotations") or {}
    rank = _number(annotations, RANK_ANNOTATION, _RANKS.get(str(body["kind"]), _OTHER_RANK))
    return rank, _number(annotations, AFTER_ANNOTATION, rank - 1)


def _number(annotations: Mapping[str, Any], name: str, default: int) -> int:
    text = str(annotations.get(name, default))
    if not text.isascii() or not text.lstrip("-").isdecimal():
        raise ValueError(f"the annotation {name} is {text!r}, not a whole number")
    return int(text)
