"""Everything that a run of `up` is decided from, asked once: the clusters and the backend.

Clusters that do not answer are left out, with the reason; what concerns the others goes on.
"""

from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cellwright.directory_key import signing_key
from cellwright.edge import stacks
from cellwright.edge.clusters import Applied, Clusters
from cellwright.edge.facts import read_facts
from cellwright.edge.failure import CommandError
from cellwright.edge.live import cell_growths
from cellwright.edge.settings import read_settings
from cellwright.edge.stack_settings import CellThere, Ownership, cell_state, fleet_secrets
from cellwright.edge.state_listing import Stack
from cellwright.edge.versions import noted_state
from cellwright.fleet_secrets import FleetSecrets, StackSecrets, first_secrets, named_in
from cellwright.growth import Growth
from cellwright.manifest import Manifest
from cellwright.model import FLEET_STACK, Fleet
from cellwright.plan import Loaded, Plan, planned
from cellwright.registration import digest, registrations
from cellwright.secret import ROOT_BYTES
from cellwright.secret_state import State, generation
from cellwright.standing import Facts

_NONE = first_secrets(bytes(ROOT_BYTES))
"""What stands for the secrets of a fleet that has none yet."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What is declared, and what is there. `secrets` is None before a fleet's first `up`.

    `cell_states` are which secrets of cells are valid, `cell_errors` why that can't be told.
    """

    root: Path
    loaded: Loaded
    fleet: Fleet
    manifests: Mapping[str, tuple[Manifest, ...]]
    clusters: Clusters
    facts: Facts
    backend: Mapping[str, Stack]
    secrets: FleetSecrets | None
    cell_states: Mapping[str, State]
    cell_errors: Mapping[str, str] = field(default_factory=dict)

    def namespace_of(self, stack: str) -> str:
        """Return the namespace of a stack."""
        if stack == FLEET_STACK:
            return self.fleet.directory_namespace
        return self.fleet.cells[stack].namespace

    def clusters_of(self, stack: str) -> tuple[str, ...]:
        """Return the clusters that a stack is applied to."""
        if stack == FLEET_STACK:
            return self.fleet.used_clusters()
        return (self.fleet.cells[stack].cluster,)

    def is_there(self, stack: str, cluster: str) -> bool:
        """Return whether a cluster that answered has the namespace of a stack."""
        state = self.clusters.states.get(cluster)
        return state is not None and self.namespace_of(stack) in state.namespaces

    def secrets_of(self, stack: str) -> StackSecrets:
        """Return what a stack is applied with."""
        secrets = self.secrets or _NONE
        if stack == FLEET_STACK:
            return secrets.of_fleet()
        return secrets.of_cell(stack, self.cell_states.get(stack) or secrets.new_cell())

    def owner_of(self, stack: str, clusters: Iterable[str]) -> Ownership:
        """Return what the settings of a stack are to say; `clusters` have answered."""
        secrets = self.secrets or _NONE
        uids = {name: self.clusters.states[name].uid for name in clusters}
        if stack == FLEET_STACK:
            return Ownership(secrets, uids)
        bodies = [one.body for one in self.manifests[stack]]
        state = self.cell_states.get(stack) or secrets.new_cell()
        return Ownership(secrets, uids, state, frozenset(named_in(bodies)))

    def digest_of(
        self, stack: str, cluster: str, manifests: tuple[Manifest, ...] | None = None
    ) -> str:
        """Return what stands for all that a stack is to hold in a cluster.

        That is what is declared, unless other manifests are given.
        """
        chosen = self.manifests[stack] if manifests is None else manifests
        declared = [one for one in chosen if one.cluster == cluster]
        secrets = self.secrets or _NONE
        root, tag = secrets.root, self.secrets_of(stack).tag
        if stack in self.cell_states:  # the fleet may be in a phase that the cell is not in yet
            root = secrets.roots[generation(self.cell_states[stack].used).root]
        return digest(root, registrations(self.fleet, declared), tag)

    def changed_clusters(self, stack: str) -> tuple[str, ...]:
        """Return the clusters that answered where a stack is not as it was applied last.

        As it was applied last means: a run of `up` has noted that it applied just this, and
        nothing has changed the stack's state since.
        """
        held = self.backend.get(stack)
        return tuple(
            cluster
            for cluster in self.clusters_of(stack)
            if (state := self.clusters.states.get(cluster))
            and (
                held is None
                or self.secrets is None
                or state.applied(self.namespace_of(stack))
                != Applied(self.digest_of(stack, cluster), held.updated)
            )
        )

    def is_as_defined(self, stack: str) -> bool:
        """Return whether what was applied last is what is declared, whichever secrets it had.

        That is asked in the middle of a rotation: before its phase, or in it.
        """
        secrets = self.secrets or _NONE
        state = secrets.state if stack == FLEET_STACK else self.cell_states.get(stack)
        for cluster in self.clusters_of(stack):
            there = self.clusters.states.get(cluster)
            held = there.applied(self.namespace_of(stack)) if there else None
            declared = [one for one in self.manifests[stack] if one.cluster == cluster]
            registered = list(registrations(self.fleet, declared))
            known = {
                digest(root, registered, tag)
                for root in secrets.roots.values()
                for tag in (state.tags if state else ())
            }
            if held is None or held.digest not in known:
                return False
        return True

    def growths(self, cell: str) -> tuple[Growth, ...]:
        """Return the volumes of a cell that are smaller than declared."""
        return cell_growths(self.facts.data, self.manifests[cell])

    def without_directory(self) -> tuple[str, ...]:
        """Return the clusters that answered and have no directory yet.

        A namespace alone is none: a run that ended early may have left it.
        """
        namespace = self.fleet.directory_namespace
        return tuple(
            cluster
            for cluster in self.fleet.used_clusters()
            if (state := self.clusters.states.get(cluster)) and state.applied(namespace) is None
        )

    def unsigned_directory(self) -> tuple[str, ...]:
        """Return the clusters that answered and have a directory that new routers do not take.

        An older release has written it, or somebody who does not have the root secret.
        """
        missing = self.without_directory()
        return tuple(
            cluster
            for cluster in self.fleet.used_clusters()
            if cluster in self.facts.unsigned and cluster not in missing
        )

    def unconfirmed_directory(self) -> set[str]:
        """Return the clusters whose directory was changed since a run has waited for its cells.

        As by a run that ended before they had it: what it has published says no more who waits.
        """
        held = self.backend.get(FLEET_STACK)
        updated, namespace = held.updated if held else "", self.fleet.directory_namespace
        return {
            name
            for name, state in self.clusters.states.items()
            if (noted := state.applied(namespace)) is None or noted.updated != updated
        }

    def homes(self) -> dict[str, str | None]:
        """Return the cell of each organization that the directory has."""
        return {name: one.cell for name, one in self.facts.fixed.organizations.items()}

    def was_applied(self, cell: str) -> bool:
        """Return whether a cluster that answered has a cell that was applied as a whole."""
        state = self.clusters.states.get(self.fleet.cells[cell].cluster)
        return state is not None and state.applied(self.namespace_of(cell)) is not None

    def directory_of(self, fleet: Fleet) -> tuple[Manifest, ...]:
        """Return the manifests of the directory of a fleet with other organizations."""
        loaded = replace(self.loaded, fleet=fleet)
        return planned(loaded, [FLEET_STACK], self.facts.history(fleet)).stacks[FLEET_STACK]

    def undeclared_stacks(self) -> list[str]:
        """Return the stacks of the backend whose cells are declared no more."""
        return [name for name in self.backend if name not in self.manifests]


