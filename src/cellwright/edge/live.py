"""What clusters hold of a fleet, and what they would hold after `up`.

The second is the server's own answer to a server-side apply in a dry run, so that defaults and
what others changed by hand are in it. Refuses to send what a Secret holds, and to show it.
"""

import base64
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cellwright.applied import merged, owned_fields, without_given_up
from cellwright.changes import Change, compare
from cellwright.edge.failure import CommandError
from cellwright.edge.kubectl import Kubectl
from cellwright.effects import Effect
from cellwright.growth import Growth, grown_sizes, growths, resized, sizes
from cellwright.identity import CELL_LABEL, MANAGER, Owner, identified, owner_of, secrets_tag
from cellwright.manifest import Identity, Manifest
from cellwright.model import FLEET_STACK, Fleet
from cellwright.redact import REDACTED
from cellwright.secret_text import Encoded, SecretText, base64_content, base64_encoded, could_be
from cellwright.signature import with_signature_of

_OWNERS = ("pulumi-kubernetes", MANAGER)
_FEW = 20  # stacks that a selector names
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
        _read_cluster(kubectl, fleet, cluster, declared, found)
    return found


def local_changes(held: Iterable[Manifest], declared: Iterable[Manifest]) -> Iterator[Change]:
    """Yield what would change of the declared objects that are there, without asking a server.

    What the server itself would fill in is not known here and counts as unchanged.
    """
    there = {one.identity: one.body for one in held}
    for one in declared:
        live = there.get(one.identity)
        if live is not None:
            wanted = _identified(one, live)
            local = _laid_over(wanted, live, strict=False)
            after = without_given_up(live, local, wanted.body, _OWNERS)
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
    for manifest in declared:
        live = held.get(manifest.identity)
        one = _identified(manifest, live)
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
    after = without_given_up(live, applied, one.body, _OWNERS)
    return compare(
        _with_body(one, _shown(live)), _with_body(one, _with_keys(_shown(after), live, one))
    )


def cell_growths(held: Iterable[Manifest], declared: Iterable[Manifest]) -> tuple[Growth, ...]:
    """Return the volumes of a cell that are smaller than declared, of those that are there."""
    there, wanted = list(held), list(declared)
    sets = local_changes(there, (one for one in wanted if one.kind == "StatefulSet"))
    effects = {one.manifest.identity: one.effect for one in sets}
    return growths(
        wanted,
        there,
        replaced={key for key, effect in effects.items() if effect >= Effect.REPLACE},
        restarted={key for key, effect in effects.items() if effect == Effect.ROLLING},
    )


def _read_cluster(
    kubectl: Kubectl, fleet: Fleet, cluster: str, declared: list[Manifest], found: Live
) -> None:
    there = kubectl.held([one.body for one in declared], selector=selector_of(found.before))
    held = {_identity(cluster, body): body for body in there}
    declared = [_identified(one, held.get(one.identity)) for one in declared]
    kept = [one for one in declared if one.identity in held]
    local = {one.identity: _laid_over(one, held[one.identity], strict=False) for one in kept}
    asked = [one for one in kept if _is_asked(one, held[one.identity])]
    answers, refused = kubectl.applied([_applicable(one, held[one.identity]) for one in asked])
    applied = {_identity(cluster, body): body for body in answers}
    found.refused += refused
    for one in declared:
        live = held.pop(one.identity, None)
        if live is None:
            found.after[one.stack].append(one)
            continue
        answer = applied.get(one.identity, local[one.identity])
        answer = resized(answer, sizes(one.body)) if grown_sizes(live, one.body) else answer
        after = without_given_up(live, answer, one.body, _OWNERS)
        found.before[one.stack].append(_with_body(one, _shown(live)))
        found.after[one.stack].append(_with_body(one, _with_keys(_shown(after), live, one)))
    namespaces = {cell.namespace: name for name, cell in fleet.cells.items()}
    for body in held.values():
        metadata = body["metadata"]
        stack = metadata.get("labels", {}).get(CELL_LABEL) or namespaces.get(
            metadata.get("namespace", ""), FLEET_STACK
        )
        if stack in found.before and _is_left_over(fleet, body):
            found.before[stack].append(Manifest(stack, cluster, "", 0, 0, _shown(body)))


