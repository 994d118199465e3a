"""The verb `new`: writes a definition that passes all checks, or nothing."""

import argparse
from dataclasses import replace
from typing import Any

from cellwright.cli.report import say, tell
from cellwright.cli.results import problems_as_text
from cellwright.definition import new_cell, new_organization
from cellwright.edge.facts import read_used_ids
from cellwright.edge.failure import CommandError
from cellwright.edge.files import read
from cellwright.history import UsedCell
from cellwright.loading import load
from cellwright.model import Fleet
from cellwright.plan import plan
from cellwright.problem import mistakes

EXAMPLES = """examples:
  cellwright new cell delta                  # like the newest cell, in the last ring
  cellwright new cell delta --region us --size large --ring 1
  cellwright new organization duff           # `cellwright place --write` chooses its cell
  cellwright new organization duff --cell beta --host duff.example.com
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb takes."""
    kinds = parser.add_subparsers(
        dest="kind",
        required=True,
        metavar="cell|organization",
        parser_class=argparse.ArgumentParser,
    )
    cell = kinds.add_parser("cell", help="write cells/NAME.yaml")
    cell.add_argument("name", metavar="NAME")
    for key in ("region", "cluster", "size"):
        cell.add_argument(f"--{key}", help=f"its {key}; that of the newest cell unless given")
    cell.add_argument("--ring", type=int, help="its ring; the fleet's last one unless given")
    cell.add_argument("--capacity", type=int, metavar="N", help="organizations at most")
    one = kinds.add_parser("organization", help="write organizations/NAME.yaml")
    one.add_argument("name", metavar="NAME")
    one.add_argument("--cell", help="the cell that it lives on; placement's choice unless given")
    one.add_argument("--path", help="its /o/PATH/; its name unless given")
    one.add_argument("--host", action="append", help="a host of its own; repeatable")
    one.add_argument(
        "--residency", action="append", metavar="REGION", help="where it may be; repeatable"
    )
    one.add_argument("--tier", help="one of the fleet's tiers")
    one.add_argument("--weight", type=int, metavar="N", help="its load beside an ordinary one's")


def run(arguments: argparse.Namespace) -> int:
    """Write the file and print its name; 1 if it would not pass the checks, or is there."""
    snapshot = read(arguments.root)
    fleet, problems = load(snapshot)
    if fleet is None:
        problems_as_text(problems)
        return 1
    folder = "cells" if arguments.kind == "cell" else "organizations"
    file = f"{folder}/{arguments.name}.yaml"
    if (arguments.root / file).exists():
        raise FileExistsError(f"{file}: there is such a file already")
    text = _definition(arguments, fleet, *_used_ids(fleet))
    wanted = replace(snapshot, definitions={**snapshot.definitions, file: text.encode()})
    if wrong := mistakes(plan(wanted).problems):
        problems_as_text(wrong)
        tell(f"cellwright new: {file} is not written")
        return 1
    path = arguments.root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8", newline="\n") as new:
        new.write(text)
    say(file)
    return 0


def _used_ids(fleet: Fleet) -> tuple[int, list[UsedCell]]:
    """Return what clusters know of ids; nothing, and a line that says so, where one is away."""
    try:
        return read_used_ids(fleet)
    except CommandError as error:
        tell(f"cellwright new: ids that were used before are not known: {error}")
        return 0, []


def _definition(
    arguments: argparse.Namespace, fleet: Fleet, last_id: int, used: list[UsedCell]
) -> str:
    if arguments.kind == "cell":
        wishes = _given(arguments, "ring", "region", "cluster", "size")
        if arguments.capacity is not None:
            wishes["capacity"] = {"organizations": arguments.capacity}
        return new_cell(fleet, arguments.name, wishes, used)
    wishes = _given(arguments, "cell", "path", "residency", "tier", "weight")
    if arguments.host:
        wishes["hosts"] = arguments.host
    return new_organization(fleet, arguments.name, wishes, last_id)


def _given(arguments: argparse.Namespace, *keys: str) -> dict[str, Any]:
    return {key: value for key in keys if (value := getattr(arguments, key)) is not None}
