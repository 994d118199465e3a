"""What applying a manifest makes of an object, where a server-side dry run can't tell.

A dry run under another name leaves fields that the manifest lacks: only the manager that owns a
field may take it away. Format of `fieldsV1`: structured-merge-diff's fieldpath (`f:` a field,
`k:` an item by its keys, `v:` an item by its value). Refuses to guess: fields that another
manager owns too stay.
"""

import json
from collections.abc import Mapping
from typing import Any

from cellwright.changes import names

Fields = Mapping[str, Any]


def without_given_up(
    live: Mapping[str, Any], after: Any, manifest: Any, owners: tuple[str, ...]
) -> Any:
    """Return `after` without the fields that managers give up whose names begin as `owners` do.

    `live` is the object with its managedFields, `manifest` is what will be applied.
    """
    entries = live["metadata"].get("managedFields") or []
    mine = [one for one in entries if _is(one, owners)]
    others: dict[str, Any] = {}
    for one in entries:
        if not _is(one, owners):
            others = _union(others, one.get("fieldsV1") or {})
    for one in mine:
        after = _pruned(one.get("fieldsV1") or {}, others, after, manifest)
    return after


def _is(entry: Mapping[str, Any], owners: tuple[str, ...]) -> bool:
    return entry.get("operation") == "Apply" and str(entry.get("manager", "")).startswith(owners)


def _union(one: Fields, other: Fields) -> dict[str, Any]:
    keys = [*one, *(key for key in other if key not in one)]
    return {key: _union(one.get(key, {}), other.get(key, {})) for key in keys}


def _pruned(owned: Fields, others: Fields, after: Any, manifest: Any) -> Any:
    """Return `after` without what `owned` names, `manifest` lacks and `others` do not hold."""
    if isinstance(after, dict):
        kept = dict(after)
        for key, below in owned.items():
            name = key[2:]
            if not key.startswith("f:") or name not in kept:
                continue
            if isinstance(manifest, Mapping) and name in manifest:
                rest = others.get(key, {})
                kept[name] = _pruned(below, rest, kept[name], manifest[name])
            elif key not in others:
                del kept[name]
        return kept
    if isinstance(after, list):
        items = manifest if isinstance(manifest, list) else []
        return [kept for item in after for kept in _pruned_item(owned, others, item, items)]
    return after


def _pruned_item(owned: Fields, others: Fields, item: Any, items: list[Any]) -> list[Any]:
    for key, below in owned.items():
        if key[:2] not in ("k:", "v:") or not _names(key, item):
            continue
        same = [one for one in items if _names(key, one)]
        if same:
            return [_pruned(below, others.get(key, {}), item, same[0])]
        return [item] if key in others else []
    return [item]


def _names(key: str, item: Any) -> bool:
    """Return whether an item is the one of `key`; keys that it leaves to defaults may be any."""
    wanted = json.loads(key[2:])
    if key.startswith("v:"):
        return bool(item == wanted)
    if not isinstance(item, Mapping):
        return False
    known = {name: value for name, value in wanted.items() if name in item}
    return bool(known) and all(item[name] == value for name, value in known.items())


def merged(live: Any, manifest: Any) -> Any:
    """Return `live` with `manifest` over it, for a change that the server refuses to make.

    Items of lists are merged by their names, or by their numbers where there are as many; named
    ones that the manifest lacks stay.
    """
    if isinstance(live, Mapping) and isinstance(manifest, Mapping):
        over = {key: merged(live.get(key), value) for key, value in manifest.items()}
        return {**live, **over}
    if not (isinstance(live, list) and isinstance(manifest, list)):
        return manifest
    called = names(live, manifest)
    if called is None:
        if len(live) != len(manifest):
            return manifest
        return [merged(old, new) for old, new in zip(live, manifest, strict=True)]
    items = dict(zip(called[0], live, strict=True))
    for name, item in zip(called[1], manifest, strict=True):
        items[name] = merged(items.get(name), item)
    return list(items.values())
