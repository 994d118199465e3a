"""Volumes that grow: which claims ask for less than is declared, and what is in the way of more.

Claims can ask for more; the claim templates of a StatefulSet can't be changed. So the set is taken
away without its pods, and made again around them. Refuses to change anything.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from cellwright.manifest import Identity, Manifest
from cellwright.quantity import amount

Body = Mapping[str, Any]

_QUOTA_KEY = "requests.storage"
_RESIZE_ERRORS = ("ControllerResizeError", "NodeResizeError")
_INFEASIBLE = ("ControllerResizeInfeasible", "NodeResizeInfeasible")
_NEEDS_RESTART = "FileSystemResizePending"


class Claim(NamedTuple):
    """A volume claim that is there: what it asks for, and its storage class, if it has one."""

    name: str
    storage: str
    storage_class: str | None


@dataclass(frozen=True, slots=True)
class Growth:
    """One claim template of a StatefulSet whose volumes grow from `before` to `after`.

    `claims` are all that were made from it. `set_has` is the size in the template of the set that
    is there, None where there is no set any more. A set that is `replaced` for another reason is
    left to Pulumi. `restarts` says that its pods restart for another reason.
    """

    stack: str
    cluster: str
    namespace: str
    name: str
    template: str
    before: str
    after: str
    set_has: str | None
    claims: tuple[Claim, ...]
    replaced: bool = False
    restarts: bool = False

    @property
    def grows(self) -> bool:
        """Whether a volume grows; if not, only the set has to be made again."""
        return _is_less(self.before, self.after)

    @property
    def takes_set_away(self) -> bool:
        """Whether the set that is there can't be kept."""
        return not self.replaced and self.set_has is not None and _is_less(self.set_has, self.after)

    def small_claims(self) -> list[Claim]:
        """Return the claims that ask for less than is declared."""
        return [one for one in self.claims if _is_less(one.storage, self.after)]

    def __str__(self) -> str:
        is_database = (self.name, self.template) == ("postgres", "data")
        volume = "the volume" if is_database else f"volume {self.template} of {self.name}"
        said = f"cell {self.stack}: {volume} "
        if not self.grows:
            return f"cell {self.stack}: StatefulSet {self.name} is made again around its volume"
        pods = "Postgres" if is_database else "its pod"
        going_on = (
            f"{pods} restarts for other changes" if self.restarts else f"{pods} keeps running"
        )
        if self.set_has is None:
            going_on = f"StatefulSet {self.name} is made again"
        elif self.replaced:
            going_on = f"StatefulSet {self.name} is replaced for other changes"
        larger = [one for one in self.claims if _is_less(self.after, one.storage)]
        stays = "".join(f"; claim {one.name} stays at {one.storage}" for one in larger)
        return f"{said}grows from {self.before} to {self.after}; {going_on}{stays}"


def growths(
    declared: Iterable[Manifest],
    held: Iterable[Manifest],
    *,
    replaced: Collection[Identity] = (),
    restarted: Collection[Identity] = (),
) -> tuple[Growth, ...]:
    """Return the volumes that are to grow, and the sets that were taken away for that.

    `held` are the StatefulSets and volume claims that are there. `replaced` and `restarted` are
    the sets that are made anew, and whose pods restart, whatever becomes of their volumes.
    """
    there = {one.identity: one for one in held}
    found = []
    for one in declared:
        if one.kind != "StatefulSet":
            continue
        live = there.get(one.identity)
        set_sizes = None if live is None else sizes(live.body)
        for template, after in sizes(one.body).items():
            claims = claims_of(one, template, there.values())
            set_has = None if set_sizes is None else set_sizes.get(template, after)
            known = [size for size in (set_has, *(claim.storage for claim in claims)) if size]
            before = min(known, key=_number, default=after)
            is_less = any(_is_less(size, after) for size in known)
            if is_less or (set_has is None and claims):
                found.append(
                    Growth(
                        one.stack,
                        one.cluster,
                        one.namespace,
                        one.name,
                        template,
                        before,
                        after,
                        set_has,
                        claims,
                        replaced=one.identity in replaced,
                        restarts=one.identity in restarted,
                    )
                )
    return tuple(found)


