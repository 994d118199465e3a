"""The files that come with the package: schemas, and the files of a new workspace."""

import json
import os
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parents[1]
"""The package's own folder."""
_PROGRAM = "program.txt"
"""The Pulumi program under a name that no Python tool takes for a part of the package."""
_NAMES = {_PROGRAM: "__main__.py", "gitignore": ".gitignore"}


def schemas() -> dict[str, Any]:
    """Return the schema files' contents by file name."""
    found = sorted((PACKAGE / "schemas").glob("*.json"))
    return {path.name: json.loads(path.read_text("utf-8")) for path in found}


def starter() -> dict[str, bytes]:
    """Return the files of a new workspace by their path in it."""
    found = {}
    for top, below in ((PACKAGE / "starter", ""), (PACKAGE / "schemas", "schemas/")):
        for folder, _, names in os.walk(top, followlinks=True):
            for path in sorted(Path(folder) / name for name in names):
                name = path.relative_to(top).as_posix()
                found[below + _NAMES.get(name, name)] = path.read_bytes()
    return found
