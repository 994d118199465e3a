"""One Kubernetes object as rendered, and the order in which objects are applied."""

import re
from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field
from typing import Any, NamedTuple

from cellwright.node import Hole
from cellwright.shape import Shape, whole

RANK_ANNOTATION = "cellwright.dev/rank"
"""Moves one manifest to another rank than its kind's."""
AFTER_ANNOTATION = "cellwright.dev/after"
"""Lets one manifest wait for the ranks up to this one only, instead of all before its own."""

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


class Identity(NamedTuple):
    """What no two manifests may share."""

    cluster: str
    group: str
    kind: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """One object of one stack. `body` is the object; `template` is where it came from.

    It is applied once every manifest of the stack with a rank up to `after` is ready. A rendered
    `body` is a shape (`given`) with `values` in its holes and shares parts with others: nobody
    may change it.
    """

    stack: str
    cluster: str
    template: str
    rank: int
    after: int
    body: Mapping[str, Any]
    given: InitVar[Shape | None] = None
    values: tuple[Any, ...] = field(default=(), repr=False, compare=False)
    _shape: Shape | None = field(init=False, repr=False, compare=False)
    identity: Identity = field(init=False, repr=False, compare=False)

    def __post_init__(self, given: Shape | None) -> None:
        body = self.body
        metadata = body["metadata"]
        group = body["apiVersion"].rpartition("/")[0]
        namespace = str(metadata.get("namespace", ""))
        name = str(metadata["name"])
        identity = Identity(self.cluster, group, body["kind"], namespace, name)
        object.__setattr__(self, "identity", identity)
        object.__setattr__(self, "_shape", given)

    @property
    def shape(self) -> Shape:
        """What wrote it; for an object that was read it is made when it is asked for."""
        shape = self._shape
        if shape is None:
            shape = whole(self.body, self.template)
            object.__setattr__(self, "_shape", shape)
        return shape

    @property
    def kind(self) -> str:
        """The object's kind."""
        return self.identity.kind

    @property
    def name(self) -> str:
        """The object's name."""
        return self.identity.name

    @property
    def namespace(self) -> str:
        """The object's namespace; empty for an object of the whole cluster."""
        return self.identity.namespace

    @property
    def text(self) -> str:
        """The object as YAML, as it may be shown: secrets are only named."""
        return self.shape.text(self.values)


def order_of(body: Mapping[str, Any]) -> tuple[int, int]:
    """Return an object's `rank` and `after`: those of its kind, or of its annotations.

    Raises ValueError for an annotation that is not a whole number.
    """
    found = body["metadata"].get("annotations")
    annotations = found if isinstance(found, dict) else {}
    rank = _number(annotations, RANK_ANNOTATION, _RANKS.get(str(body["kind"]), _OTHER_RANK))
    return rank, _number(annotations, AFTER_ANNOTATION, rank - 1)


def lacking(node: Any) -> str:
    """Return what an object with holes lacks to be a manifest's; its name may be a hole."""
    if not isinstance(node, dict):
        return "apiVersion, kind and metadata"
    metadata = node.get("metadata")
    lacks = [key for key in ("apiVersion", "kind") if not isinstance(node.get(key), str)]
    if not isinstance(metadata, dict):
        lacks.append("metadata")
    elif not isinstance(metadata.get("name"), str | Hole):
        lacks.append("metadata.name")
    return ", ".join(lacks)


def _number(annotations: Mapping[str, Any], name: str, default: int) -> int:
    if name not in annotations:
        return default
    text = str(annotations[name])
    if not re.fullmatch("-?[0-9]{1,6}", text):
        raise ValueError(f"the annotation {name} is {text!r}, not a whole number")
    return int(text)
