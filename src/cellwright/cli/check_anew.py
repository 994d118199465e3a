"""The verb `check` where something has changed, or more is asked for than whether it is right."""

import argparse
from importlib import import_module
from pathlib import Path

from cellwright.cli.report import cache_failed, no_problems, put
from cellwright.cli.results import problems_as_json, problems_as_text, put_json
from cellwright.edge.cache import outcome_of
from cellwright.edge.files import read_declared, snapshot
from cellwright.edge.inputs import Inputs
from cellwright.loading import load
from cellwright.problem import mistakes

_DOCUMENTS = {"sarif": "cellwright.cli.sarif", "junit": "cellwright.cli.junit"}
"""Forms that are rarely asked for, and loaded when they are; so is what asks git or kubectl."""


def run(arguments: argparse.Namespace, read: tuple[Inputs, str] | None) -> int:
    """Print every problem; 1 if there is one.

    Takes what was read and the file where its outcome is kept; without them the definitions
    alone are checked.
    """
    if read is None:
        whole = read_declared(Path(arguments.root))
        definitions = whole.definitions
        fleet, problems = load(whole)
        counts = None if fleet is None else fleet.counts
    else:
        inputs, file = read
        definitions = inputs.definitions()
        made = outcome_of(inputs, file, cache_failed)
        problems, counts = list(mistakes(made.problems)), made.counts
    if arguments.against and not problems:
        against = import_module("cellwright.cli.check_against")
        if read is not None:  # what is kept of an outcome is not the fleet
            fleet, problems = load(snapshot(inputs))
        if fleet is not None:
            root = Path(arguments.root)
            problems = against.forbidden(root, arguments.against, fleet, definitions)
    if arguments.format == "json":
        put_json(problems_as_json(problems))
    elif arguments.format in _DOCUMENTS:
        form = import_module(_DOCUMENTS[arguments.format])
        put(form.document(definitions, problems))
    elif problems:
        problems_as_text(problems)
    elif counts is not None:
        no_problems(*counts)
    return 1 if problems else 0
