"""Reads a workspace as a commit has it, and which commits changed it.

The commit's files are written to a folder of their own through a repository of their own, so that
neither the working tree nor what is staged is touched. Refuses everything but reading, and all
programs that the repository's settings name (`git_command`).
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from cellwright.edge.failure import CommandError
from cellwright.edge.git_command import Objects, git


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit; `date` is when it was committed, in ISO 8601."""

    id: str
    author: str
    date: str
    subject: str


def trouble(root: Path) -> str:
    """Return why there is no history of the workspace, or nothing if there is one."""
    try:
        inside = _git(root, "rev-parse", "--is-inside-work-tree")
    except CommandError as error:
        return str(error)
    if inside != "true":
        return "the workspace is in no git repository; `git init` and a commit begin its history"
    if _git(root, "rev-parse", "--verify", "--quiet", "HEAD") is None:
        return "the git repository has no commit yet; the first one begins the history"
    return ""


def is_shallow(root: Path) -> bool:
    """Tell whether the repository lacks the history before some commit."""
    return _must(root, "rev-parse", "--is-shallow-repository") == "true"


def touching(root: Path, paths: Iterable[str], pattern: str = "") -> dict[str, list[str]]:
    """Return the files that each commit changed below some paths, the newest commit first.

    With a pattern, those in which it added or removed a line with it. Only what came to the current
    branch counts, when it came there: a merge as a whole, not what was merged.
    """
    lines = ["-G", pattern, "--extended-regexp"] if pattern else []
    said = _must(
        root,
        *("-c", "core.quotePath=false", "log", "--no-textconv", "--no-ext-diff"),
        *("--first-parent", "--diff-merges=first-parent", "--format=:%H", "--name-only"),
        *("--relative", *lines, "--", *paths),
    )
    found: dict[str, list[str]] = {}
    files: list[str] = []
    for line in said.split("\n"):
        if line.startswith(":"):
            files = found[line[1:]] = []
        elif line:
            files.append(line)
    return found


def described(root: Path, commit: str) -> Commit:
    """Return who made a commit, when and why."""
    said = _must(root, "show", "--no-patch", "--format=%an%x00%cI%x00%s", commit)
    return Commit(commit, *said.split("\0", 2))


def order(root: Path) -> dict[str, int]:
    """Return the place of each commit on the current branch, the newest first."""
    listed = _must(root, "rev-list", "--first-parent", "HEAD").splitlines()
    return {commit: number for number, commit in enumerate(listed)}


def blobs(root: Path, commit: str, paths: Iterable[str]) -> dict[str, str]:
    """Return the id of the content that each path has at a commit, if it is a file there."""
    said = _must(root, "ls-tree", "-z", commit, "--", *paths)
    found = {}
    for line in said.split("\0"):
        mode, _, path = line.partition("\t")
        if " blob " in mode:
            found[path] = mode.split()[2]
    return found


def content(root: Path, blob: str) -> str:
    """Return the text of a file by the id of its content."""
    return git(root, "cat-file", "blob", blob).output


@contextmanager
def checked_out(root: Path, ref: str) -> Iterator[Path]:
    """Yield a folder that holds the workspace `root` as it is at `ref`, for as long as needed.

    Raises CommandError for what is no commit, and for a commit without the workspace.
    """
    found = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    if found is None:
        raise CommandError(f"{ref!r} is no commit of git here")
    below = _must(root, "rev-parse", "--show-prefix").rstrip("/")
    tree = _git(root, "rev-parse", "--verify", "--quiet", f"{found}:{below}")
    if tree is None:
        raise CommandError(f"the commit {ref} has no folder {below}")
    with TemporaryDirectory(prefix="cellwright-git-") as name:
        files = Path(name) / "files"
        files.mkdir()
        try:
            Objects(root, Path(name)).write(tree, files)
        except CommandError as error:
            raise CommandError(f"the files of {ref} can't be read from git: {error}") from None
        yield files


def _must(folder: Path, *arguments: str) -> str:
    return git(folder, *arguments).output.rstrip("\n")


def _git(folder: Path, *arguments: str) -> str | None:
    """Return what git prints, or None where it says no."""
    done = git(folder, *arguments, check=False)
    return done.output.rstrip("\n") if done.code == 0 else None
