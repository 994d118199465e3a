"""Reads the command line, runs one verb, and turns whatever happens into an exit code."""

import argparse
import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from cellwright import __version__
from cellwright.cli import check, render, stacks, status, types, up
from cellwright.cli.report import tell
from cellwright.edge.files import NoWorkspaceError, find_root
from cellwright.edge.process import CommandError

_VERBS: dict[str, ModuleType] = {
    "check": check,
    "render": render,
    "stacks": stacks,
    "up": up,
    "status": status,
    "types": types,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code (see --help)."""
    parsed = _parser().parse_args(arguments)
    verb = _VERBS[parsed.verb]
    try:
        parsed.root = find_root(Path.cwd()) if parsed.root is None else parsed.root
        return int(verb.run(parsed))
    except BrokenPipeError:  # whoever read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (CommandError, NoWorkspaceError, OSError) as error:
        tell(f"cellwright {parsed.verb}: {error}")
        return 1
    except KeyboardInterrupt:
        tell(f"cellwright {parsed.verb}: interrupted")
        return 130
    except Exception as error:  # noqa: BLE001 - no traceback ever reaches a user
        with tempfile.NamedTemporaryFile(
            "w", prefix="cellwright-", suffix=".log", delete=False, encoding="utf-8"
        ) as log:
            traceback.print_exc(file=log)
        tell(f"cellwright {parsed.verb}: unexpected: {error!r}; the details are in {log.name}")
        return 3


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cellwright",
        description="Declare cells and organizations; check, render and apply them.",
        epilog="exit codes: 0 clean, 1 problems or a failed operation, 2 usage, 3 unexpected, "
        "130 interrupted",
    )
    parser.add_argument("--version", action="version", version=f"cellwright {__version__}")
    parser.add_argument(
        "--root", type=Path, help="the workspace (default: the nearest folder with a Pulumi.yaml)"
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, module in _VERBS.items():
        summary = str(module.__doc__).splitlines()[0]
        one = verbs.add_parser(
            name,
            help=summary[0].lower() + summary[1:].rstrip("."),
            description=summary,
            epilog=module.EXAMPLES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(one)
    return parser
