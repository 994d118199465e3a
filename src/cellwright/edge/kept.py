"""Where outcomes are kept from one run to the next, and under which name.

The name is a digest of everything that an outcome is made from, this program included. Refuses
to load what a plan needs: `edge.cache` makes outcomes.
"""

import hashlib
import os
import sys
from collections.abc import Iterator

from cellwright.counts import LONGEST_LINE, Counts, counts_in
from cellwright.edge.inputs import Inputs

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_LIBRARIES = ("jinja2-", "jsonschema-", "jsonschema_rs-", "msgspec-", "pyyaml-")


def cache_folder() -> str:
    """Return where outcomes are kept: CELLWRIGHT_CACHE, or the user's cache folder."""
    own = os.environ.get("CELLWRIGHT_CACHE")
    if own:
        return f"{own}/outcomes"
    shared = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return f"{shared}/cellwright/outcomes"


def digest_of(inputs: Inputs) -> str:
    """Return the SHA-256 of the inputs and of this program, in hexadecimal."""
    return hashlib.sha256(f"{_program()} {inputs.digest()}".encode()).hexdigest()


def file_of(inputs: Inputs, folder: str) -> str:
    """Return the file in which the outcome of these inputs is kept, if it is."""
    return f"{folder}/{digest_of(inputs)}"


def kept_counts(file: str) -> Counts | None:
    """Return the counts of the fleet whose outcome is kept in a file.

    None if it is not kept, can't be read, or has mistakes: whoever makes the outcome tells.
    """
    try:
        with open(file, "rb") as kept:
            counts = counts_in(kept.readline(LONGEST_LINE))
        os.utime(file)
    except OSError:
        return None
    return counts


def _program() -> str:
    """Return a digest of this program, all that is shipped with it, and what it runs on."""
    found = hashlib.sha256(repr((sys.version, sorted(set(_installed())))).encode())
    for path in _shipped(_PACKAGE):
        with open(path, "rb", buffering=0) as file:
            data = file.read()
        found.update(f"{path[len(_PACKAGE) :]!r} {len(data)} ".encode())
        found.update(data)
    return found.hexdigest()


def _shipped(folder: str) -> Iterator[str]:
    for here, folders, names in os.walk(folder, followlinks=True):
        folders[:] = sorted(one for one in folders if one != "__pycache__")
        yield from (f"{here}/{name}" for name in sorted(names))


def _installed() -> Iterator[str]:
    """Yield the name and version of each library; importlib.metadata takes longer than the rest."""
    for folder in sys.path:
        try:
            names = os.listdir(folder or ".")
        except OSError:  # nothing can be imported from there
            continue
        for name in names:
            if name.endswith(".dist-info") and name.lower().startswith(_LIBRARIES):
                yield name
