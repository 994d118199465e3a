"""Rotates the secrets of a cell, or of the whole fleet, in phases that each are a roll-out.

The phase is in the settings of a stack before anything is applied in it, so that a run that was
killed anywhere is gone on with, and a run of `up` applies what is valid in that phase. Between the
phases everything is up: whoever receives a secret takes the old and the new one before anybody
sends the new one, and nobody sends the old one when it is refused.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from cellwright.edge import stacks
from cellwright.edge.failure import CommandError
from cellwright.edge.process import Interrupts
from cellwright.edge.stack_settings import ensure, new_root
from cellwright.edge.up.passwords import require_sources, set_passwords
from cellwright.edge.up.reading import Situation
from cellwright.edge.up.rollout import Ended
from cellwright.fleet_secrets import FleetSecrets
from cellwright.model import FLEET_STACK
from cellwright.secret_state import Generation, Phase, State, generation
from cellwright.undeclared import undeclared_cells

_DOES = {
    Phase.ACCEPT: "old and new secrets are accepted",
    Phase.USE: "the new ones are used",
    Phase.END: "the old ones are accepted no more",
}


@dataclass(slots=True)
class Rotator:
    """One rotation: of the root secret with all cells', or of the secrets of one cell.

    `roll_out` applies stacks with the clusters where they changed, and returns how that ended.
    """

    situation: Situation
    cell: str | None
    roll_out: Callable[[Situation, Mapping[str, tuple[str, ...]]], Ended]
    interrupts: Interrupts
    tell: Callable[[str], None]

    def run(self) -> bool:
        """Rotate, from where it stopped; False if it stops before its end. Raises CommandError."""
        phase, phases = self._begin(), list(Phase)
        for one in phases:
            is_before = phases.index(one) < phases.index(phase)
            if cells := self._behind(phase) if is_before else self._cells:
                of = f" by {', '.join(cells)}, which are behind" if is_before else ""
                self.tell(f"phase {one}: {_DOES[one]}{of}")
                if not self._pass(one, cells):
                    return False
        self._finish()
        return True

    def _behind(self, phase: Phase) -> tuple[str, ...]:
        """Return the cells that have not reached a phase, such as one that came back meanwhile.

        For what was brought to the phases before, there is nothing to do in them.
        """
        states = {cell: self._state(cell) for cell in self._cells}
        return tuple(
            cell
            for cell, state in states.items()
            if self._is_late(state) or state.reached(phase) != state
        )

    @property
    def _cells(self) -> tuple[str, ...]:
        return tuple(self.situation.fleet.cells) if self.cell is None else (self.cell,)

    @property
    def _secrets(self) -> FleetSecrets:
        secrets = self.situation.secrets
        assert secrets is not None  # noqa: S101 - else the verb has refused
        return secrets

    def _begin(self) -> Phase:
        """Make the new secrets unless there are some; return the phase to go on with."""
        state = self._secrets.state if self.cell is None else self._state(self.cell)
        if state.phase is not None:
            return state.phase
        if self.cell is None:
            self._set(self._secrets.with_root(new_root()), {})
            self.tell(f"the new root secret is in stacks/Pulumi.{FLEET_STACK}.yaml: keep it")
        else:
            now = generation(state.new)
            begun = state.begun(str(Generation(now.root, now.cell + 1)))
            self._set(self._secrets, {self.cell: begun})
        return Phase.ACCEPT

    def _pass(self, phase: Phase, cells: tuple[str, ...]) -> bool:
        """Bring cells to a phase, ring by ring, then the fleet; False where not all are."""
        secrets = self._secrets
        if self.cell is None:
            secrets = secrets.in_state(secrets.state.reached(phase))
        states = {cell: self._reached(self._state(cell), phase) for cell in cells}
        backend = stacks.listed(self.situation.root)  # with what the phase before has made
        self.situation = replace(self.situation, backend=backend)
        self._set(secrets, states)
        situation = self.situation
        wanted = {
            name: found
            for name in (cells if self.cell else (*cells, FLEET_STACK))
            if (found := situation.changed_clusters(name))
        }
        if wanted and not self.roll_out(situation, wanted).ok:
            return False
        for cell in cells if phase == Phase.USE else ():
            if self.interrupts.is_interrupted:
                return False
            is_set = set_passwords(situation, cell, self.interrupts)
            done = "passwords set" if is_set else "has no Postgres whose passwords could be set"
            self.tell(f"{cell}: {done}")
        return not self.interrupts.is_interrupted

    def _is_late(self, state: State) -> bool:
        """Return whether a cell takes no part yet in the rotation of the root secret."""
        is_before = str(generation(state.new).root) != self._secrets.state.new
        return self.cell is None and is_before and state.phase is None

    def _reached(self, state: State, phase: Phase) -> State:
        """Return a cell's state in a phase of this rotation."""
        if self._is_late(state):
            version = Generation(int(self._secrets.state.new), generation(state.new).cell + 1)
            state = state.begun(str(version))
        return state.reached(phase)

    def _state(self, cell: str) -> State:
        return self.situation.cell_states[cell]

    def _set(self, secrets: FleetSecrets, states: Mapping[str, State]) -> None:
        """Change what is valid: at once in the fleet's settings, in a cell's as it is applied."""
        cells = {**self.situation.cell_states, **states}
        self.situation = replace(self.situation, secrets=secrets, cell_states=cells)
        if self.cell is None:
            self._ensure(FLEET_STACK)

    def _ensure(self, stack: str) -> None:
        situation = self.situation
        owner = situation.owner_of(stack, situation.clusters_of(stack))
        ensure(situation.root, stack, owner, situation.backend, self.tell)

    def _finish(self) -> None:
        """Note that nothing is rotated any more; what was applied stays as it is."""
        for cell in self._cells:
            state = self._state(cell)
            if state.phase is None:
                continue
            cells = {**self.situation.cell_states, cell: state.next}
            self.situation = replace(self.situation, cell_states=cells)
            self._ensure(cell)
        if self.cell is None:
            self._set(self._secrets.in_state(self._secrets.state.next), {})


