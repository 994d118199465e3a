"""The verb `render`: the manifests as files, or as one YAML stream."""

import argparse
from pathlib import Path

from cellwright.cli.report import cache_failed, counted, put_bytes, tell
from cellwright.cli.results import problems_as_text
from cellwright.edge.cache import outcome_of, outcome_of_some
from cellwright.edge.files import snapshot
from cellwright.edge.inputs import read_inputs
from cellwright.edge.kept import cache_folder, file_of
from cellwright.edge.output import write
from cellwright.model import UnknownStackError

EXAMPLES = """examples:
  cellwright render                          # everything, as one YAML stream
  cellwright render --cell alpha | less
  cellwright render --out rendered           # rendered/<stack>/<rank>-<kind>-<name>.yaml
  cellwright render --stack fleet --out rendered
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb takes."""
    parser.add_argument(
        "--cell",
        action="append",
        dest="stacks",
        metavar="NAME",
        help="render this cell only; repeatable",
    )
    parser.add_argument(
        "--stack",
        action="append",
        dest="stacks",
        metavar="NAME",
        help="render this stack only: fleet, or the name of a cell; repeatable",
    )
    parser.add_argument(
        "--out",
        default="-",
        metavar="DIR",
        help="a folder, in which files of earlier runs that are stale are removed; "
        "- for one stream (default)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the manifests in order of application; 1 if there is a problem."""
    inputs = read_inputs(str(arguments.root))
    try:
        if arguments.stacks is None:
            made = outcome_of(inputs, file_of(inputs, cache_folder()), cache_failed)
        else:
            made = outcome_of_some(snapshot(inputs), arguments.stacks)
    except UnknownStackError as error:
        tell(f"cellwright render: no cell {str(error)!r} in the definitions")
        return 1
    if made.problems:
        problems_as_text(made.problems)
        return 1
    if arguments.out == "-":
        put_bytes(made.stream)
        return 0
    texts = made.files()
    only = None if arguments.stacks is None else frozenset(arguments.stacks)
    done = write(Path(arguments.out), texts, only)
    for path in done.kept:
        tell(f"{path} is stale but was changed by hand: it stays")
    counts = f"{done.written} written, {done.unchanged} unchanged, {done.removed} removed"
    tell(f"{counted(len(texts), 'manifest')} in {arguments.out}: {counts}")
    return 0
