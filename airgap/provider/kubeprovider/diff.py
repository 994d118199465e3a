"""What changed between two versions of an object, field by field; pure.

`changes` compares what the user wrote before and now. `drifted` folds what the cluster did to the
object since it was last applied into those inputs, so that the same comparison shows manual
changes. Fields that the user never wrote are the server's or other managers' and never count.
"""

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from .objects import Json, dig
from .properties import Path
from .quantity import holds_quantity, parse

MERGE_KEYS = {
    "containers": ("name",),
    "env": ("name",),
    "ephemeralContainers": ("name",),
    "hostAliases": ("ip",),
    "imagePullSecrets": ("name",),
    "initContainers": ("name",),
    "ports": ("containerPort", "protocol"),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "volumeDevices": ("devicePath",),
    "volumeMounts": ("mountPath",),
    "volumes": ("name",),
}
"""Lists that the API server merges by key (`x-kubernetes-list-map-keys`); others are one value."""

PORT_KEYS = (("containerPort", "protocol"), ("port", "protocol"))
"""Ports of containers, and those of Services."""

RULES = frozenset({"ingress", "egress"})
"""The rules of a NetworkPolicy."""

ATOMIC = frozenset(
    {"labelSelector", "namespaceSelector", "nodeSelector", "podSelector", "selector"}
)
"""Maps that the API server takes as one value, so that a key that somebody added counts."""

_MISSING: Any = object()


class Change(NamedTuple):
    """One changed field of the inputs."""

    path: Path
    kind: Literal["add", "delete", "update"]


def same(one: Any, other: Any, path: Path) -> bool:
    """Whether two values of the field at `path` mean the same."""
    if isinstance(one, bool) != isinstance(other, bool):
        return False
    if one == other:
        return True
    if holds_quantity(path):
        number = parse(one)
        return number is not None and number == parse(other)
    return False


def changes(old: Any, new: Any, path: Path = ()) -> Iterator[Change]:
    """Every field that differs, as deep as both sides have it; list elements by position."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from _changed(old.get(key, _MISSING), new.get(key, _MISSING), (*path, key))
    elif isinstance(old, list) and isinstance(new, list):
        for at in range(max(len(old), len(new))):
            before = old[at] if at < len(old) else _MISSING
            after = new[at] if at < len(new) else _MISSING
            yield from _changed(before, after, (*path, at))
    elif not same(old, new, path):
        yield Change(path, "update")


def _changed(old: Any, new: Any, path: Path) -> Iterator[Change]:
    if old is _MISSING:
        yield Change(path, "add")
    elif new is _MISSING:
        yield Change(path, "delete")
    else:
        yield from changes(old, new, path)


def drifted(inputs: Json, before: Json, now: Json) -> Json:
    """The inputs, with each field that the cluster changed since `before` as it is `now`.

    `before` is the object as it was when last applied or read, `now` as it is. Comparing these two
    rather than `now` with the inputs needs no knowledge of how the server normalizes and defaults.
    """
    merged = _merge(inputs, before, now, ())
    return merged if isinstance(merged, dict) else {}


def _merge(wanted: Any, before: Any, now: Any, path: Path) -> Any:
    if now is _MISSING:
        return wanted if before is _MISSING else _MISSING
    if isinstance(wanted, dict) and isinstance(now, dict):
        if path and path[-1] in ATOMIC and before != now:
            return now
        return _merge_fields(wanted, before if isinstance(before, dict) else {}, now, path)
    if isinstance(wanted, list) and isinstance(now, list):
        return _merge_items(wanted, before, now, path)
    if same(before, now, path) or same(wanted, now, path):
        return wanted
    return now


def _merge_fields(wanted: Json, before: Json, now: Json, path: Path) -> Json:
    merged = {
        key: _merge(value, before.get(key, _MISSING), now.get(key, _MISSING), (*path, key))
        for key, value in wanted.items()
    }
    return {key: value for key, value in merged.items() if value is not _MISSING}


def _merge_items(wanted: list[Any], before: Any, now: list[Any], path: Path) -> Any:
    if before == now:
        return wanted
    keys = _merge_keys(path, wanted, now)
    if keys:
        return _merge_by_key(wanted, before if isinstance(before, list) else [], now, (keys, path))
    known = before if isinstance(before, list) else wanted
    if not len(wanted) == len(known) == len(now):
        return now
    items = (_merge(value, known[at], now[at], (*path, at)) for at, value in enumerate(wanted))
    return [item for item in items if item is not _MISSING]


def _merge_by_key(
    wanted: list[Any], before: list[Any], now: list[Any], at: tuple[tuple[str, ...], Path]
) -> list[Any]:
    keys, path = at
    olds = {_key(item, keys): item for item in before}
    news = {_key(item, keys): item for item in now}
    merged = []
    for index, item in enumerate(wanted):
        key = _key(item, keys)
        merged.append(
            _merge(item, olds.get(key, _MISSING), news.get(key, _MISSING), (*path, index))
        )
    return [item for item in merged if item is not _MISSING]


def _merge_keys(path: Path, *lists: list[Any]) -> tuple[str, ...]:
    if any(part in RULES for part in path):
        return ()  # a NetworkPolicy's lists are taken as one value each, ports too
    keys = MERGE_KEYS.get(str(path[-1]), ()) if path else ()
    candidates = PORT_KEYS if path and path[-1] == "ports" else (keys,)
    for candidate in candidates:
        if candidate and all(dig(item, candidate[0]) is not None for a in lists for item in a):
            return candidate
    return ()


def _key(item: Any, keys: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(dig(item, key) or ("TCP" if key == "protocol" else None) for key in keys)
