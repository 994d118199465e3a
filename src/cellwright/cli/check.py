"""The verb `check`: all problems of all files in one run, in the form that was asked for."""

import argparse
from importlib import import_module

from cellwright.cli.report import cache_failed, counted, problems_as_text, put, put_json, tell
from cellwright.edge.cache import cache_folder, outcome_of
from cellwright.edge.files import read
from cellwright.outcome import Outcome, outcome
from cellwright.problem import mistakes
from cellwright.snapshot import Snapshot

EXAMPLES = """examples:
  cellwright check
  cellwright check --definitions           # nothing of what is rendered from them
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
    parser.add_argument(
        "--definitions", action="store_true", help="check the definitions alone, render nothing"
    )


def run(arguments: argparse.Namespace) -> int:
    """Print every problem; 1 if there is one."""
    snapshot = read(arguments.root)
    if arguments.definitions:
        made = _of_definitions(snapshot)
    else:
        made = outcome_of(snapshot, cache_folder(), cache_failed)
    problems = mistakes(made.problems)
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
                for one in problems
            ]
        )
    elif arguments.format in _DOCUMENTS:
        form = import_module(_DOCUMENTS[arguments.format])
        put(form.document(snapshot.definitions, problems))
    elif problems:
        problems_as_text(problems)
    elif made.cells is not None:
        cells = counted(made.cells, "cell")
        organizations = counted(made.organizations, "organization")
        tell(f"no problems in {cells} and {organizations}")
        if made.problems:
            tell(f"{len(made.problems)} not placed yet: run cellwright place --write")
    return 1 if problems else 0


def _of_definitions(snapshot: Snapshot) -> Outcome:
    from cellwright.loading import load  # noqa: PLC0415 - an outcome in the cache does without

    fleet, problems = load(snapshot)
    cells = None if fleet is None else len(fleet.cells)
    organizations = 0 if fleet is None else len(fleet.organizations)
    return outcome(tuple(sorted(set(problems))), cells, organizations, {})
