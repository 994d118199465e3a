"""One Kubernetes object as rendered, and the order in which objects are applied."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from cellwright.node import Hole
from cellwright.shape import Shape

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

    It is applied once every manifest of the stack with a rank up to `after` is ready. `body` is
    `shape` with `values` in its holes; parts of it are shared with other manifests, so nobody may
    change it.
    """

    stack: str
    template: str
    identity: Identity
    rank: int
    after: int
    body: Mapping[str, Any]
    shape: Shape = field(repr=False, compare=False)
    values: tuple[Any, ...] = field(repr=False, compare=False)

    @property
    def cluster(self) -> str:
        """The cluster that the object is applied to."""
        return self.identity.cluster

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
        """The object as YAML, secrets by reference."""
        return self.shape.text(self.values)


def manifest(
    stack: str, cluster: str, template: str, shape: Shape, values: tuple[Any, ...]
) -> Manifest:
    """Return a shape's object with `values` in its holes.

    Raises ValueError for an annotation about its order that is not a whole number.
    """
    body = shape.body(values)
    metadata = body["metadata"]
    identity = Identity(
        cluster,
        body["apiVersion"].rpartition("/")[0],
        body["kind"],
        str(metadata.get("namespace", "")),
        str(metadata["name"]),
    )
    rank, after = _order(body["kind"], metadata.get("annotations"))
    return Manifest(stack, template, identity, rank, after, body, shape, values)


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


def _order(kind: str, annotations: Any) -> tuple[int, int]:
    """Return an object's `rank` and `after`: those of its kind, or of its annotations."""
    known = annotations if isinstance(annotations, dict) else {}
    rank = _number(known, RANK_ANNOTATION, _RANKS.get(kind, _OTHER_RANK))
    return rank, _number(known, AFTER_ANNOTATION, rank - 1)


def _number(annotations: Mapping[str, Any], name: str, default: int) -> int:
    if name not in annotations:
        return default
    text = str(annotations[name])
    if not text.isascii() or not text.lstrip("-").isdecimal():
        raise ValueError(f"the annotation {name} is {text!r}, not a whole number")
    return int(text)
