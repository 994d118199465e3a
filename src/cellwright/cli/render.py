"""Write the manifests of all stacks, secrets by reference, as one YAML stream."""

import argparse

from cellwright.cli.report import problems_as_text, say, tell
from cellwright.edge.files import read
from cellwright.plan import plan

EXAMPLES = """examples:
  cellwright render
  cellwright render --stack alpha --stack fleet
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb takes."""
    parser.add_argument("--stack", action="append", help="fleet or the name of a cell; repeatable")


def run(arguments: argparse.Namespace) -> int:
    """Print the manifests in order of application; 1 if there is a problem."""
    try:
        made = plan(read(arguments.root), only=arguments.stack)
    except KeyError as error:
        tell(f"cellwright render: no stack {error} in the definitions")
        return 1
    if made.problems:
        problems_as_text(made.problems)
        return 1
    for manifests in made.stacks.values():
        for manifest in manifests:
            say("---")
            say(manifest.text.rstrip("\n"))
    return 0
