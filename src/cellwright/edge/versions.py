"""Whether settings say versions of secrets that can follow those that the clusters have.

Settings of another checkout, from before a rotation, would bring back secrets that were replaced.
Refuses to change anything.
"""

from collections.abc import Iterator, Mapping

from cellwright.edge.clusters import ClusterState
from cellwright.edge.failure import CommandError
from cellwright.fixed import Finding
from cellwright.identity import secrets_tag
from cellwright.model import FLEET_STACK, Fleet
from cellwright.secret_state import State, read_cell_state, read_root_state

_OLDER = "the settings are older than the cluster: pull stacks/"
_OTHER = (
    "restore the file; or delete it and run `cellwright stacks`, which takes what the cluster has"
)


def noted_state(state: ClusterState, namespace: str, *, of_cell: bool) -> State | None:
    """Return which secrets the namespace of a stack has; None where that is not noted.

    Raises CommandError for a note that cellwright did not write.
    """
    body = state.namespaces.get(namespace)
    text = "" if body is None else secrets_tag(body)
    if not text:
        return None
    found = read_cell_state(text) if of_cell else read_root_state(text)
    if found is None:
        raise CommandError(
            f"namespace {namespace} in cluster {state.name}: its annotation "
            f"cellwright.dev/secrets is {text!r}, which cellwright did not write: restore it"
        )
    return found


def version_findings(
    fleet: Fleet, said: Mapping[str, State | None], clusters: Mapping[str, ClusterState]
) -> Iterator[Finding]:
    """Yield the stacks whose secrets would go back, or to what does not follow from them.

    `said` are the states of stacks, None where settings do not tell. Raises CommandError.
    """
    for stack, state in said.items():
        if state is None:
            continue
        is_fleet = stack == FLEET_STACK
        where = fleet.used_clusters() if is_fleet else (fleet.cells[stack].cluster,)
        namespace = fleet.directory_namespace if is_fleet else fleet.cells[stack].namespace
        for cluster in where:
            if cluster not in clusters:
                continue
            noted = noted_state(clusters[cluster], namespace, of_cell=not is_fleet)
            hint = _wrong(state, noted, is_fleet=is_fleet) if noted else ""
            if hint:
                kind, name = ("Fleet", fleet.name) if is_fleet else ("Cell", stack)
                message = (
                    f"stacks/Pulumi.{stack}.yaml has version {state} of the secrets, and cluster "
                    f"{cluster} has {noted}"
                )
                yield Finding(kind, name, ("metadata", "name"), "CW423", message, hint)


def _wrong(state: State, noted: State, *, is_fleet: bool) -> str:
    """Return what to do where a state can't follow the noted one; empty where it can.

    A cell that was away while the root secret changed begins anew. A cluster may come back to a
    fleet after any time.
    """
    if state.is_before(noted):
        return _OLDER
    if is_fleet or state.follows(noted) or min(noted.roots) < min(state.roots):
        return ""
    return _OTHER
