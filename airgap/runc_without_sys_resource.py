"""Stands between dockerd and runc on hosts that lack CAP_SYS_RESOURCE.

There a privileged container (which kind needs) cannot start: runc is asked for a capability that
it cannot give. This takes that one capability out of the request, then becomes runc. `local.engine`
copies it into the cache with the interpreter's own path in its first line.
"""

import itertools
import json
import os
import shutil
import sys
from pathlib import Path

CAPABILITY = "CAP_SYS_RESOURCE"


def without(value: object) -> object:
    """Return a copy of a JSON value in which no list names the capability."""
    if isinstance(value, dict):
        return {key: without(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [without(entry) for entry in value if entry != CAPABILITY]
    return value


def requests(arguments: list[str]) -> list[Path]:
    """Return the files in which runc's arguments name capabilities."""
    files = []
    for option, value in itertools.pairwise(arguments):
        if option in {"--bundle", "-b"}:
            files.append(Path(value) / "config.json")
        elif option in {"--process", "-p"}:
            files.append(Path(value))
    return [file for file in files if file.is_file()]


def main(arguments: list[str]) -> None:
    """Rewrite the request in place (its owner and mode stay) and run runc."""
    for file in requests(arguments):
        file.write_text(json.dumps(without(json.loads(file.read_text()))))
    runc = shutil.which("runc") or "/usr/sbin/runc"
    os.execv(runc, [runc, *arguments])  # noqa: S606 - becoming runc is what it is for


if __name__ == "__main__":
    main(sys.argv[1:])
