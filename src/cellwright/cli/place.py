"""The verb `place`: chooses cells for the organizations that name none, and says why."""

import argparse
from collections.abc import Sequence
from typing import Any

from cellwright.cli.report import BOLD, DIM, RED, counted, say, tell
from cellwright.cli.results import problems_as_text, put_json
from cellwright.edge.files import read
from cellwright.edge.ledger import append
from cellwright.layout import LEDGER
from cellwright.loading import load
from cellwright.place import Choice, place

EXAMPLES = f"""examples:
  cellwright place                           # show the choices and their reasons
  cellwright place --write                   # and append them to {LEDGER}
  cellwright place --format json

Nobody is ever moved: an organization that has a cell keeps it.
"""
_MOST_NAMES = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb takes."""
    parser.add_argument("--write", action="store_true", help=f"append the choices to {LEDGER}")
    parser.add_argument("--format", choices=("text", "json"), default="text")


def run(arguments: argparse.Namespace) -> int:
    """Print a choice for each organization without a cell; 1 if no cell can take one of them."""
    fleet, problems = load(read(arguments.root))
    if fleet is None:
        problems_as_text(problems)
        return 1
    choices = place(fleet)
    if arguments.format == "json":
        put_json([_as_json(one) for one in choices])
    else:
        for one in choices:
            _say_choice(one)
    chosen = {one.organization: one.chosen.cell for one in choices if one.chosen}
    if arguments.write and chosen:
        append(arguments.root, chosen)
    homeless = len(choices) - len(chosen)
    if not choices:
        tell("every organization has a cell")
    else:
        done = f"written to {LEDGER}" if arguments.write and chosen else "not written"
        tell(f"{counted(len(chosen), 'organization')} placed ({done}), {homeless} can't be")
    return 1 if homeless else 0


def _say_choice(one: Choice) -> None:
    if one.chosen is None:
        say((one.organization, BOLD), " -> ", ("no cell can take it", RED))
    else:
        reason = "the only cell that can take it"
        if one.next:
            more = f"{one.next.cell} has {one.next}"
            reason = f"the least loaded of {len(one.fuller) + 1} with {one.chosen}; {more}"
        say((one.organization, BOLD), f" -> {one.chosen.cell}: {reason}")
    for refusal in one.refusals:
        say((f"    not {_listed(refusal.cells)}: {refusal.reason}", DIM))
    if one.fuller:
        say((f"    not {_listed(one.fuller)}: more loaded", DIM))


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more


def _as_json(one: Choice) -> dict[str, Any]:
    refused = [{"reason": refusal.reason, "cells": refusal.cells} for refusal in one.refusals]
    if one.fuller:
        refused.append({"reason": "more loaded", "cells": one.fuller})
    return {
        "organization": one.organization,
        "cell": one.chosen.cell if one.chosen else None,
        "weight": one.chosen.weight if one.chosen else None,
        "capacity": one.chosen.capacity if one.chosen else None,
        "rejected": refused,
    }
