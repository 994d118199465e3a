"""Questions at a terminal, and the durations that several verbs take."""

import argparse
import re
import sys

from cellwright.declared import seconds
from cellwright.edge.failure import CommandError


def answered(question: str, instead: str) -> str:
    """Return the answer to a question, without spaces around it.

    `instead` is the option that says the same. Raises CommandError where there is no terminal.
    """
    if not sys.stdin.isatty():
        raise CommandError(f"there is no terminal to ask on: give {instead}")
    sys.stdout.write(question)
    sys.stdout.flush()
    line = ""
    try:
        line = sys.stdin.readline()
    finally:
        if not line.endswith("\n"):  # Ctrl-D or Ctrl-C: what is said next has a line of its own
            sys.stdout.write("\n")
            sys.stdout.flush()
    return line.strip()


def confirmed(question: str) -> bool:
    """Return whether a question is answered with yes, written out. Raises as `answered`."""
    return answered(f"{question} Only 'yes' is accepted: ", "--yes") == "yes"


def duration(text: str) -> int:
    """Return the seconds of a duration on the command line, such as 90s, 10m or 1h."""
    if not re.fullmatch(r"[0-9]{1,6}[smh]", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a duration, as 90s, 10m or 1h is")
    return seconds(text)


def positive(text: str) -> int:
    """Return a whole number on the command line, from 1 to 999."""
    if not re.fullmatch("[1-9][0-9]{0,2}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to 999")
    return int(text)


def add_parallel(parser: argparse.ArgumentParser) -> None:
    """Add the option that says how many stacks of a ring are applied at the same time."""
    parser.add_argument(
        "--parallel", type=positive, default=4, metavar="N", help="stacks of one ring at once (4)"
    )


def add_wait(parser: argparse.ArgumentParser) -> None:
    """Add the option that says how long another run is waited for, in seconds."""
    parser.add_argument(
        "--wait",
        nargs="?",
        type=duration,
        const=3600,
        default=0,
        metavar="DURATION",
        help="wait for another run to end, as long as this (1h)",
    )
