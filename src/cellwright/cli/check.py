"""The verb `check`: all problems of all files in one run, in the form that was asked for."""

import argparse
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cellwright.cli.report import (
    cache_failed,
    counted,
    problems_as_json,
    problems_as_text,
    put,
    put_json,
    tell,
)
from cellwright.edge.failure import CommandError
from cellwright.edge.files import read, read_declared
from cellwright.problem import Problem, mistakes
from cellwright.snapshot import Snapshot

if TYPE_CHECKING:  # loaded where they are needed: most runs do without
    from cellwright.forbidden import Fixed
    from cellwright.model import Fleet

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
_DOCUMENTS = {"sarif": "cellwright.cli.sarif", "junit": "cellwright.cli.junit"}
"""Forms that are rarely asked for, and loaded when they are."""


class _Found(NamedTuple):
    """The problems, and the size of the fleet; there are no cells without one."""

    problems: Sequence[Problem]
    cells: int | None
    organizations: int
    homeless: int


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
    snapshot = (read_declared if arguments.definitions else read)(arguments.root)
    made = (_of_definitions if arguments.definitions else _of_everything)(snapshot)
    problems = made.problems
    if arguments.against and not problems:
        problems = _forbidden(arguments.root, arguments.against, snapshot)
    if arguments.format == "json":
        put_json(problems_as_json(problems))
    elif arguments.format in _DOCUMENTS:
        form = import_module(_DOCUMENTS[arguments.format])
        put(form.document(snapshot.definitions, problems))
    elif problems:
        problems_as_text(problems)
    elif made.cells is not None:
        cells = counted(made.cells, "cell")
        organizations = counted(made.organizations, "organization")
        tell(f"no problems in {cells} and {organizations}")
        if made.homeless:
            tell(f"{made.homeless} not placed yet: run cellwright place --write")
    return 1 if problems else 0


def _forbidden(root: Path, against: str, snapshot: Snapshot) -> list[Problem]:
    """Return the changes that can't be made to what a commit has, or what the clusters hold."""
    from cellwright.forbidden import changes_forbidden  # noqa: PLC0415 - only here
    from cellwright.loading import load  # noqa: PLC0415

    fleet, wrong = load(snapshot)
    if fleet is None:
        return wrong
    before = _live(fleet) if against == LIVE else _committed(root, against)
    return changes_forbidden(before, fleet, snapshot.definitions)


def _live(fleet: "Fleet") -> "Fixed":
    from cellwright.edge.live import read_standing  # noqa: PLC0415 - brings what renders

    return read_standing(fleet)[0]


def _committed(root: Path, ref: str) -> "Fixed":
    from cellwright.edge.git import checked_out  # noqa: PLC0415 - only here
    from cellwright.forbidden import fixed  # noqa: PLC0415
    from cellwright.loading import load  # noqa: PLC0415

    with checked_out(root, ref) as folder:
        before, wrong = load(read_declared(folder))
    if before is None:
        raise CommandError(f"the definitions at {ref} have problems: {wrong[0]}")
    return fixed(before)


# Each of the two loads what the other does without.
def _of_everything(snapshot: Snapshot) -> _Found:
    from cellwright.edge.cache import cache_folder, outcome_of  # noqa: PLC0415

    made = outcome_of(snapshot, cache_folder(), cache_failed)
    problems = mistakes(made.problems)
    homeless = len(made.problems) - len(problems)
    return _Found(problems, made.cells, made.organizations, homeless)


def _of_definitions(snapshot: Snapshot) -> _Found:
    from cellwright.loading import load  # noqa: PLC0415

    fleet, problems = load(snapshot)
    if fleet is None:
        return _Found(problems, None, 0, 0)
    homeless = sum(one.cell is None for one in fleet.organizations.values())
    return _Found(problems, len(fleet.cells), len(fleet.organizations), homeless)
