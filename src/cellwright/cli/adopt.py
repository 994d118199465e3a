"""Take on a fleet that stands in the clusters already, with its root secret as the proof.

For a workspace whose stacks are lost, or that is set up anew, and for objects of the fleet's own
namespaces that were made without cellwright. Afterwards `cellwright up --all` brings the stacks'
state to what stands.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from cellwright.cli.asking import confirmed
from cellwright.cli.report import counted, say, tell
from cellwright.cli.results import problems_as_text
from cellwright.edge import stacks
from cellwright.edge.adoption import (
    Adoption,
    decode_given,
    label,
    noted_secrets,
    read_adoption,
)
from cellwright.edge.clusters import Clusters
from cellwright.edge.directory_parts import lost_parts, make_lost
from cellwright.edge.facts import read_facts
from cellwright.edge.failure import CommandError
from cellwright.edge.files import read
from cellwright.edge.guard import cluster_findings
from cellwright.edge.process import Interrupts
from cellwright.edge.settings import read_settings
from cellwright.edge.stack_settings import Ownership, ensure, fleet_secrets
from cellwright.edge.state_listing import Stack
from cellwright.edge.up.beginning import held_clusters
from cellwright.edge.up.leases import Leases
from cellwright.edge.up.reading import read_cell_states, used_names
from cellwright.edge.versions import version_findings
from cellwright.fleet_secrets import FleetSecrets, named_in
from cellwright.forbidden import placed
from cellwright.history import at_worst
from cellwright.manifest import Manifest
from cellwright.model import FLEET_STACK, Fleet
from cellwright.plan import Loaded, Plan, loaded
from cellwright.plan import planned as plan_of
from cellwright.secret_state import State
from cellwright.standing import Facts

EXAMPLES = """examples:
  cellwright adopt                                # the root secret is in stacks/ still
  cellwright adopt --root-secret-file backup.txt  # it is in a file, in base64
  pass show fleet/root | cellwright adopt --root-secret-file - --yes
"""
_MOST_NAMED = 30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb takes."""
    parser.add_argument(
        "--root-secret-file",
        metavar="FILE",
        help="file with the fleet's root secret in base64, - for standard input; "
        "that of the stacks' settings unless given",
    )
    parser.add_argument(
        "--yes", action="store_true", help="do not ask; required without a terminal"
    )


def run(arguments: argparse.Namespace) -> int:
    """Show what would be taken on, ask, label it and make the stacks; 1 if that can't be."""
    snapshot = read(arguments.root)
    workspace = loaded(snapshot)
    planned = plan_of(workspace)
    if planned.problems or planned.fleet is None:
        problems_as_text(planned.problems)
        return 1
    fleet = planned.fleet
    backend = stacks.listed(arguments.root)
    given = _secrets(arguments, fleet, backend)
    with Leases(fleet, 0, Interrupts(), tell) as leases:
        clusters = held_clusters(arguments.root, fleet, leases, given.fleet_id)
        used = [name for name in planned.stacks if name in backend and backend[name].resources]
        settings = {name: read_settings(arguments.root, name) for name in used}
        findings = cluster_findings(fleet, settings, clusters.states)
        if wrong := placed(findings, snapshot.definitions):
            problems_as_text(wrong)
            return 1
        return _adopt(arguments, workspace, planned, clusters, given)


def _adopt(
    arguments: argparse.Namespace,
    workspace: Loaded,
    planned: Plan,
    clusters: Clusters,
    given: FleetSecrets,
) -> int:
    """Show what would be taken on, ask, and take it on, under the leases."""
    fleet = planned.fleet
    assert fleet is not None  # noqa: S101 - the plan has no problem
    is_known = read_settings(arguments.root, FLEET_STACK).has_root
    secrets = given if is_known else noted_secrets(fleet, clusters.states, given)
    facts = read_facts(fleet, fleet.used_clusters())
    cells, errors = read_cell_states(arguments.root, fleet, clusters, secrets, used_names(facts))
    if errors:
        raise CommandError("; ".join(errors.values()))
    said = {FLEET_STACK: secrets.state, **cells}
    if wrong := placed(
        version_findings(fleet, said, clusters.states), workspace.snapshot.definitions
    ):
        problems_as_text(wrong)
        return 1
    adoption = read_adoption(fleet, planned.stacks, clusters.states, secrets, cells)
    lost = _lost(workspace, fleet, facts)
    if lost is None or not _is_allowed(fleet, adoption):
        return 1
    _show(fleet, adoption, secrets.fleet_id)
    _show_lost(lost)
    if not arguments.yes and not confirmed("Take all of this on?"):
        tell("cellwright adopt: not confirmed; nothing was touched")
        return 1
    label(fleet, adoption, secrets.fleet_id)
    make_lost(fleet, lost, secrets.of_fleet())
    backend = stacks.listed(arguments.root)
    for name, owner in _owners(planned, clusters, secrets, cells).items():
        ensure(arguments.root, name, owner, backend, lambda made: say(f"{made}: stack made"))
    say(
        f"fleet {fleet.name} (id {secrets.fleet_id}) is this workspace's; next: cellwright up --all"
    )
    return 0


