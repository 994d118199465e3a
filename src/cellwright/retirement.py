"""In which order a cell is retired, and which step is next.

A cell goes in steps, each of which can be looked at before the next one: it is drained, put into
quarantine, backed up, destroyed, and its stack is removed. What a run has done stands in the
cluster and in the backend, so that the next run goes on from there. Refuses to ask or to change
anything.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum

from cellwright.model import QUARANTINE, Cell

RETIREMENT_ANNOTATION = "cellwright.dev/retirement"
"""On a cell's namespace: where its backup is, and how far its retirement has come."""
IN_QUARANTINE = "quarantine"
"""The label `cellwright.dev/ring` of a namespace whose cell is in quarantine."""
_MOST_NAMES = 10


class Step(IntEnum):
    """A step of a retirement; a cell is at the first that is not done."""

    DRAIN = 1
    QUARANTINE = 2
    BACKUP = 3
    DESTROY = 4
    REMOVE_STACK = 5
    DONE = 6

    def __str__(self) -> str:
        return _TITLES[self]


_TITLES = {
    Step.DRAIN: "drained: it takes no organizations and has none",
    Step.QUARANTINE: "in quarantine: ring -1 is declared and applied",
    Step.BACKUP: "backed up, or not needed any more",
    Step.DESTROY: "destroyed",
    Step.REMOVE_STACK: "its stack and settings are removed",
    Step.DONE: "retired",
}


@dataclass(frozen=True, slots=True)
class Record:
    """What the namespace of a cell says of its retirement.

    `backup` says where a backup is, empty where none was wanted. `applied` is the state that was
    applied last when that was said: what was said of an earlier one says nothing of this one.
    """

    backup: str
    by: str
    at: str
    applied: str
    begun: bool = False

    def text(self) -> str:
        """Return it as the annotation holds it."""
        return json.dumps(
            {
                "backup": self.backup,
                "by": self.by,
                "at": self.at,
                "applied": self.applied,
                "begun": self.begun,
            }
        )


def record_in(text: str) -> Record | None:
    """Return the record that an annotation holds; None if it holds none."""
    try:
        said = json.loads(text)
        return Record(
            backup=str(said["backup"]),
            by=str(said["by"]),
            at=str(said["at"]),
            applied=str(said["applied"]),
            begun=said["begun"] is True,
        )
    except (KeyError, TypeError, ValueError):
        return None


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource of a stack, as its state has it: protected, or kept when it is destroyed."""

    kind: str
    name: str
    protect: bool
    retain: bool


@dataclass(frozen=True, slots=True)
class Retiree:
    """What is known of a cell that is to be retired.

    `declared` is None for a cell that is declared no more, `ring` the label of its namespace, None
    where there is no namespace. `applied` is the state that was applied last, empty where nothing
    says so, and `is_current` tells whether that is what is declared. `organizations` live on it or
    are sent to it, `resources` is what its stack holds (None without a stack), and `running` names
    what runs in the namespace.
    """

    name: str
    cluster: str
    namespace: str
    declared: Cell | None
    organizations: tuple[str, ...]
    ring: str | None
    applied: str
    is_current: bool
    resources: tuple[Resource, ...] | None
    running: tuple[str, ...]
    record: Record | None

    @property
    def is_begun(self) -> bool:
        """Whether a run has begun to destroy it, and nothing has applied it since.

        Also where its namespace is gone, in which all of it was.
        """
        if self.ring is None:
            return True
        return self.record is not None and self.record.begun and not self.applied

    @property
    def backup(self) -> Record | None:
        """What was said about a backup of what is there now."""
        record = self.record
        if record is None or not (self.is_begun or record.applied == self.applied):
            return None
        return record

    @property
    def protected(self) -> tuple[Resource, ...]:
        """What nobody may delete, as the stack's state has it."""
        return tuple(one for one in self.resources or () if one.protect)

    @property
    def keeps_volume(self) -> bool:
        """Whether the namespace stays when the stack is destroyed, and with it the volume."""
        kept = any(one.retain for one in self.resources or () if one.kind == "Namespace")
        return kept or (self.ring is not None and not self.resources)