def claims_of(owner: Manifest, template: str, held: Iterable[Manifest]) -> tuple[Claim, ...]:
    """Return those of some objects that are the claims of one template of a StatefulSet."""
    name = re.compile(f"{re.escape(template)}-{re.escape(owner.name)}-[0-9]+")
    return tuple(
        Claim(
            one.name,
            _storage(one.body),
            (one.body.get("spec") or {}).get("storageClassName") or None,
        )
        for one in held
        if one.kind == "PersistentVolumeClaim"
        and (one.cluster, one.namespace) == (owner.cluster, owner.namespace)
        and name.fullmatch(one.name)
    )


def sizes(body: Body) -> dict[str, str]:
    """Return the storage that each claim template of a StatefulSet asks for, by its name."""
    templates = (body.get("spec") or {}).get("volumeClaimTemplates") or ()
    return {
        str(claim["metadata"]["name"]): storage
        for claim in templates
        if (storage := _storage(claim))
    }


def grown_sizes(before: Body, after: Body) -> dict[str, str]:
    """Return the sizes before of the claim templates that ask for more after."""
    wanted = sizes(after)
    return {
        template: size
        for template, size in sizes(before).items()
        if template in wanted and _is_less(size, wanted[template])
    }


def resized(body: Body, storage: Mapping[str, str]) -> Body:
    """Return a StatefulSet whose claim templates, as far as they are named, have these sizes."""
    spec = body.get("spec") or {}
    if not storage or not spec.get("volumeClaimTemplates"):
        return body
    templates = [
        _with_storage(claim, storage[name])
        if (name := claim["metadata"]["name"]) in storage
        else claim
        for claim in spec["volumeClaimTemplates"]
    ]
    return {**body, "spec": {**spec, "volumeClaimTemplates": templates}}


def raised_quota(declared: Body, live: Body) -> dict[str, str]:
    """Return the limits of a ResourceQuota for storage that are declared higher than they are."""
    wanted, there = ((one.get("spec") or {}).get("hard") or {} for one in (declared, live))
    return {
        key: str(value)
        for key, value in wanted.items()
        if key.endswith(_QUOTA_KEY) and key in there and _is_less(there[key], value)
    }


class Resize(NamedTuple):
    """What is known of a claim whose volume does not have its size yet; `failed` for an error."""

    message: str
    failed: bool
    final: bool


def resize_of(claim: Body, after: str) -> Resize | None:
    """Return what a claim that asks for a size still waits for; None if its volume has the size."""
    status = claim.get("status") or {}
    capacity = str((status.get("capacity") or {}).get("storage", ""))
    if status.get("phase") != "Bound" or (capacity and not _is_less(capacity, after)):
        return None
    said = f"volume claim {claim['metadata']['name']}: the volume has {capacity} of {after}"
    state = (status.get("allocatedResourceStatuses") or {}).get("storage", "")
    conditions = {
        str(one.get("type")): str(one.get("message") or one.get("reason") or "")
        for one in status.get("conditions") or ()
        if one.get("status") == "True"
    }
    for error in _RESIZE_ERRORS:
        if error in conditions:
            return Resize(
                f"{said}: {conditions[error] or error}", failed=True, final=state in _INFEASIBLE
            )
    if state in _INFEASIBLE:
        return Resize(f"{said}: {state}", failed=True, final=True)
    if _NEEDS_RESTART in conditions:
        why = (
            "the file system grows when the pod is started again, unless the volume's driver does "
            "it while the pod runs"
        )
        return Resize(f"{said}: {why}", failed=False, final=False)
    if "Resizing" in conditions:
        return Resize(f"{said}: it is being resized", failed=False, final=False)
    return Resize(f"{said}: its provisioner has not resized it yet", failed=False, final=False)


def _storage(claim: Body) -> str:
    resources = (claim.get("spec") or {}).get("resources") or {}
    return str((resources.get("requests") or {}).get("storage", ""))


def _with_storage(claim: Body, storage: str) -> Body:
    spec = claim["spec"]
    resources = spec["resources"]
    requests = {**resources["requests"], "storage": storage}
    return {**claim, "spec": {**spec, "resources": {**resources, "requests": requests}}}


def _number(size: str) -> Any:
    return amount(size) or 0


def _is_less(size: Any, other: Any) -> bool:
    one, two = amount(size), amount(other)
    return one is not None and two is not None and one < two
