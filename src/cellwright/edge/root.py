"""Finds the workspace that a command is about."""

import os

from cellwright.edge.failure import NoWorkspaceError

MARK = "Pulumi.yaml"


def workspace(named: str | None) -> str:
    """Return the folder `named`, or else the nearest one upwards that holds a Pulumi.yaml.

    Raises NoWorkspaceError if there is none.
    """
    if named is not None:
        if not os.path.isdir(named):
            raise NoWorkspaceError(f"--root {named}: no such folder")
        return named
    start = folder = os.getcwd()
    while not os.path.isfile(os.path.join(folder, MARK)):
        if folder == os.path.dirname(folder):
            raise NoWorkspaceError(f"no {MARK} in {start} or above it; name the folder with --root")
        folder = os.path.dirname(folder)
    return folder
