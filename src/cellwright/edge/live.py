"""What clusters hold of a fleet, and what they would hold after `up`.

The second is the server's own answer to a server-side apply in a dry run, so that defaults and
what others changed by hand are in it. Refuses to send what a Secret holds, and to show it.
"""

import base64
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cellwright.applied import merged, owned_fields, without_given_up
from cellwright.changes import Change, compare
from cellwright.edge.failure import CommandError
from cellwright.edge.kubectl import Kubectl
from cellwright.effects import Effect
from cellwright.forbidden import Fixed
from cellwright.manifest import Identity, Manifest
from cellwright.model import FLEET_STACK, Fleet
from cellwright.node import SECRET_KEY
from cellwright.redact import REDACTED
from cellwright.standing import CELL_LABEL, standing

_OWNER = "pulumi-kubernetes"
_TELLING = ("configmaps", "persistentvolumeclaims", "statefulsets")
"""The kinds that tell what never changes, and hold the data."""
_OF_THE_SERVER = ("creationTimestamp", "generation", "managedFields", "resourceVersion", "uid")
_ANNOTATIONS = (
    "deployment.kubernetes.io/revision",
    "kubectl.kubernetes.io/last-applied-configuration",
)

Body = Mapping[str, Any]


@dataclass(slots=True)
class Live:
    """The manifests of each stack as they are and as they would be; `refused` by the server."""

    before: dict[str, list[Manifest]] = field(default_factory=dict)
    after: dict[str, list[Manifest]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)


def read_live(fleet: Fleet, stacks: Mapping[str, Iterable[Manifest]]) -> Live:
    """Return what the clusters say of these stacks.

    Raises CommandError for a cluster that does not answer.
    """
    found = Live({name: [] for name in stacks}, {name: [] for name in stacks})
    by_cluster: dict[str, list[Manifest]] = {}
    for manifests in stacks.values():
        for one in manifests:
            by_cluster.setdefault(one.cluster, []).append(one)
    for cluster, declared in by_cluster.items():
        kubectl = Kubectl(fleet.clusters[cluster])
        kubectl.greet()
        _read_cluster(kubectl, cluster, declared, found)
    return found


def read_standing(fleet: Fleet) -> tuple[Fixed, list[Manifest]]:
    """Return what never changes, as the clusters tell it, and the objects that hold data.

    Every declared cluster is asked: a cell's data may be where its definition no longer says.
    Raises CommandError for a cluster that does not answer, or whose directory can't be read.
    """
    found = []
    for name, cluster in fleet.clusters.items():
        kubectl = Kubectl(cluster)
        kubectl.greet()
        for body in kubectl.ours(_TELLING):
            stack = (body["metadata"].get("labels") or {}).get(CELL_LABEL, FLEET_STACK)
            found.append(Manifest(stack, name, "", 0, 0, body))
    try:
        fixed = standing(fleet, found)
    except ValueError as error:
        raise CommandError(f"the directory in the cluster can't be read: {error}") from None
    return fixed, [one for one in found if one.kind != "ConfigMap"]


def local_changes(held: Iterable[Manifest], declared: Iterable[Manifest]) -> Iterator[Change]:
    """Yield what would change of the declared objects that are there, without asking a server.

    What the server itself would fill in is not known here and counts as unchanged.
    """
    there = {one.identity: one.body for one in held}
    for one in declared:
        live = there.get(one.identity)
        if live is not None:
            after = without_given_up(live, _merged(one, live), one.body, _OWNER)
            change = compare(_with_body(one, _shown(live)), _with_body(one, _shown(after)))
            if change is not None:
                yield change


def differing(
    kubectl: Kubectl, declared: Iterable[Manifest], held: Mapping[Identity, Body]
) -> Iterator[Change]:
    """Yield what applying the declared objects would change of those that are there.

    Compared is here; the server is asked only about objects that seem to differ, which it may
    merely write in another way. Where it can't be asked, what is known here counts.
    """
    suspects = []
    for one in declared:
        live = held.get(one.identity)
        if live is not None and _change(one, live, _laid_over(one, live, strict=True)):
            suspects.append(one)
    asked = [_without_data(one.body) for one in suspects if one.kind != "Secret"]
    try:
        answers, _ = kubectl.applied(asked)
    except CommandError:  # whoever may only read is told as much as can be known
        answers = []
    applied: dict[Identity, Body] = {}
    for cluster in {one.cluster for one in suspects}:
        applied |= {_identity(cluster, body): body for body in answers}
    for one in suspects:
        live = held[one.identity]
        after = applied.get(one.identity) or _laid_over(one, live, strict=False)
        change = _change(one, live, after)
        if change is not None:
            yield change


