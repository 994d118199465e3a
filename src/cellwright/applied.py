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


def owned_fields(live: Mapping[str, Any]) -> Fields | None:
    """Return which fields of an object any manager owns, as `fieldsV1` of all; None if unknown."""
    fields: dict[str, Any] = {}
    for entry in live["metadata"].get("managedFields") or ():
        fields = _union(fields, entry.get("fieldsV1") or {})
    return fields or None


def merged(live: Any, manifest: Any, fields: Fields | None = None, *, strict: bool = False) -> Any:
    """Return `live` with `manifest` over it, for a change that the server refuses to make.

    Items of lists are merged by their names, or by their numbers where there are as many; named
    ones that the manifest lacks stay, unless `fields` (those of `owned_fields`) say that the list
    is owned as a whole. If `strict`, the same goes for mappings: what the server fills in there
    counts as a change, so that only the server can tell.
    """
    if isinstance(live, Mapping) and isinstance(manifest, Mapping):
        is_whole = fields is not None and not fields
        over = {
            key: merged(live.get(key), value, _below(fields, f"f:{key}"), strict=strict)
            for key, value in manifest.items()
        }
        return over if strict and is_whole else {**live, **over}
    if not (isinstance(live, list) and isinstance(manifest, list)):
        return manifest
    is_whole = fields is not None and not any(key[:2] in ("k:", "v:") for key in fields)
    called = names(live, manifest)
    if called is None:
        if len(live) != len(manifest):
            return manifest
        below: Fields | None = {} if is_whole else None
        return [
            merged(old, new, below, strict=strict) for old, new in zip(live, manifest, strict=True)
        ]
    items = dict(zip(called[0], live, strict=True))
    for name, item in zip(called[1], manifest, strict=True):
        items[name] = merged(items.get(name), item, _of_item(fields, item), strict=strict)
    return [items[name] for name in called[1]] if is_whole else list(items.values())


def _below(fields: Fields | None, key: str) -> Fields | None:
    """Return the fields below a key: nothing is known where nobody owns it."""
    if fields is None or not fields:
        return fields
    below: Fields | None = fields.get(key)
    return below


def _of_item(fields: Fields | None, item: Any) -> Fields | None:
    if fields is None or not fields:
        return fields
    return next(
        (below for key, below in fields.items() if key[:2] == "k:" and _names(key, item)), None
    )
