"""What differs between two sets of manifests, field by field.

Refuses to show secrets: they are compared as references, or not at all.
"""

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from cellwright.directory import Value, cell_ids, values
from cellwright.effects import Effect, of_change, of_removal
from cellwright.manifest import Manifest
from cellwright.problem import Path
from cellwright.redact import redacted
from cellwright.secret_text import by_reference

Stacks = Mapping[str, Iterable[Manifest]]
Action = Literal["add", "change", "remove"]

_KEYS = ("mountPath", "name", "containerPort", "port", "key")
_PLAIN_KEY = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
DIRECTORY = "cellwright.dev/directory"
HISTORY = "cellwright.dev/history"
"""The label of the pieces of the directory's history, with their kind."""
_Row = TypeVar("_Row")


class Missing:
    """Stands for a field that is not there; null would be a value."""

    def __repr__(self) -> str:
        return "absent"


MISSING = Missing()


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that differs; `why` is empty where the effect needs no reason."""

    path: str
    before: Any
    after: Any
    effect: Effect
    why: str


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one object. Only `change` has fields; the effect is the worst of theirs."""

    stack: str
    manifest: Manifest
    action: Action
    effect: Effect
    why: str
    fields: tuple[FieldChange, ...] = ()


def changes(
    before: Stacks, after: Stacks, retained: Collection[tuple[str, ...]] = ()
) -> tuple[Change, ...]:
    """Return every object that differs, by stack and in order of application.

    `retained` holds the identities of objects that stay in their cluster when they are removed.
    """
    found: list[Change] = []
    for stack in sorted({*before, *after}):
        old = {one.identity: one for one in before.get(stack, ())}
        new = {one.identity: one for one in after.get(stack, ())}
        for identity, manifest in new.items():
            if identity not in old:
                found.append(Change(stack, manifest, "add", Effect.IN_PLACE, ""))
            elif change := compare(old[identity], manifest):
                found.append(change)
        for identity, manifest in old.items():
            if identity not in new:
                effect, why = of_removal(manifest.body, retained=identity in retained)
                found.append(Change(stack, manifest, "remove", effect, why))
    return tuple(found)


def line_changes(before: str, after: str) -> tuple[list[str], list[str]]:
    """Return the lines that only `before` or only `after` has, each in its order."""
    removed = Counter(before.split("\n"))
    added = Counter(after.split("\n"))
    both = removed & added
    return _rest(before, both), _rest(after, both)


def names(before: list[Any], after: list[Any]) -> tuple[list[str], list[str]] | None:
    """Return what the items of two lists are called, or None if items have no names."""
    for key in _KEYS:
        found = [[_name(item, key) for item in items] for items in (before, after)]
        if all(None not in called and len(set(called)) == len(called) for called in found):
            return [str(name) for name in found[0]], [str(name) for name in found[1]]
    return None


def _rest(text: str, both: Counter[str]) -> list[str]:
    left = both.copy()
    lines = []
    for line in text.split("\n"):
        if left[line] > 0:
            left[line] -= 1
        else:
            lines.append(line)
    return lines


def compare(old: Manifest, new: Manifest) -> Change | None:
    """Return what differs between two forms of one object, or None if nothing does."""
    before, after = (json.dumps(one.body, default=by_reference) for one in (old, new))
    if before == after:
        return None
    fields = []
    for path, was, would_be in _differences(old.body, new.body, ()):
        effect, why = of_change(old.body, path, was, would_be)
        seen, now = (_shown_value(one, old.kind, path) for one in (was, would_be))
        fields.append(FieldChange(_shown_path(path), seen, now, effect, why))
    if not fields:
        return None
    worst = max(fields, key=lambda one: (one.effect, bool(one.why)))
    return Change(new.stack, new, "change", worst.effect, worst.why, tuple(fields))