def _secrets(
    arguments: argparse.Namespace, fleet: Fleet, backend: dict[str, Stack]
) -> FleetSecrets:
    known = fleet_secrets(arguments.root, fleet.cells, backend, may_lack=True)
    file = arguments.root_secret_file
    if file is None:
        if known is None:
            raise CommandError(
                "no stack of this workspace has the root secret: give it with --root-secret-file"
            )
        return known
    text = sys.stdin.read() if file == "-" else Path(file).read_text("utf-8", "replace")
    given = decode_given(text)
    if known is not None and not known.roots.items() >= given.roots.items():
        raise CommandError(
            "the stacks of this workspace have another root secret than the one that was given"
        )
    return known or given


def _is_allowed(fleet: Fleet, adoption: Adoption) -> bool:
    for line in adoption.foreign:
        tell(line)
    if adoption.foreign:
        tell("cellwright adopt: refused; nothing was touched")
        return False
    if not adoption.is_proven:
        clusters = ", ".join(fleet.used_clusters())
        tell(f"cellwright adopt: nothing in {clusters} shows that the fleet has this root secret")
        tell("nothing was touched; a new fleet is made by `cellwright up`")
        return False
    return True


def _show(fleet: Fleet, adoption: Adoption, number: str) -> None:
    say(f"fleet {fleet.name}, id {number}")
    say(f"  {counted(adoption.labelled, 'object')} with this id")
    if adoption.unlabelled:
        say(f"  {counted(len(adoption.unlabelled), 'object')} without an id, which will get it:")
    _show_some(adoption.unlabelled)


def _lost(workspace: Loaded, fleet: Fleet, facts: Facts) -> dict[str, list[Manifest]] | None:
    """Return what is lost of directories, as it is made anew; None if something is in the way."""
    for cluster, directory in facts.directories.items():
        for name in directory.damaged:
            tell(
                f"ConfigMap {name} of the directory in cluster {cluster} was changed by hand: "
                "restore or delete it first"
            )
    if any(one.damaged for one in facts.directories.values()):
        tell("cellwright adopt: refused; nothing was touched")
        return None
    history = facts.history(fleet)
    if facts.fixed.history is None:
        history = at_worst(history, fleet)
    declared = plan_of(workspace, [FLEET_STACK], history).stacks[FLEET_STACK]
    return lost_parts(declared, facts.directories)


def _show_lost(lost: Mapping[str, Sequence[Manifest]]) -> None:
    for cluster, parts in lost.items():
        say(
            f"  {counted(len(parts), 'ConfigMap')} of the directory in cluster {cluster} will be "
            "made from the definitions:"
        )
        _show_some(parts)
        say("  what they say of ids and of where rows are must be what was applied last")


def _show_some(objects: Sequence[Manifest]) -> None:
    for one in objects[:_MOST_NAMED]:
        where = f"{one.namespace}/" if one.namespace else ""
        say(f"    {one.kind} {where}{one.name} in cluster {one.cluster}")
    if len(objects) > _MOST_NAMED:
        say(f"    and {len(objects) - _MOST_NAMED} more")


def _owners(
    planned: Plan, clusters: Clusters, secrets: FleetSecrets, cells: Mapping[str, State]
) -> dict[str, Ownership]:
    """Return what the settings of each stack are to say."""
    fleet, found = planned.fleet, {}
    assert fleet is not None  # noqa: S101 - the plan has no problem
    for name, manifests in planned.stacks.items():
        where = fleet.used_clusters() if name == FLEET_STACK else (fleet.cells[name].cluster,)
        uids = {cluster: clusters.states[cluster].uid for cluster in where}
        named = frozenset(named_in([one.body for one in manifests]))
        found[name] = Ownership(secrets, uids, cells.get(name), named)
    return found
