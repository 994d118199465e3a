"""What `up` would do and what it has done, as lines for people."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping

from cellwright.cli.difference import as_lines, roster_lines
from cellwright.cli.report import BOLD, DIM, Part, counted
from cellwright.edge.up.preview import Proposal
from cellwright.edge.up.reading import Situation
from cellwright.edge.up.rollout import Ended
from cellwright.growth import Growth
from cellwright.model import FLEET_STACK
from cellwright.rollout import steps
from cellwright.roster import homes_after, homes_before, roster_changes

_MOST_NAMES = 20
_MOST_OBJECTS = 20  # shown of a stack; `diff --against live` shows them all


def proposal_lines(
    situation: Situation, stacks: Collection[str], proposal: Proposal
) -> Iterator[tuple[Part, ...]]:
    """Yield what would change, step by step; of new stacks only how much there is of them."""
    for step in steps(situation.fleet, stacks, ()):
        yield ((str(step), BOLD),)
        for name in step.stacks:
            growing = () if name == FLEET_STACK else situation.growths(name)
            yield from _stack_lines(name, proposal, growing)
    if FLEET_STACK in stacks:
        fixed = situation.facts.fixed
        roster = roster_changes(homes_before(fixed), homes_after(situation.fleet))
        yield from roster_lines(roster)


def _stack_lines(
    name: str, proposal: Proposal, growing: Iterable[Growth]
) -> Iterator[tuple[Part, ...]]:
    own = [change for change in proposal.changes if change.stack == name]
    operations = proposal.operations.get(name) or {}
    pulumi = ", ".join(
        f"{count} to {kind}" for kind, count in sorted(operations.items()) if kind != "same"
    )
    if name in proposal.created:
        yield (f"  {name}: new, {counted(len(own), 'object')}",)
        return
    for growth in growing:
        yield (f"  {growth}",)
    effects = Counter(str(change.effect) for change in own)
    said = ", ".join(f"{count} {effect}" for effect, count in effects.items())
    if not own:
        said = "no object changes"
    yield f"  {name}: {said}", (f" (pulumi: {pulumi or 'nothing to change'})", DIM)
    for number, parts in enumerate(as_lines(own[:_MOST_OBJECTS])):
        if number:  # the first line names the stack again
            yield ("  ", *parts)
    if len(own) > _MOST_OBJECTS:
        yield (f"    … and {counted(len(own) - _MOST_OBJECTS, 'object')} more",)


def result_lines(ended: Ended, skipped: Mapping[str, str]) -> Iterator[str]:
    """Yield what could not be done; nothing if all was."""
    for outcome in ended.outcomes:
        yield from (f"{outcome.stack}: not finished: {note}" for note in outcome.notes)
        if not outcome.ok:
            yield f"{outcome.stack}: not done: {_first(outcome.reasons)}"
    for name, why in ended.not_begun.items():
        yield f"{name}: not begun: {why}"
    for name, why in skipped.items():
        yield f"{name}: not done: {why}"
    if ended.held_back:
        shown = ", ".join(ended.held_back[:_MOST_NAMES])
        more = len(ended.held_back) - _MOST_NAMES
        rest = f" and {more} more" if more > 0 else ""
        count = counted(len(ended.held_back), "organization")
        yield f"{FLEET_STACK}: {count} not published as their cells are not there: {shown}{rest}"


def _first(reasons: Iterable[str]) -> str:
    """Return the first reason that says something: Pulumi names the resource in a line before."""
    lines = [line.strip().removeprefix("* ") for line in reasons]
    said = [line for line in lines if line and not line.endswith(":")]
    return next(iter((*said, *lines)), "failed")
