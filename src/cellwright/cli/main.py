"""Reads the command line and hands it to one verb.

The module of a verb is loaded when that verb is asked for, so that help and completion answer
without loading YAML, JSON Schema, templates or Pulumi; and its parser is made then.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from cellwright import __version__

VERBS = {
    "check": "Check all definitions and everything that is rendered from them",
    "render": "Write the manifests of all stacks, secrets redacted",
    "diff": "Show what would change, and what each change does to what runs",
    "place": "Choose cells for the organizations that name none",
    "route": "Tell which cell serves an organization or a URL, and by which rule",
    "directory": "Tell what routers are told, wait until they serve it, and show how it came about",
    "new": "Write the definition of a new cell or organization, with the next free id",
    "init": "Make a workspace that passes all checks",
    "explain": "Explain a problem's code or a definition's field",
    "schema": "Print the JSON Schema of a kind of definition",
    "types": "Take the types of the Kubernetes API from a cluster",
    "adopt": "Take on a fleet that stands in the clusters already",
    "stacks": "Make the Pulumi stacks that the definitions ask for, with their settings",
    "up": "Apply the stacks of the whole fleet, ring by ring",
    "rotate": "Replace secrets by new ones while everything serves",
    "retire": "Take a cell down for good, step by step",
    "restore-state": "Make a stack's broken state readable again, from its history",
    "status": "Show each cell's ring, organizations, state and port",
    "completion": "Print the completion script of a shell",
}
"""What each verb does; its module has the same name, with `_` for `-`."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code (see --help)."""
    try:
        parsed = parser().parse_args(arguments)
        return int(import_module("cellwright.cli.run").run(parsed))
    except SystemExit as leaving:  # argparse has printed help, or what is wrong
        return int(leaving.code or 0)
    except KeyboardInterrupt:
        sys.stderr.write("cellwright: interrupted\n")
        return 130
    except Exception as error:  # noqa: BLE001 - no traceback ever reaches a user
        return int(import_module("cellwright.cli.crash").crashed(error))


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    made = argparse.ArgumentParser(
        prog="cellwright",
        description="Declare cells and organizations; check, render and apply them.",
        epilog="Each verb has its own help with examples: cellwright VERB --help\n\n"
        "exit codes: 0 clean, 1 problems or a failed operation, 2 usage, 3 unexpected,\n"
        "16 diff found differences, or up --dry-run changes; 130 interrupted",
        formatter_class=_Help,
    )
    made.add_argument("--version", action="version", version=f"cellwright {__version__}")
    made.add_argument(
        "--root",
        metavar="DIR",
        help="the workspace (default: the nearest folder with a Pulumi.yaml)",
    )
    verbs = made.add_subparsers(
        dest="verb", required=True, metavar="VERB", parser_class=VerbParser, prog=made.prog
    )
    for name, summary in VERBS.items():
        verbs.add_parser(name, help=summary[0].lower() + summary[1:])
    return made


class VerbParser(argparse.ArgumentParser):
    """The parser of one verb, which is empty until it is used: a run uses one of them."""

    def __init__(self, prog: str, **_: object) -> None:
        """Take the name; `fill` makes the parser. Newer Pythons hand on settings that it has."""
        self.prog = prog

    def fill(self) -> None:
        """Make the parser, with the verb's arguments and examples."""
        name = self.prog.split()[-1]
        super().__init__(self.prog, description=f"{VERBS[name]}.", formatter_class=_Help)
        path = f"cellwright.cli.{name.replace('-', '_')}"
        self.set_defaults(module=path)
        module = import_module(path)
        self.epilog = module.EXAMPLES
        module.add_arguments(self)

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse the arguments of the verb."""
        self.fill()
        return super().parse_known_args(args, namespace)


class _Help(argparse.RawDescriptionHelpFormatter):
    """Help with the lines of descriptions as they are, as wide as the terminal.

    Left to itself argparse asks shutil for the width, which takes half as long to load as
    argparse.
    """

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_columns() - 2)


def _columns() -> int:
    set_by_hand = os.environ.get("COLUMNS", "")
    if set_by_hand.isdecimal() and int(set_by_hand):
        return int(set_by_hand)
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns
    except (AttributeError, OSError, ValueError):  # no output, or none to a terminal
        return 80
