"""The details of a stack's state, as lines for people and as JSON for programs."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from cellwright.changes import MISSING, Change, FieldChange, line_changes
from cellwright.cli.report import counted
from cellwright.fleet_state import LastRun, StackState, Volume
from cellwright.manifest import Manifest
from cellwright.model import FLEET_STACK

_MOST_CHARACTERS = 100


def as_lines(state: StackState) -> Iterator[str]:
    """Yield one line for each thing that is to be said of a stack."""
    if state.away:
        return
    yield from (f"not ready  {reason}" for reason in state.reasons)
    if state.is_there:
        yield from (f"missing    {_named(one)}" for one in state.differences.missing)
    for change in state.differences.changed:
        for field in change.fields:
            yield f"changed    {_named(change.manifest)}: {_field(field)}"
    yield from (f"extra      {_named(one)}" for one in state.differences.extra)
    if state.run:
        by = f" by {state.last_run.by}" if state.last_run and state.last_run.by else ""
        yield f"last run   {state.run}{by}"
    if state.fullness:
        yield f"volume     {state.fullness}"


def as_json(state: StackState) -> dict[str, Any]:
    """Return everything about a stack; a field that is absent on one side has no value there."""
    differences = state.differences
    return {
        "state": state.state,
        "ready": state.is_good,
        "cluster": state.cluster,
        "draining": state.is_draining,
        "reasons": [
            {"kind": one.kind, "name": one.name, "reason": one.text, "stuck": one.is_stuck}
            for one in state.reasons
        ],
        "missing": [_object(one) for one in differences.missing],
        "changed": [_change(one) for one in differences.changed],
        "extra": [_object(one) for one in differences.extra],
        "last_run": _last_run(state.last_run, state.run),
        "volume": _volume(state.volume),
        "away": state.away,
    }


def _named(one: Manifest) -> str:
    return f"{one.kind} {one.name}"


def _field(field: FieldChange) -> str:
    """Return how a field differs: `before` is what the cluster has."""
    if field.after is MISSING:
        why = f", {field.why}" if field.why else ""
        return f"{field.path} is {_shown(field.before)}, not declared{why}"
    if isinstance(field.before, str) and isinstance(field.after, str):
        if "\n" in field.before or "\n" in field.after:
            removed, added = line_changes(field.after, field.before)
            number = max(len(added), len(removed))
            return f"{field.path} differs in {counted(number, 'line')}"
        if field.before == field.after:  # a secret: that it differs is all that may be seen
            return f"{field.path} has another value"
    if field.before is MISSING:
        return f"{field.path} is absent, declared {_shown(field.after)}"
    return f"{field.path} is {_shown(field.before)}, declared {_shown(field.after)}"


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MOST_CHARACTERS else f"{text[: _MOST_CHARACTERS - 1]}…"


def _object(one: Manifest) -> dict[str, str]:
    version = str(one.body["apiVersion"])
    return {
        "apiVersion": version,
        "kind": one.kind,
        "namespace": one.namespace,
        "name": one.name,
    }


def _change(change: Change) -> dict[str, Any]:
    fields = []
    for field in change.fields:
        sides = {"live": field.before, "declared": field.after}
        known = {side: value for side, value in sides.items() if value is not MISSING}
        fields.append({"path": field.path, **known})
    return {**_object(change.manifest), "fields": fields}


def _last_run(run: LastRun | None, said: str) -> Mapping[str, Any] | None:
    if run is None:
        return None
    at = run.at.isoformat() if run.at else None
    return {"result": run.result, "at": at, "by": run.by, "state": said}


def _volume(volume: Volume | None) -> Mapping[str, Any] | None:
    return {"percent": volume.percent, "note": volume.note} if volume else None


def rotation_lines(rotated: Mapping[str, str]) -> Iterator[str]:
    """Yield which secrets are rotated, in which phase, and what goes on with it."""
    if FLEET_STACK in rotated:
        yield (
            f"the root secret is rotated, phase {rotated[FLEET_STACK]}: `cellwright rotate root` "
            "goes on"
        )
    for stack, phase in rotated.items():
        if stack != FLEET_STACK:
            goes_on = "root" if FLEET_STACK in rotated else f"cell {stack}"
            yield (
                f"{stack}: its secrets are rotated, phase {phase}: `cellwright rotate {goes_on}` "
                "goes on"
            )