@dataclass(frozen=True, slots=True)
class Todo:
    """The step that is next, why it is not done, and what is to be done for it."""

    step: Step
    why: str = ""
    hint: str = ""


def next_step(cell: Retiree) -> Todo:
    """Return the first step that is not done, with what to do where a person has to."""
    if cell.organizations:
        return Todo(Step.DRAIN, _who(cell.organizations), _drain(cell))
    if cell.declared is not None and not cell.declared.draining:
        why = "its definition does not say draining: true, so that it still takes organizations"
        return Todo(Step.DRAIN, why, "set spec.draining: true, and apply it: `cellwright up`")
    if told := _not_in_quarantine(cell):
        return Todo(Step.QUARANTINE, *told)
    if _is_there(cell):
        if cell.resources is None:
            return Todo(Step.DESTROY, *_without_stack(cell))
        return Todo(Step.DESTROY if cell.is_begun or cell.backup else Step.BACKUP)
    return Todo(Step.DONE if cell.resources is None else Step.REMOVE_STACK)


def _who(names: Iterable[str]) -> str:
    listed = list(names)
    more = len(listed) - _MOST_NAMES
    shown = ", ".join(listed[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
    count = f"{len(listed)} organization{'' if len(listed) == 1 else 's'}"
    return f"{count} on it: {shown}"


def _drain(cell: Retiree) -> str:
    if cell.declared is None:
        return (
            "declare the cell again; move them to another cell or let them go, then `cellwright up`"
        )
    return "move them to another cell or let them go (docs/lifecycle.md), then `cellwright up`"


def _not_in_quarantine(cell: Retiree) -> tuple[str, str] | None:
    """Return why a cell is not in quarantine, and what to do; None if it is."""
    apply = f"apply it: `cellwright up --cell {cell.name}`"
    if cell.declared is not None and cell.declared.ring != QUARANTINE:
        why = f"its definition says ring {cell.declared.ring}"
        return why, f"set spec.ring: {QUARANTINE}, and {apply}"
    if cell.ring not in (None, IN_QUARANTINE):
        why = f"namespace {cell.namespace} is in ring {cell.ring or '(none)'} still"
    elif cell.protected:
        first = cell.protected[0]
        why = f"its stack protects {first.kind} {first.name} still"
    elif cell.declared is not None and not (cell.is_current or cell.is_begun) and _is_there(cell):
        why = "what its definition says is not applied"
    else:
        return None
    if cell.declared is None:
        again = f"declare it again with draining: true and ring: {QUARANTINE}"
        return f"{why}, and it is declared no more", f"{again}, and {apply}"
    return why, apply


def _is_there(cell: Retiree) -> bool:
    return bool(cell.resources or cell.running)


def _without_stack(cell: Retiree) -> tuple[str, str]:
    why = f"{', '.join(cell.running[:_MOST_NAMES])} in namespace {cell.namespace} and no stack"
    if cell.declared is None:
        return why, "declare it again, and take it on: `cellwright adopt`, then `cellwright up`"
    return why, "take it on: `cellwright adopt`, then `cellwright up`"


def residents(
    cell: str,
    declared: Mapping[str, Iterable[str | None]],
    live: Mapping[str, Iterable[str | None]],
) -> tuple[str, ...]:
    """Return the organizations that have anything to do with a cell, by name.

    Both give the cells of each organization: where it lives, and where its requests go. Those of
    the directory alone are named as such.
    """
    found = {name: name for name, cells in declared.items() if cell in cells}
    for name, cells in live.items():
        if cell in cells:
            found.setdefault(name, f"{name} (by the directory)")
    return tuple(found[name] for name in sorted(found))
