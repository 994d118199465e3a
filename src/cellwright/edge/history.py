"""Who was where, since when and by which change, as git tells it of the definitions.

Only commits are read that touch lines with the organization's name, or the YAML files that such
commits touch (there its cell stands on a line of its own). Refuses to read the whole history.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

from cellwright.document import is_json
from cellwright.edge import git
from cellwright.edge.definitions import ENDINGS, FOLDERS
from cellwright.entry import Home, UnreadableError, home_in, naming
from cellwright.snapshot import LEDGER


@dataclass(frozen=True, slots=True)
class Change:
    """A commit that gave an organization another home; None is one that is not declared."""

    commit: git.Commit
    before: Home | None
    after: Home | None


def changes(root: Path, organization: str) -> Iterator[Change]:
    """Yield the changes of an organization's home, the newest first, as they are found."""
    named = git.touching(root, FOLDERS, naming(organization))
    files = sorted({file for some in named.values() for file in some if _is_read(file)})
    spread = [file for file in files if file != LEDGER and not is_json(file)]
    commits = list(named)
    if spread:
        places = git.order(root)
        commits = sorted({*named, *git.touching(root, spread)}, key=lambda one: places[one])
    content = lru_cache(maxsize=len(files) + 1)(lambda blob: git.content(root, blob))
    later: tuple[str, Home | None] | None = None
    for commit in commits:
        blobs = git.blobs(root, commit, files)
        try:
            home = home_in({file: content(blob) for file, blob in blobs.items()}, organization)
        except UnreadableError:
            continue  # nothing was applied from it
        if later is not None and later[1] != home:
            yield Change(git.described(root, later[0]), home, later[1])
        later = commit, home
    if later is not None and later[1] is not None:
        yield Change(git.described(root, later[0]), None, later[1])


def _is_read(file: str) -> bool:
    return file == LEDGER or PurePosixPath(file).suffix in ENDINGS
