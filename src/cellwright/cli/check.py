"""Check all definitions and everything that is rendered from them."""

import argparse

from cellwright.cli.report import problems_as_json, problems_as_text, tell
from cellwright.edge.files import read
from cellwright.plan import plan

EXAMPLES = """examples:
  cellwright check
  cellwright check --format json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb takes."""
    parser.add_argument("--format", choices=("text", "json"), default="text")


def run(arguments: argparse.Namespace) -> int:
    """Print every problem; 1 if there is one."""
    made = plan(read(arguments.root), needs_homes=False)
    if arguments.format == "json":
        problems_as_json(made.problems)
    elif made.problems:
        problems_as_text(made.problems)
    elif made.fleet:
        cells, organizations = len(made.fleet.cells), len(made.fleet.organizations)
        tell(f"no problems in {cells} cells and {organizations} organizations")
    return 1 if made.problems else 0