def refuse_others(situation: Situation, cell: str | None) -> None:
    """Raise CommandError where another rotation is under way that must end first, or where a cell
    can't take part.
    """
    secrets, errors = situation.secrets, situation.cell_errors
    if secrets is None:
        raise CommandError("the fleet has no secrets yet: `cellwright up` makes them")
    for name in errors if cell is None else errors.keys() & {cell}:
        raise CommandError(errors[name])
    if cell is not None and secrets.state.phase is not None:
        raise CommandError(
            f"the root secret is rotated (phase {secrets.state.phase}), and the secrets of all "
            "cells with it: run `cellwright rotate root` to its end"
        )
    if cell is None:
        _refuse_without_all(situation)
    if cell is None and secrets.state.phase is None:
        for name, state in situation.cell_states.items():
            if state.phase is not None:
                raise CommandError(
                    f"the secrets of cell {name} are rotated (phase {state.phase}): run "
                    f"`cellwright rotate cell {name}` to its end"
                )
    for name in situation.fleet.cells if cell is None else (cell,):
        require_sources(situation, name)


def _refuse_without_all(situation: Situation) -> None:
    """Raise CommandError where a cell that is declared no more would keep its secrets."""
    kept = {one for one in situation.undeclared_stacks() if situation.backend[one].resources}
    undeclared = undeclared_cells(situation.facts.fixed, situation.fleet)
    kept |= {one.name for one in undeclared if one.has_database}
    if kept:
        raise CommandError(
            f"cell {min(kept)} is there and declared no more, so that it would keep the old "
            f"secrets: declare it again, or run `cellwright retire {min(kept)}`"
        )


def is_under_way(situation: Situation, cell: str | None) -> bool:
    """Return whether the rotation of a cell, or of the root secret, has begun and not ended."""
    if cell is None:
        return situation.secrets is not None and situation.secrets.state.phase is not None
    return situation.cell_states[cell].phase is not None
