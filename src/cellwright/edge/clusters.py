"""Which clusters answer, which cluster each of them is, and what stands in their namespaces.

One question for each cluster. A cluster that does not answer is told, not raised: what concerns
the others goes on. Refuses to change anything.
"""

import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

from cellwright.edge.failure import CommandError
from cellwright.edge.kubectl import Kubectl
from cellwright.identity import APPLIED_ANNOTATION, Owner, owner_of
from cellwright.model import Fleet

_SYSTEM = "kube-system"
_AT_ONCE = 8  # clusters asked at the same time


class Applied(NamedTuple):
    """What was applied last in a namespace: its digest, and when the stack's state changed last."""

    digest: str
    updated: str

    def text(self) -> str:
        """Return it as the annotation holds it."""
        return json.dumps(self._asdict())


@dataclass(frozen=True, slots=True)
class ClusterState:
    """A cluster that answered: the UID of its kube-system, and its namespaces by name."""

    name: str
    uid: str
    namespaces: Mapping[str, Mapping[str, Any]]

    def owner(self, namespace: str) -> Owner | None:
        """Return whom a namespace belongs to; None if it is not there."""
        body = self.namespaces.get(namespace)
        return None if body is None else owner_of(body)

    def applied(self, namespace: str) -> Applied | None:
        """Return what was applied last in a namespace; None if nothing says so."""
        body = self.namespaces.get(namespace) or {"metadata": {}}
        text = (body["metadata"].get("annotations") or {}).get(APPLIED_ANNOTATION, "")
        try:
            said = json.loads(text)
            return Applied(str(said["digest"]), str(said["updated"]))
        except (KeyError, TypeError, ValueError):
            return None


@dataclass(frozen=True, slots=True)
class Clusters:
    """The clusters that answered, by name, and why others did not."""

    states: Mapping[str, ClusterState]
    away: Mapping[str, str]


def read_clusters(fleet: Fleet, names: Iterable[str]) -> Clusters:
    """Ask some of a fleet's clusters what they are."""
    asked = list(names)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = list(pool.map(lambda name: _ask(fleet, name), asked))
    states = {one.name: one for one in answers if isinstance(one, ClusterState)}
    away = {
        name: str(one)
        for name, one in zip(asked, answers, strict=True)
        if isinstance(one, CommandError)
    }
    return Clusters(states, away)


def _ask(fleet: Fleet, name: str) -> ClusterState | CommandError:
    try:
        listed = Kubectl(fleet.clusters[name]).namespaces()
    except CommandError as error:
        return error
    namespaces = {str(body["metadata"]["name"]): body for body in listed}
    system = namespaces.get(_SYSTEM)
    if system is None:
        return CommandError(f"cluster {name} shows no namespace {_SYSTEM}; it may not be listed")
    return ClusterState(name, str(system["metadata"]["uid"]), namespaces)