def _shown_value(value: Any, kind: str, path: Path) -> Any:
    """Return a field's value as people may see it."""
    if value is MISSING:
        return value
    whole: Any = value
    for part in reversed(path):
        whole = {part: whole}
    shown: Any = redacted({"kind": kind, **whole})
    for part in path:
        shown = shown[part]
    return shown


def _differences(before: Any, after: Any, path: Path) -> Iterator[tuple[Path, Any, Any]]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        yield from _of_mappings(before, after, path)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _of_lists(before, after, path)
    elif type(before) is not type(after) or before != after:
        yield path, before, after


def _of_mappings(
    before: Mapping[str, Any], after: Mapping[str, Any], path: Path
) -> Iterator[tuple[Path, Any, Any]]:
    for key in [*before, *(key for key in after if key not in before)]:
        old, new = before.get(key, MISSING), after.get(key, MISSING)
        yield from _differences(old, new, (*path, key))


def _of_lists(before: list[Any], after: list[Any], path: Path) -> Iterator[tuple[Path, Any, Any]]:
    """Compare items of the same name where items have names, else of the same number."""
    called = names(before, after)
    if called is None:
        for index in range(max(len(before), len(after))):
            old = before[index] if index < len(before) else MISSING
            new = after[index] if index < len(after) else MISSING
            yield from _differences(old, new, (*path, index))
        return
    old_items = dict(zip(called[0], before, strict=True))
    new_items = dict(zip(called[1], after, strict=True))
    yield from _of_mappings(old_items, new_items, path)
    kept_before = [name for name in called[0] if name in new_items]
    kept_after = [name for name in called[1] if name in old_items]
    if kept_before != kept_after:
        yield (*path, "[order]"), kept_before, kept_after


def _name(item: Any, key: str) -> str | None:
    if not isinstance(item, Mapping):
        return None
    metadata = item.get("metadata")
    holder = metadata if key == "name" and isinstance(metadata, Mapping) else item
    value = holder.get(key)
    return f"[{value}]" if isinstance(value, str | int) else None


def _shown_path(path: Path) -> str:
    """Return a path as people write it, with keys in quotes where they need it."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part.startswith("["):
            text += part
        elif set(part) <= _PLAIN_KEY:
            text += f".{part}" if text else part
        else:
            text += f'["{part}"]'
    return text


def assignment(stacks: Stacks) -> dict[str, str]:
    """Return the cell to which the directory in these stacks sends each organization."""
    return {
        one.organization: one.cell
        for manifests in stacks.values()
        for manifest in manifests
        for one in organizations_of(manifest)
    }


def organizations_of(manifest: Manifest) -> list[Value]:
    """Return what one of the directory's shards says of each organization; nothing for others.

    Raises ValueError for text that is no shard.
    """
    return _read(manifest, "shard", "table", values)


def cell_ids_of(manifest: Manifest) -> list[tuple[str, int]]:
    """Return the name and the id of each cell in the directory; nothing for other objects.

    Raises ValueError for text that is no table of cells.
    """
    return _read(manifest, "cells", "cells", cell_ids)


def history_in(manifest: Manifest) -> list[tuple[str, str]]:
    """Return the kind and the text of a piece of the directory's history; nothing for others."""
    labels = manifest.body["metadata"].get("labels") or {}
    kind = labels.get(HISTORY)
    if manifest.kind != "ConfigMap" or kind is None:
        return []
    return [(str(kind), str((manifest.body.get("data") or {}).get("history", "")))]


def _read(
    manifest: Manifest, label: str, key: str, read: Callable[[str], Iterable[_Row]]
) -> list[_Row]:
    labels = manifest.body["metadata"].get("labels") or {}
    if manifest.kind != "ConfigMap" or labels.get(DIRECTORY) != label:
        return []
    try:
        return list(read(str((manifest.body.get("data") or {}).get(key, ""))))
    except ValueError as error:
        where = f"ConfigMap {manifest.namespace}/{manifest.name}"
        raise ValueError(f"{where}: {error}") from None
