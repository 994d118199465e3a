"""Takes on a fleet that stands in clusters already: after a lost state, or from before its id.

The root secret is the proof. Where objects carry the fleet's id, it must be the one that is made
from this root secret, and one that was rotated must have signed the directory; where they carry
none, the passwords in the cluster must be those that are derived from it. Refuses to take on what
cannot be shown to belong to the fleet, unless it is named.
"""

import base64
import binascii
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cellwright.directory_key import signing_key
from cellwright.edge.clusters import ClusterState
from cellwright.edge.failure import CommandError
from cellwright.edge.kubectl import Kubectl
from cellwright.edge.versions import noted_state
from cellwright.fleet_secrets import FleetSecrets, read_secrets
from cellwright.identity import FLEET_ID_LABEL, FLEET_LABEL, owner_of
from cellwright.manifest import Identity, Manifest
from cellwright.model import FLEET_STACK, Fleet
from cellwright.secret import resolve
from cellwright.secret_state import Phase, State
from cellwright.signature import is_signed_by

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Adoption:
    """What would be taken on: objects without the fleet's id, and how many carry it already.

    `proven` are the cells whose passwords were seen to be derived from the root secret, `foreign`
    says why something can't be taken on.
    """

    unlabelled: tuple[Manifest, ...]
    labelled: int
    proven: frozenset[str]
    foreign: tuple[str, ...]

    @property
    def is_proven(self) -> bool:
        """Whether the root secret was shown to be this fleet's."""
        return bool(self.labelled or self.proven) and not self.foreign


def read_adoption(
    fleet: Fleet,
    stacks: Mapping[str, Iterable[Manifest]],
    states: Mapping[str, ClusterState],
    secrets: FleetSecrets,
    cells: Mapping[str, State],
) -> Adoption:
    """Return what of the declared stacks stands in the clusters. Raises CommandError."""
    number = secrets.fleet_id
    unlabelled: list[Manifest] = []
    foreign: list[str] = []
    proven: set[str] = set()
    labelled = 0
    declared = [one for manifests in stacks.values() for one in manifests]
    for cluster, state in states.items():
        asked = [
            one
            for one in declared
            if one.cluster == cluster
            and (
                one.name in state.namespaces
                if one.kind == "Namespace"
                else not one.namespace or one.namespace in state.namespaces
            )
        ]
        held = _by_identity(
            cluster, Kubectl(fleet.clusters[cluster]).held([one.body for one in asked])
        )
        for one in asked:
            body = held.get(one.identity)
            if body is None:
                continue
            owner = owner_of(body)
            where = f"{one.kind} {one.namespace}/{one.name}".replace(" /", " ")
            if owner.fleet_id == number:
                labelled += _proves(one, body, secrets, _value_of(secrets, cells, one.stack))
            elif owner.fleet_id or owner.fleet not in ("", fleet.name):
                foreign.append(
                    f"{where} in cluster {cluster} belongs to {owner}, not to id {number}"
                )
            else:
                unlabelled.append(one)
                if one.kind == "Secret":
                    value = _value_of(secrets, cells, one.stack)
                    same = _is_derived(one.body, body, value)
                    if same is False:
                        foreign.append(
                            f"{where} in cluster {cluster} holds another value than the one "
                            "that is derived from this root secret"
                        )
                    elif same:
                        proven.add(one.stack)
    return Adoption(tuple(unlabelled), labelled, frozenset(proven), tuple(foreign))


def label(fleet: Fleet, adoption: Adoption, number: str) -> None:
    """Put the fleet's labels on what is taken on. Raises CommandError."""
    labels = {FLEET_LABEL: fleet.name, FLEET_ID_LABEL: number}
    by_cluster: dict[str, list[Manifest]] = {}
    for one in adoption.unlabelled:
        by_cluster.setdefault(one.cluster, []).append(one)
    for cluster, manifests in by_cluster.items():
        Kubectl(fleet.clusters[cluster]).label([one.body for one in manifests], labels)


