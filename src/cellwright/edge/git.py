"""Reads a workspace as a commit has it.

The commit's files are written to a folder of their own through an index of their own, so that
neither the working tree nor what is staged is touched. Refuses everything but reading.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from cellwright.edge.failure import CommandError
from cellwright.edge.process import run

_TIMEOUT = 300.0  # seconds


@contextmanager
def checked_out(root: Path, ref: str) -> Iterator[Path]:
    """Yield a folder that holds the workspace `root` as it is at `ref`, for as long as needed.

    Raises CommandError for what is no commit, and for a commit without the workspace.
    """
    found = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    if found is None:
        raise CommandError(f"{ref!r} is no commit of git here")
    top = Path(_must(root, "rev-parse", "--show-toplevel"))
    below = _must(root, "rev-parse", "--show-prefix").rstrip("/")
    with TemporaryDirectory(prefix="cellwright-git-") as name:
        folder = Path(name)
        index = {"GIT_INDEX_FILE": str(folder / "index")}
        if _git(top, "read-tree", f"{found}:{below}", environment=index) is None:
            raise CommandError(f"the commit {ref} has no folder {below}")
        files = folder / "files"
        files.mkdir()
        written = f"--prefix={files}/"
        if _git(top, "checkout-index", "--all", written, environment=index) is None:
            raise CommandError(f"the files of {ref} can't be written to {files}")
        yield files


def _must(folder: Path, *arguments: str) -> str:
    return run(["git", *arguments], directory=folder, timeout=_TIMEOUT).output.rstrip("\n")


def _git(folder: Path, *arguments: str, environment: dict[str, str] | None = None) -> str | None:
    """Return what git prints, or None where it says no."""
    done = run(
        ["git", *arguments],
        directory=folder,
        environment=environment,
        timeout=_TIMEOUT,
        check=False,
    )
    return done.output.rstrip("\n") if done.code == 0 else None
