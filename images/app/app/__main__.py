"""The command line: `python -m app serve` and `python -m app migrate`.

The two are one program, so that a version of the app and its migrations cannot be mixed up. They
import different halves of it, and run in different pods.
"""

import argparse
import os
import signal
import sys
from types import FrameType

from app.logs import configure


def _leave(signum: int, _frame: FrameType | None) -> None:
    """End a migration: it is not done, and nobody may take it for done."""
    sys.exit(128 + signum)


def _leave_as_asked(_signum: int, _frame: FrameType | None) -> None:
    """End a server that is not serving yet, or has stopped."""
    sys.exit(0)


def main() -> int:
    """Run the command that the arguments name; 0 is success, 1 a failure that was logged."""
    parser = argparse.ArgumentParser(prog="python -m app", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="answer HTTP requests on port 8080, and probes on 8081")
    migrating = commands.add_parser("migrate", help="bring the database's schema up to date")
    migrating.add_argument("--deadline", type=float, default=120.0, metavar="SECONDS")
    arguments = parser.parse_args()
    configure()
    # The first process of a container has no default for SIGTERM.
    if arguments.command == "migrate":
        signal.signal(signal.SIGTERM, _leave)
        from app.migrate import migrate  # noqa: PLC0415 - serving needs no migration library

        return migrate(arguments.deadline, os.environ)
    signal.signal(signal.SIGTERM, _leave_as_asked)
    from app.serve import serve  # noqa: PLC0415 - migrating needs no HTTP server

    return serve(os.environ)


if __name__ == "__main__":
    sys.exit(main())
