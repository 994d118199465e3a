"""How git is called: so that nothing is run which a repository names.

A repository that was unpacked or mounted brings its own settings, and many of git's settings are
programs: hooks, a monitor of files, filters of content, a verifier of signatures, the transport of
a partial clone. Definitions are read from it all the same, and none of these is started. Refuses
variables of the environment that lead git to another repository than the workspace's.
"""

import os
from pathlib import Path

from cellwright.edge.process import Result, run

_TIMEOUT = 300.0  # seconds
_OPTIONS = (
    *("--no-pager", "--literal-pathspecs"),
    *("-c", "core.fsmonitor=false"),
    *("-c", f"core.hooksPath={os.devnull}"),
    *("-c", "log.showSignature=false"),
    # A folder that looks like a repository without a working tree, as a commit can hold one.
    *("-c", "safe.bareRepository=explicit"),
)
_KEPT = (
    *("GIT_CEILING_DIRECTORIES", "GIT_DISCOVERY_ACROSS_FILESYSTEM", "GIT_EXEC_PATH"),
    *("GIT_CONFIG_COUNT", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_SYSTEM"),
)
"""What of git's environment counts: where it looks, and settings of whoever runs it."""
_NO_FETCHES = {"GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": ""}
_NO_SETTINGS = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_CONFIG_COUNT": None,
}


def git(folder: Path, *arguments: str, check: bool = True) -> Result:
    """Run git in a folder of a repository. Raises CommandError where it fails, with `check`."""
    return _run(folder, arguments, {}, check=check)


class Objects:
    """The objects of a repository, read through a repository of our own, which has no settings."""

    def __init__(self, repository: Path, scratch: Path) -> None:
        """Make that repository in the folder `scratch`. Raises CommandError."""
        where = ("rev-parse", "--path-format=absolute", "--git-path", "objects")
        form = git(repository, "rev-parse", "--show-object-format").output.strip()
        self._folder = scratch
        self._places: dict[str, str | None] = {
            **_NO_SETTINGS,
            "GIT_DIR": str(scratch / "repository"),
            "GIT_INDEX_FILE": str(scratch / "index"),
            "GIT_OBJECT_DIRECTORY": git(repository, *where).output.rstrip("\n"),
        }
        begin = ("init", "--quiet", "--bare", "--template=", f"--object-format={form}")
        _run(scratch, begin, {**_NO_SETTINGS, "GIT_DIR": self._places["GIT_DIR"]}, check=True)

    def write(self, tree: str, files: Path) -> None:
        """Write the files of a tree to a folder, as they were committed. Raises CommandError."""
        places = {**self._places, "GIT_WORK_TREE": str(files)}
        _run(self._folder, ("read-tree", tree), places, check=True)
        _run(self._folder, ("checkout-index", "--all", f"--prefix={files}/"), places, check=True)


def _run(
    folder: Path, arguments: tuple[str, ...], settings: dict[str, str | None], *, check: bool
) -> Result:
    own = {name: None for name in os.environ if name.startswith("GIT_") and not _is_kept(name)}
    return run(
        ["git", *_OPTIONS, *arguments],
        directory=folder,
        environment={**own, **_NO_FETCHES, **settings},
        timeout=_TIMEOUT,
        check=check,
    )


def _is_kept(name: str) -> bool:
    return name in _KEPT or name.startswith(("GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_"))
