"""The verb `status`: whether what runs is what is declared, cell by cell."""

import argparse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from cellwright.cli.report import say, table, tell
from cellwright.cli.results import problems_as_text, put_json
from cellwright.cli.state_details import as_json, as_lines, rotation_lines
from cellwright.edge.files import read
from cellwright.edge.fleet_status import FleetState, fleet_state
from cellwright.edge.network_policies import Enforcement, enforcement
from cellwright.edge.settings import rotations
from cellwright.fleet_state import StackState
from cellwright.model import FLEET_STACK, Fleet
from cellwright.plan import plan
from cellwright.problem import mistakes

_HEADER = ("CELL", "RING", "ORGANIZATIONS", "PORT", "STATE")
_NOTHING = "-"
_FEW = 5  # details of a stack
_WIDTH = 100  # characters of a state; the details have all of them

EXAMPLES = """examples:
  cellwright status
  cellwright status --verbose          # every reason and every field that differs
  cellwright status --format json
  cellwright status --network-policies # tries whether the clusters' networks enforce them

The exit code is 0 if every cell, and the directory, is ready and as declared, and policies are
enforced where that was asked for; else it is 1.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb takes."""
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument(
        "--verbose", action="store_true", help=f"show all details, not only the first {_FEW}"
    )
    parser.add_argument(
        "--network-policies",
        action="store_true",
        help="try whether NetworkPolicies are enforced, from a router of each cluster",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the state of the fleet; 1 unless all of it is ready and as declared."""
    planned = plan(read(arguments.root))
    wrong = mistakes(planned.problems)  # who is not placed yet is in no cell
    if wrong or planned.fleet is None:
        problems_as_text(wrong)
        return 1
    state = fleet_state(planned.fleet, planned.stacks)
    policies = enforcement(planned.fleet) if arguments.network_policies else {}
    rotated = rotations(arguments.root, planned.stacks)
    if arguments.format == "json":
        put_json(_as_json(planned.fleet, state, policies, rotated))
    else:
        _print(planned.fleet, state, verbose=arguments.verbose)
        for cluster, found in policies.items():
            say(f"NetworkPolicies in cluster {cluster} are {found}")
        for line in rotation_lines(rotated):
            tell(line)
    good = all(one.is_good for one in state.stacks)
    good = good and all(one.is_enforced for one in policies.values())
    return 0 if good and not (state.undeclared or state.away) else 1


def _print(fleet: Fleet, state: FleetState, *, verbose: bool) -> None:
    rows = [_row(fleet, one, len(fleet.used_clusters()) > 1) for one in state.stacks]
    details = [_details(list(as_lines(one)), one, verbose=verbose) for one in state.stacks]
    for cell in state.undeclared:
        rows.append((cell.cell, *[_NOTHING] * 3, cell.state))
        details.append([f"namespace {cell.namespace} in cluster {cell.cluster}"])
    table(_HEADER, rows, details)
    for cluster, why in state.away.items():
        tell(f"cellwright status: {why if cluster in why else f'cluster {cluster}: {why}'}")


def _details(lines: Sequence[str], state: StackState, *, verbose: bool) -> Sequence[str]:
    """Return the details of a stack that are printed: none of one that its state says all of."""
    if verbose or len(lines) <= _FEW:
        return lines if verbose or not state.is_good else ()
    return [*lines[:_FEW], f"… and {len(lines) - _FEW} more (--verbose shows all)"]


def _row(fleet: Fleet, state: StackState, several: bool) -> tuple[str, ...]:  # noqa: FBT001
    said = state.state if len(state.state) <= _WIDTH else f"{state.state[: _WIDTH - 1]}…"
    if state.stack == FLEET_STACK:
        name = f"(directory in {state.cluster})" if several else "(directory)"
        return (name, *[_NOTHING] * 3, said)
    organizations = str(len(fleet.held_by(state.stack)))
    port = _NOTHING if state.node_port is None else str(state.node_port)
    ring = str(fleet.cells[state.stack].ring)
    return (state.stack, ring, organizations, port, said)


def _as_json(
    fleet: Fleet,
    state: FleetState,
    policies: Mapping[str, Enforcement],
    rotated: Mapping[str, str],
) -> dict[str, Any]:
    return {
        "cells": list(_cells(fleet, state.stacks)),
        "directory": [as_json(one) for one in state.stacks if one.stack == FLEET_STACK],
        "undeclared": [
            {
                "cell": one.cell,
                "cluster": one.cluster,
                "namespace": one.namespace,
                "state": one.state,
                "running": one.is_running,
                "volume_kept": one.keeps_volume,
            }
            for one in state.undeclared
        ],
        "clusters_away": dict(state.away),
        "network_policies": {
            cluster: {"enforced": found.is_enforced, "why": found.why}
            for cluster, found in policies.items()
        },
        "rotations": dict(rotated),
    }


def _cells(fleet: Fleet, states: Iterable[StackState]) -> Iterator[dict[str, Any]]:
    for one in states:
        if one.stack == FLEET_STACK:
            continue
        held = fleet.held_by(one.stack)
        active = [each.path for each in held if each.state == "active"]
        yield {
            "cell": one.stack,
            "ring": fleet.cells[one.stack].ring,
            "organizations": len(held),
            "node_port": one.node_port,
            "example": active[0] if active else None,
            **as_json(one),
        }
