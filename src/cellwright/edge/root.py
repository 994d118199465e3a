"""Finds the workspace that a command is about."""

from pathlib import Path

from cellwright.edge.failure import NoWorkspaceError

MARK = "Pulumi.yaml"


def workspace(named: Path | None) -> Path:
    """Return the folder `named`, or else the nearest one upwards that holds a Pulumi.yaml.

    Raises NoWorkspaceError if there is none.
    """
    if named is not None:
        if not named.is_dir():
            raise NoWorkspaceError(f"--root {named}: no such folder")
        return named
    start = Path.cwd()
    for folder in (start, *start.parents):
        if (folder / MARK).is_file():
            return folder
    raise NoWorkspaceError(f"no {MARK} in {start} or above it; name the folder with --root")
