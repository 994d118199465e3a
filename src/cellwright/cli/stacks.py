"""Make the Pulumi stacks that the definitions ask for, with their settings.

After it `pulumi up --stack NAME` works by hand.
"""

import argparse

from cellwright.cli.report import say
from cellwright.cli.results import problems_as_text
from cellwright.edge.files import read
from cellwright.edge.stacks import ensure
from cellwright.model import FLEET_STACK
from cellwright.plan import plan

EXAMPLES = """examples:
  cellwright stacks
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb takes: nothing."""
    del parser


def run(arguments: argparse.Namespace) -> int:
    """Make what is missing; 1 if there is a problem in the definitions."""
    made = plan(read(arguments.root))
    if made.problems or made.fleet is None:
        problems_as_text(made.problems)
        return 1
    ensure(arguments.root, [FLEET_STACK, *made.fleet.cells], lambda name: say(f"made {name}"))
    return 0