def decode_given(text: str) -> FleetSecrets:
    """Return the root secret that was given as text. Raises CommandError, without the text."""
    words = text.split()
    # Each of two has its version in front, but the first; one alone may stand in several lines.
    joint = " " if any("." in word for word in words) else ""
    try:
        return read_secrets(joint.join(words))
    except ValueError as error:
        raise CommandError(f"the root secret that was given: {error}") from None


def noted_secrets(
    fleet: Fleet, states: Mapping[str, ClusterState], given: FleetSecrets
) -> FleetSecrets:
    """Return the root secrets that were given in the state that the clusters say they are in.

    Raises CommandError where one that is needed was not given.
    """
    noted = list(_noted(fleet, states))
    if not noted:
        return given
    latest = noted[0]
    for one in noted:
        latest = one if latest.is_before(one) else latest
    before = {int(text) for one in noted for text in one[:2] if text} - {int(latest.new)}
    if latest.phase is None and (olds := before & given.roots.keys()):
        latest = State(latest.new, str(max(olds)), Phase.END)
    if missing := [one for one in latest.valid if int(one) not in given.roots]:
        raise CommandError(
            f"the root secret is in the middle of a rotation ({latest}): version {missing[0]} of "
            "it was not given; give both words of the copy"
            if latest.phase
            else f"the clusters have version {missing[0]} of the root secret, which was not given"
        )
    return given.in_state(latest)


def _noted(fleet: Fleet, states: Mapping[str, ClusterState]) -> Iterator[State]:
    """Yield in which state of the root secret the namespaces of the directory and of cells are."""
    for state in states.values():
        if found := noted_state(state, fleet.directory_namespace, of_cell=False):
            yield found
    for cell in fleet.cells.values():
        there = states.get(cell.cluster)
        found = noted_state(there, cell.namespace, of_cell=True) if there else None
        if found:
            new, *old = (str(one) for one in dict.fromkeys(found.roots))
            yield State(new, old[0], found.phase) if old else State(new)


def _proves(one: Manifest, live: Body, secrets: FleetSecrets, value: Callable[[str], str]) -> bool:
    """Return whether an object with the fleet's id shows that it has the root secret.

    The first one gives the id, so that the id is proof; from another one follow the values of
    Secrets, and it has signed the directory.
    """
    if min(secrets.roots) == 1:
        return True
    if one.kind == "Secret":
        return _is_derived(one.body, live, value) is True
    keys = [signing_key(root) for root in secrets.roots.values()]
    return any(is_signed_by(live, one.cluster, key) for key in keys)


def _value_of(
    secrets: FleetSecrets, cells: Mapping[str, State], stack: str
) -> Callable[[str], str]:
    chosen = secrets.of_fleet() if stack == FLEET_STACK else secrets.of_cell(stack, cells[stack])
    return chosen.value


def _by_identity(cluster: str, bodies: Iterable[Body]) -> dict[Identity, Body]:
    return {Manifest("", cluster, "", 0, 0, body).identity: body for body in bodies}


def _is_derived(declared: Body, live: Body, value: Callable[[str], str]) -> bool | None:
    """Return whether a Secret holds what is derived for it; None if nothing of it is derived.

    One that an older release has made may lack some of it.
    """
    said = list(_derived(declared, value))
    if not said:
        return None
    held = live.get("data") or {}
    there = [(key, value) for key, value in said if key in held]
    return bool(there) and all(_decoded(held[key]) == value for key, value in there)


def _derived(declared: Body, secret_of: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    """Yield the keys of a Secret whose values depend on the root secret, and these values."""
    for key, value in (declared.get("stringData") or {}).items():
        resolved = resolve(value, secret_of)
        if resolved != value:
            yield key, str(resolved)


def _decoded(text: Any) -> str | None:
    try:
        return base64.b64decode(str(text), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
