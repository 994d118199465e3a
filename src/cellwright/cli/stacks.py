"""Make the Pulumi stacks that the definitions ask for, with their settings.

After it `pulumi up --stack NAME` works by hand.
"""

import argparse
from dataclasses import replace

from cellwright.cli.report import say, tell
from cellwright.cli.results import problems_as_text
from cellwright.edge.files import read
from cellwright.edge.process import Interrupts
from cellwright.edge.stack_settings import new_secrets
from cellwright.edge.up.beginning import held_clusters, make_stacks
from cellwright.edge.up.leases import Leases
from cellwright.edge.up.reading import read_situation
from cellwright.edge.up.refusing import refused
from cellwright.plan import loaded, planned

EXAMPLES = """examples:
  cellwright stacks
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb takes: nothing."""
    del parser


def run(arguments: argparse.Namespace) -> int:
    """Make what is missing; 1 if there is a problem in the definitions, or with the clusters."""
    workspace = loaded(read(arguments.root))
    first = planned(workspace)
    fleet = workspace.fleet
    if first.problems or fleet is None:
        problems_as_text(first.problems)
        return 1
    with Leases(fleet, 0, Interrupts(), tell) as leases:
        clusters = held_clusters(arguments.root, fleet, leases)
        situation = read_situation(arguments.root, workspace, first, fleet, clusters)
        if problems := refused(situation, first.stacks):
            problems_as_text(problems)
            tell("cellwright stacks: refused; nothing was made")
            return 1
        situation = replace(situation, secrets=situation.secrets or new_secrets())
        wanted = [name for name in first.stacks if name not in situation.cell_errors]
        make_stacks(situation, wanted, lambda name: say(f"made {name}"))
    for name, why in situation.cell_errors.items():
        tell(f"{name}: not made: {why}")
    return int(bool(situation.cell_errors))
