"""What a cluster holds of a stack beside what is declared, object by object.

Told is what anyone would call a difference: not how the API server writes a value, not what an
autoscaler does, and not what cellwright itself notes on objects. Refuses to ask a cluster.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from cellwright.changes import MISSING, Change, FieldChange
from cellwright.effects import Effect
from cellwright.identity import (
    APPLIED_ANNOTATION,
    FLEET_ID_LABEL,
    FLEET_LABEL,
    LAST_RUN_ANNOTATION,
    MANAGER_ANNOTATION,
    secrets_tag,
    with_pods_id,
    with_secrets_tag,
)
from cellwright.manifest import Identity, Manifest
from cellwright.quantity import amount
from cellwright.redact import REDACTED
from cellwright.signature import HOMES_SIGNATURE, SIGNATURE

Body = Mapping[str, Any]
Scaled = tuple[str, str, str]
"""Namespace, kind and name of a workload."""

_NOTED = {
    "labels": (FLEET_ID_LABEL,),
    "annotations": (
        APPLIED_ANNOTATION,
        LAST_RUN_ANNOTATION,
        MANAGER_ANNOTATION,
        SIGNATURE,
        HOMES_SIGNATURE,
    ),
}
"""What is put on objects when they are applied, so that no manifest has it."""
_NOTED_PATHS = {f'metadata.{field}["{key}"]' for field, keys in _NOTED.items() for key in keys}
_REMEMBERED = "directory-history"
"""What ConfigMaps begin with to which every `up` adds, and none takes away."""
_SCALER = "kube-controller-manager"
_EMPTY: tuple[Any, ...] = ({}, [], "", None)


@dataclass(frozen=True, slots=True)
class Differences:
    """How the objects of a stack differ from what is declared."""

    missing: tuple[Manifest, ...] = ()
    changed: tuple[Change, ...] = ()
    extra: tuple[Manifest, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.missing or self.changed or self.extra)

    def __str__(self) -> str:
        counts = (
            (len(self.missing), "missing"),
            (len(self.changed), "changed"),
            (len(self.extra), "extra"),
        )
        return ", ".join(f"{number} {word}" for number, word in counts if number)


def without_notes(body: Body) -> Body:
    """Return an object without what cellwright notes on it, on claims of a StatefulSet too.

    Pods that were given the fleet's id ask for it again.
    """
    number = (body["metadata"].get("labels") or {}).get(FLEET_ID_LABEL, "")
    body = with_secrets_tag(with_pods_id(body, number, ""), secrets_tag(body), "")
    cleaned = _cleaned(body)
    spec = body.get("spec")
    if body["kind"] == "StatefulSet" and isinstance(spec, Mapping):
        claims = [_cleaned(claim) for claim in spec.get("volumeClaimTemplates") or ()]
        if claims:
            cleaned["spec"] = {**spec, "volumeClaimTemplates": claims}
    return cleaned


def autoscaled(objects: Iterable[Body]) -> set[Scaled]:
    """Return the workloads whose number of pods an autoscaler decides."""
    found = set()
    for body in objects:
        namespace = str(body["metadata"].get("namespace", ""))
        if body["kind"] == "HorizontalPodAutoscaler":
            target = body["spec"]["scaleTargetRef"]
            found.add((namespace, str(target["kind"]), str(target["name"])))
        elif any(_scales(entry) for entry in body["metadata"].get("managedFields") or ()):
            found.add((namespace, body["kind"], body["metadata"]["name"]))
    return found


def told(changes: Iterable[Change], scaled: Collection[Scaled]) -> Iterator[Change]:
    """Yield the changes that are differences, with the fields that are."""
    for change in changes:
        manifest = change.manifest
        if manifest.name.startswith(_REMEMBERED) and manifest.kind == "ConfigMap":
            continue
        workload = (manifest.namespace, manifest.kind, manifest.name)
        fields = tuple(
            field
            for field in change.fields
            if not _is_same(field)
            and not _is_noted(field)
            and not (field.path == "spec.replicas" and workload in scaled)
        )
        if fields:
            yield replace(change, fields=fields)


def added_data(manifest: Manifest, live: Body) -> Change | None:
    """Return the keys that were added to the data of a ConfigMap or Secret by hand.

    Applying leaves them, since they are another's; whoever reads the data does not.
    """
    if manifest.kind not in ("ConfigMap", "Secret"):
        return None
    wanted = [*(manifest.body.get("data") or {}), *(manifest.body.get("stringData") or {})]
    wanted += manifest.body.get("binaryData") or {}
    held = [*(live.get("data") or {}), *(live.get("binaryData") or {})]
    texts = {} if manifest.kind == "Secret" else live.get("data") or {}
    fields = tuple(
        FieldChange(
            f"data.{key}", texts.get(key, REDACTED), MISSING, Effect.IN_PLACE, "added by hand"
        )
        for key in held
        if key not in wanted
    )
    if not fields or manifest.name.startswith(_REMEMBERED):
        return None
    return Change(manifest.stack, manifest, "change", Effect.IN_PLACE, "", fields)


def is_ours(body: Body, fleet: str) -> bool:
    """Return whether an object that cellwright made is of this fleet, or says nothing of one."""
    labels = body["metadata"].get("labels") or {}
    return str(labels.get(FLEET_LABEL, fleet)) == fleet


def claims(manifests: Iterable[Manifest]) -> set[tuple[str, str]]:
    """Return the namespaces and the names, without numbers, of the volumes of StatefulSets."""
    return {
        (one.namespace, f"{claim['metadata']['name']}-{one.name}")
        for one in manifests
        if one.kind == "StatefulSet"
        for claim in one.body["spec"].get("volumeClaimTemplates") or ()
    }


def is_extra(
    body: Body, declared: Collection[Identity], identity: Identity, volumes: Collection[Any]
) -> bool:
    """Return whether an object of ours is one that nothing declares.

    Not what a controller made, `volumes` of declared StatefulSets among them (as `claims` gives
    them), nor what `up` remembers.
    """
    if identity in declared or body["metadata"].get("ownerReferences"):
        return False
    if identity.kind == "ConfigMap" and identity.name.startswith(_REMEMBERED):
        return False
    volume = (identity.namespace, identity.name.rpartition("-")[0])
    return not (identity.kind == "PersistentVolumeClaim" and volume in volumes)


def _is_noted(change: FieldChange) -> bool:
    """Return whether nothing but notes differs: one, or all labels or annotations there are."""
    known = _NOTED.get(change.path.removeprefix("metadata."), ())
    if known and change.before is MISSING and isinstance(change.after, Mapping):
        return change.after.keys() <= set(known)
    return change.path in _NOTED_PATHS


def _cleaned(body: Body) -> dict[str, Any]:
    metadata = dict(body["metadata"])
    for field, keys in _NOTED.items():
        if metadata.get(field):
            kept = {key: value for key, value in metadata[field].items() if key not in keys}
            metadata[field] = kept
            if not kept:
                del metadata[field]
    return {**body, "metadata": metadata}


def _scales(entry: Mapping[str, Any]) -> bool:
    """Return whether an entry of managedFields is that of an autoscaler: `kubectl scale` is not."""
    fields = (entry.get("fieldsV1") or {}).get("f:spec") or {}
    is_scale = entry.get("subresource") == "scale" and "f:replicas" in fields
    return is_scale and str(entry.get("manager")) == _SCALER


def _is_same(field: FieldChange) -> bool:
    """Return whether two values are one, written differently: `0.5` and `500m`, nothing and []."""
    if field.before is MISSING:
        return field.after in _EMPTY
    if not isinstance(field.before, str | int) or not isinstance(field.after, str | int):
        return False
    if "resources" not in field.path and "spec.hard" not in field.path:
        return False
    before = amount(field.before)
    return before is not None and before == amount(field.after)