def read_situation(
    root: Path, loaded: Loaded, first: Plan, fleet: Fleet, clusters: Clusters
) -> Situation:
    """Ask the clusters that answer and the backend of a fleet whose `first` plan has no problem.

    Raises CommandError for a backend or a cluster that stops answering.
    """
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(_read_backend, root, fleet)
        facts = read_facts(fleet, tuple(clusters.states), lambda: _signing_keys(asked.result()[1]))
        directory = planned(loaded, [FLEET_STACK], facts.history(fleet))
        backend, secrets = asked.result()
    manifests = {**first.stacks, **directory.stacks}
    cells, errors = read_cell_states(root, fleet, clusters, secrets, used_names(facts))
    return Situation(
        root, loaded, fleet, manifests, clusters, facts, backend, secrets, cells, errors
    )


def used_names(facts: Facts) -> frozenset[str]:
    """Return the names of the cells that a fleet has, or had."""
    history = facts.fixed.history
    return frozenset(one.name for one in history.cells) if history else frozenset()


def _signing_keys(secrets: FleetSecrets | None) -> list[Ed25519PrivateKey]:
    return [signing_key(root) for root in secrets.roots.values()] if secrets else []


def _read_backend(root: Path, fleet: Fleet) -> tuple[Mapping[str, Stack], FleetSecrets | None]:
    backend = stacks.listed(root)
    return backend, fleet_secrets(root, fleet.cells, backend)


def read_cell_states(
    root: Path,
    fleet: Fleet,
    clusters: Clusters,
    secrets: FleetSecrets | None,
    used: Collection[str],
) -> tuple[dict[str, State], dict[str, str]]:
    """Return which secrets of each cell are valid, and why that can't be told of others.

    `used` are the names of all cells that the fleet ever had.
    """
    found: dict[str, State] = {}
    errors: dict[str, str] = {}
    if secrets is None:
        return found, errors
    for cell in fleet.cells.values():
        try:
            there = CellThere(was_used=cell.name in used)
            if state := clusters.states.get(cell.cluster):
                noted = noted_state(state, cell.namespace, of_cell=True)
                there = CellThere(cell.namespace in state.namespaces, noted, there.was_used)
            settings = read_settings(root, cell.name)
            found[cell.name] = cell_state(cell.name, settings, there, secrets)
        except CommandError as error:
            errors[cell.name] = str(error)
    return found, errors
