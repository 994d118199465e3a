"""The fleet's Pulumi stacks in their backend, through the `pulumi` command.

Refuses to know what is in a stack, which is the program's and the plan's, to set one up
(`edge.stack_settings` does) and to run one (`edge.engine` does).
"""

import json
from pathlib import Path

from cellwright.edge.backend import explained, named_backend
from cellwright.edge.failure import CommandError
from cellwright.edge.process import run
from cellwright.edge.state_listing import Stack, read_stacks

_TIMEOUT = 120.0  # seconds, for commands that only read or write the state


def listed(root: Path) -> dict[str, Stack]:
    """Return the project's stacks in the backend, by name. Raises CommandError."""
    backend = named_backend(root)
    known = None if backend is None else read_stacks(backend)
    if known is not None:
        return known
    found = json.loads(asked_of_pulumi(root, "stack", "ls", "--json"))
    return {
        str(one["name"]): Stack(
            str(one["name"]), str(one.get("lastUpdate") or ""), int(one.get("resourceCount") or 0)
        )
        for one in found
    }


def remove(root: Path, name: str) -> None:
    """Remove an empty stack and its settings. Raises CommandError if it holds resources."""
    asked_of_pulumi(root, "stack", "rm", "--yes", name)


def cancel(root: Path, name: str) -> None:
    """Remove the locks of a stack. Raises CommandError."""
    asked_of_pulumi(root, "cancel", "--yes", "--stack", name)


def asked_of_pulumi(root: Path, *arguments: str, given: str | None = None) -> str:
    """Return what a command of Pulumi prints, `given` its standard input. Raises CommandError."""
    command = ["pulumi", *arguments, "--non-interactive"]
    try:
        return run(command, directory=root, given=given, timeout=_TIMEOUT).output
    except CommandError as error:
        raise explained(root, str(error)) or error from None
