"""The verb `schema`: the JSON Schema of a kind, complete in one document."""

import argparse

from cellwright.cli.results import put_json
from cellwright.edge.shipped import schemas
from cellwright.fields import bundled
from cellwright.layout import KINDS

NEEDS_WORKSPACE = False
EXAMPLES = """examples:
  cellwright schema cell
  cellwright schema organization > organization.json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb takes."""
    kinds = [kind.lower() for kind in KINDS]
    parser.add_argument("kind", choices=kinds, help=", ".join(kinds), metavar="KIND")


def run(arguments: argparse.Namespace) -> int:
    """Print the schema."""
    put_json(bundled(schemas(), arguments.kind))
    return 0
