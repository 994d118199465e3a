"""The verb `check`: all problems of all files in one run, in the form that was asked for."""

import argparse
from importlib import import_module

from cellwright.cli.report import counted, problems_as_text, put, put_json, tell
from cellwright.edge.files import read
from cellwright.plan import plan

EXAMPLES = """examples:
  cellwright check
  cellwright check --format json | jq -r '.[].code' | sort | uniq -c
  cellwright check --format sarif > cellwright.sarif
  cellwright check --format junit > cellwright.xml
"""
_DOCUMENTS = {"sarif": "cellwright.cli.sarif", "junit": "cellwright.cli.junit"}
"""Forms that are rarely asked for, and loaded when they are."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb takes."""
    parser.add_argument(
        "--format",
        choices=("text", "json", "sarif", "junit"),
        default="text",
        help="text for people (default); the others for programs, on standard output",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print every problem; 1 if there is one."""
    snapshot = read(arguments.root)
    made = plan(snapshot)
    if arguments.format == "json":
        put_json(
            [
                {
                    "file": one.place.file,
                    "line": one.place.line,
                    "column": one.place.column,
                    "path": one.path,
                    "code": one.code,
                    "message": one.message,
                    "hint": one.hint,
                }
                for one in made.problems
            ]
        )
    elif arguments.format in _DOCUMENTS:
        form = import_module(_DOCUMENTS[arguments.format])
        put(form.document(snapshot.definitions, made.problems))
    elif made.problems:
        problems_as_text(made.problems)
    elif made.fleet:
        cells = counted(len(made.fleet.cells), "cell")
        organizations = counted(len(made.fleet.organizations), "organization")
        tell(f"no problems in {cells} and {organizations}")
    return 1 if made.problems else 0
