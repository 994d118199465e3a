"""Show each cell's ring, organizations, state and port."""

import argparse

from cellwright.cli.report import problems_as_text, put_json, table
from cellwright.edge.cluster import cell_states
from cellwright.edge.files import read
from cellwright.loading import load

EXAMPLES = """examples:
  cellwright status
  cellwright status --format json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb takes."""
    parser.add_argument("--format", choices=("text", "json"), default="text")


def run(arguments: argparse.Namespace) -> int:
    """Print the state of the fleet; 1 if a cell is not ready."""
    fleet, problems = load(read(arguments.root))
    if fleet is None:
        problems_as_text(problems)
        return 1
    listed = []
    for state in cell_states(fleet):
        held = fleet.held_by(state.cell)
        active = [one.path for one in held if one.state == "active"]
        listed.append(
            {
                "cell": state.cell,
                "ring": fleet.cells[state.cell].ring,
                "state": state.state,
                "organizations": len(held),
                "node_port": state.node_port,
                "example": active[0] if active else None,
            }
        )
    if arguments.format == "json":
        put_json(listed)
    else:
        header = ("CELL", "RING", "ORGANIZATIONS", "PORT", "STATE")
        keys = ("cell", "ring", "organizations", "node_port", "state")
        table(header, ([str(one[key]) for key in keys] for one in listed))
    return 0 if all(one["state"] == "ready" for one in listed) else 1