def _laid_over(one: Manifest, live: Body, *, strict: bool) -> Body:
    body: Body = merged(live, _without_data(one.body), owned_fields(live), strict=strict)
    return body


def _change(one: Manifest, live: Body, applied: Body) -> Change | None:
    after = without_given_up(live, applied, one.body, _OWNER)
    return compare(
        _with_body(one, _shown(live)), _with_body(one, _with_keys(_shown(after), live, one))
    )


def _read_cluster(kubectl: Kubectl, cluster: str, declared: list[Manifest], found: Live) -> None:
    held = {_identity(cluster, body): body for body in kubectl.held([one.body for one in declared])}
    there = [one for one in declared if one.identity in held]
    local = {one.identity: _merged(one, held[one.identity]) for one in there}
    asked = [one for one in there if not _is_fixed(one, held[one.identity], local[one.identity])]
    answers, refused = kubectl.applied([_without_data(one.body) for one in asked])
    applied = {_identity(cluster, body): body for body in answers}
    found.refused += refused
    for one in declared:
        live = held.pop(one.identity, None)
        if live is None:
            found.after[one.stack].append(one)
            continue
        answer = applied.get(one.identity, local[one.identity])
        after = without_given_up(live, answer, one.body, _OWNER)
        found.before[one.stack].append(_with_body(one, _shown(live)))
        found.after[one.stack].append(_with_body(one, _with_keys(_shown(after), live, one)))
    for body in held.values():
        stack = body["metadata"].get("labels", {}).get(CELL_LABEL, FLEET_STACK)
        if stack in found.before and not body["metadata"].get("ownerReferences"):
            found.before[stack].append(Manifest(stack, cluster, "", 0, 0, _shown(body)))


def _identity(cluster: str, body: Body) -> Identity:
    return Manifest("", cluster, "", 0, 0, body).identity


def _with_body(one: Manifest, body: Body) -> Manifest:
    return Manifest(one.stack, one.cluster, one.template, one.rank, one.after, body)


def _merged(manifest: Manifest, live: Body) -> Body:
    body: Body = merged(live, _without_data(manifest.body))
    return body


def _is_fixed(manifest: Manifest, live: Body, local: Body) -> bool:
    """Return whether a field would change that the server does not let change."""
    change = compare(_with_body(manifest, _shown(live)), _with_body(manifest, _shown(local)))
    return change is not None and change.effect >= Effect.REPLACE


def _without_data(body: Body) -> Body:
    hidden = ("data", "stringData") if body["kind"] == "Secret" else ()
    return {key: value for key, value in body.items() if key not in hidden}


def _shown(body: Body) -> Body:
    """Return an object without what the server writes itself, a Secret's values redacted."""
    shown = {key: value for key, value in body.items() if key != "status"}
    metadata = {key: value for key, value in body["metadata"].items() if key not in _OF_THE_SERVER}
    if "annotations" in metadata:
        found = metadata["annotations"].items()
        metadata["annotations"] = {key: value for key, value in found if key not in _ANNOTATIONS}
    shown["metadata"] = metadata
    if body["kind"] == "Secret":
        shown["data"] = dict.fromkeys(body.get("data") or {}, REDACTED)
    return shown


def _with_keys(after: Body, live: Body, manifest: Manifest) -> Body:
    """Return a Secret with the keys that its manifest has; other objects as they are."""
    if manifest.kind != "Secret":
        return after
    held = live.get("data") or {}
    texts = manifest.body.get("stringData") or {}
    wanted = {
        **(manifest.body.get("data") or {}),
        **{key: _encoded(value) for key, value in texts.items()},
    }
    data = {
        key: REDACTED if value is None or held.get(key) == value else f"another {REDACTED}"
        for key, value in wanted.items()
    }
    return {**after, "data": data}


def _encoded(value: Any) -> str | None:
    """Return text as a Secret holds it; None for a secret that is derived later."""
    if isinstance(value, Mapping) and set(value) == {SECRET_KEY}:
        return None
    return base64.b64encode(str(value).encode()).decode()
