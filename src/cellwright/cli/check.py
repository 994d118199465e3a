"""The verb `check`: all problems of all files in one run, in the form that was asked for.

What has not changed since a check that found nothing is known by its digest, before anything is
loaded that a check needs (`cli.check_anew`).
"""

import argparse
from importlib import import_module

from cellwright.cli.report import no_problems
from cellwright.edge.inputs import read_inputs
from cellwright.edge.kept import cache_folder, file_of, kept_counts

IS_LIGHT = True
LIVE = "live"
"""What stands for the clusters where a commit could be named."""
EXAMPLES = """examples:
  cellwright check
  cellwright check --definitions           # nothing of what is rendered from them
  cellwright check --against origin/main   # and no change of what never changes
  cellwright check --against live          # the same, of what the clusters hold
  cellwright check --format json | jq -r '.[].code' | sort | uniq -c
  cellwright check --format sarif > cellwright.sarif
  cellwright check --format junit > cellwright.xml
"""


def named(text: str) -> str:
    """Return what `--against` names. Nothing, as from an empty variable, would compare nothing."""
    if not text:
        raise argparse.ArgumentTypeError("it is empty")
    return text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb takes."""
    parser.add_argument(
        "--format",
        choices=("text", "json", "sarif", "junit"),
        default="text",
        help="text for people (default); the others for programs, on standard output",
    )
    parser.add_argument(
        "--definitions", action="store_true", help="check the definitions alone, render nothing"
    )
    parser.add_argument(
        "--against",
        type=named,
        metavar="GITREF|live",
        help="also find changes since this commit, or of what the clusters hold, that can't be "
        "made: ids, the version of Postgres, storage that shrinks",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print every problem; 1 if there is one."""
    read = None
    if not arguments.definitions:
        inputs = read_inputs(arguments.root)
        file = file_of(inputs, cache_folder())
        read = inputs, file
        if arguments.format == "text" and not arguments.against and (counts := kept_counts(file)):
            no_problems(*counts)
            return 0
    return int(import_module("cellwright.cli.check_anew").run(arguments, read))
