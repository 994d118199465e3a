"""Changes as lines for people and as JSON for programs."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from cellwright.changes import MISSING, Change, FieldChange, line_changes
from cellwright.cli.report import BOLD, DIM, GREEN, RED, YELLOW, Part, counted
from cellwright.cli.results import problems_as_json
from cellwright.effects import Effect
from cellwright.problem import Problem
from cellwright.roster import RosterChanges
from cellwright.undeclared import UndeclaredCell

_SIGNS = {"add": ("+", GREEN), "change": ("~", YELLOW), "remove": ("-", RED)}
_STYLES = {Effect.IN_PLACE: DIM, Effect.ROLLING: YELLOW, Effect.REPLACE: RED}
_MOST_LINES = 20
_MOST_CHARACTERS = 160


def as_lines(changes: Iterable[Change]) -> Iterator[tuple[Part, ...]]:
    """Yield one line per stack, object and field, each as the parts of a line."""
    for stack, group in groupby(changes, lambda one: one.stack):
        yield ((stack, BOLD),)
        for one in group:
            where = f"{one.manifest.namespace}/" if one.manifest.namespace else ""
            called = f" {one.manifest.kind} {where}{one.manifest.name}  "
            why = f" ({one.why})" if one.why else ""
            yield "  ", _SIGNS[one.action], called, _styled(one.effect), (why, DIM)
            for field in one.fields:
                yield from _field_lines(field, one.effect)


def roster_lines(roster: RosterChanges) -> Iterator[tuple[Part, ...]]:
    """Yield lines that name the organizations that come, go and change their cell."""
    moved = [f"{one.organization}: {one.before} -> {one.after}" for one in roster.moved]
    yield from _section("organizations added", roster.added, "+", GREEN)
    yield from _section("organizations removed", roster.removed, "-", RED)
    yield from _section("organizations that are sent to another cell", moved, "~", YELLOW)
    if moved:
        yield (("  Their rows do not move by themselves.", DIM),)


def undeclared_lines(cells: Sequence[UndeclaredCell]) -> Iterator[tuple[Part, ...]]:
    """Yield lines that name the cells that are declared no more and what is there of them."""
    if not cells:
        return
    yield ((f"cells no longer declared: {len(cells)}", BOLD),)
    for one in cells:
        yield f"  {one.name}: {', '.join(one.where)}", (f"  (cellwright retire {one.name})", DIM)


def _section(title: str, names: Sequence[str], sign: str, style: str) -> Iterator[tuple[Part, ...]]:
    if names:
        yield ((f"{title}: {len(names)}", BOLD),)
    for name in names[:_MOST_LINES]:
        yield ((f"  {sign} {name}", style),)
    if len(names) > _MOST_LINES:
        yield (f"  {sign} … and {len(names) - _MOST_LINES} more",)


def roster_as_json(roster: RosterChanges) -> dict[str, Any]:
    """Return the number of organizations in each part, and the first of them."""
    return {
        "added": {"count": len(roster.added), "first": list(roster.added[:_MOST_LINES])},
        "removed": {"count": len(roster.removed), "first": list(roster.removed[:_MOST_LINES])},
        "moved": {
            "count": len(roster.moved),
            "first": [move._asdict() for move in roster.moved[:_MOST_LINES]],
        },
    }


def as_json(
    changes: Iterable[Change],
    roster: RosterChanges,
    forbidden: Iterable[Problem],
    refused: Iterable[str],
    undeclared: Iterable[UndeclaredCell] = (),
) -> dict[str, Any]:
    """Return everything; a field that is absent on one side has no value there."""
    return {
        "refused": list(refused),
        "forbidden": problems_as_json(forbidden),
        "changes": [_change(one) for one in changes],
        "moves": [move._asdict() for move in roster.moved],
        "organizations": roster_as_json(roster),
        "undeclaredCells": [
            {"name": one.name, "id": one.id, "objects": list(one.where)} for one in undeclared
        ],
    }


def summary(changes: Sequence[Change]) -> str:
    """Return the number of changes by effect, the worst last."""
    if not changes:
        return "no differences"
    stacks = counted(len({one.stack for one in changes}), "stack")
    effects = Counter(one.effect for one in changes)
    counts = ", ".join(f"{effects[one]} {one}" for one in sorted(effects))
    return f"{counted(len(changes), 'object')} of {stacks} would change: {counts}"


def _field_lines(field: FieldChange, worst: Effect) -> Iterator[tuple[Part, ...]]:
    # The object's line has told its worst effect: only fields that do less say theirs.
    effect: tuple[Part, ...] = ()
    if field.effect != worst:
        why = f" ({field.why})" if field.why else ""
        effect = ("  ", _styled(field.effect), (why, DIM))
    if _has_lines(field.before) and _has_lines(field.after):
        yield f"      {field.path}:", *effect
        removed, added = line_changes(field.before, field.after)
        yield from _some(removed, "-", RED)
        yield from _some(added, "+", GREEN)
    elif field.before == field.after:  # a secret: that it differs is all that may be seen
        yield f"      {field.path}: another value", *effect
    else:
        before, after = _shown(field.before), _shown(field.after)
        yield f"      {field.path}: {before} -> {after}", *effect


def _has_lines(value: Any) -> bool:
    return isinstance(value, str) and ("\n" in value or not value)


def _some(lines: Sequence[str], sign: str, style: str) -> Iterator[tuple[Part, ...]]:
    for line in lines[:_MOST_LINES]:
        yield "        ", (f"{sign} {_short(line)}", style)
    if len(lines) > _MOST_LINES:
        yield (f"        {sign} … and {len(lines) - _MOST_LINES} more lines",)


def _styled(effect: Effect) -> Part:
    return str(effect), _STYLES.get(effect, f"{BOLD};{RED}")


def _shown(value: Any) -> str:
    return repr(MISSING) if value is MISSING else _short(json.dumps(value, ensure_ascii=False))


def _short(text: str) -> str:
    return text if len(text) <= _MOST_CHARACTERS else text[: _MOST_CHARACTERS - 1] + "…"


def _change(one: Change) -> dict[str, Any]:
    manifest = one.manifest
    return {
        "stack": one.stack,
        "action": one.action,
        "cluster": manifest.cluster,
        "apiVersion": manifest.body["apiVersion"],
        "kind": manifest.kind,
        "namespace": manifest.namespace,
        "name": manifest.name,
        "effect": str(one.effect),
        "why": one.why,
        "fields": [_field(field) for field in one.fields],
    }


def _field(field: FieldChange) -> dict[str, Any]:
    sides = {"before": field.before, "after": field.after}
    values = {side: value for side, value in sides.items() if value is not MISSING}
    return {"path": field.path, **values, "effect": str(field.effect), "why": field.why}