def selector_of(stacks: Collection[str]) -> str:
    """Return which labels the objects of some stacks have; empty where that does not tell."""
    if list(stacks) == [FLEET_STACK]:
        return f"!{CELL_LABEL}"
    if FLEET_STACK in stacks or len(stacks) > _FEW:
        return ""
    return f"{CELL_LABEL} in ({','.join(sorted(stacks))})"


def is_managed(body: Body) -> bool:
    """Return whether Pulumi's plugin has applied an object, for a fleet's stack."""
    managers = [str(one.get("manager", "")) for one in body["metadata"].get("managedFields") or ()]
    return any(name.startswith(_OWNERS) for name in managers)


def _is_left_over(fleet: Fleet, body: Body) -> bool:
    """Return whether an object that is not declared is this fleet's to remove.

    What somebody else made and labelled stays: Pulumi knows nothing of it.
    """
    if not is_managed(body):
        return False
    metadata = body["metadata"]
    namespaces = {fleet.directory_namespace, *(cell.namespace for cell in fleet.cells.values())}
    where = metadata.get("namespace") or (metadata["name"] if body["kind"] == "Namespace" else "")
    is_ours = where in namespaces if where else owner_of(body).fleet == fleet.name
    return is_ours and not metadata.get("ownerReferences")


def _identity(cluster: str, body: Body) -> Identity:
    return Manifest("", cluster, "", 0, 0, body).identity


def _with_body(one: Manifest, body: Body) -> Manifest:
    return Manifest(one.stack, one.cluster, one.template, one.rank, one.after, body)


def _identified(manifest: Manifest, live: Body | None) -> Manifest:
    """Return a manifest with the fleet's labels, the version of secrets and the signature as the
    live object has them, since they are put on when it is applied.
    """
    owner = owner_of(live) if live is not None else Owner("", "")
    if live is None or not owner.fleet_id:
        return manifest
    body = identified(manifest.body, owner.fleet, owner.fleet_id, secrets_tag(live))
    return _with_body(manifest, with_signature_of(body, live))


def _is_asked(manifest: Manifest, live: Body) -> bool:
    """Return whether the server is to tell what applying a manifest makes of an object.

    Not where nothing could change, nor where a field would that the server does not let change.
    Lists that are owned as a whole may differ by what the server has filled in, or by what
    somebody has added: which of these, only the server knows.
    """
    seen, could = (
        compare(
            _with_body(manifest, _shown(live)),
            _with_body(manifest, _shown(_laid_over(manifest, live, strict=strict))),
        )
        for strict in (False, True)
    )
    return could is not None and (seen is None or seen.effect < Effect.REPLACE)


def _applicable(manifest: Manifest, live: Body) -> Body:
    """Return what a server is asked to apply: volumes that grow have the size that they had.

    The server lets no claim template change; `up` makes the set again for that.
    """
    return resized(_without_data(manifest.body), grown_sizes(live, manifest.body))


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
        key: REDACTED if _is_held(held.get(key), value) else f"another {REDACTED}"
        for key, value in wanted.items()
    }
    return {**after, "data": data}


def _encoded(text: Any) -> Any:
    """Return text as the `data` of a Secret holds it."""
    if isinstance(text, SecretText):
        return SecretText((Encoded("b64encode", text),))
    return base64_encoded(str(text))


def _is_held(held: Any, wanted: Any) -> bool:
    """Return whether a Secret holds a value, or one that differs in derived secrets alone."""
    text = base64_content(wanted)
    if text is None:
        return bool(held == wanted)
    try:
        return could_be(text, base64.b64decode(str(held), validate=True).decode())
    except ValueError:
        return False
