"""The verb `init`: a workspace to begin with, from the files that come with the package."""

import argparse
import re
from pathlib import Path

from cellwright.cli.report import counted, say
from cellwright.edge.shipped import starter

NEEDS_WORKSPACE = False
EXAMPLES = """examples:
  cellwright init fleet
  cd fleet && cellwright check
"""
_NOT_IN_NAMES = re.compile(r"[^a-z0-9_.-]+")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb takes."""
    parser.add_argument("directory", metavar="DIR", help="a new folder, or one without these files")


def run(arguments: argparse.Namespace) -> int:
    """Write the files. Raises FileExistsError, before any is written, for one that is there."""
    folder = Path(arguments.directory)
    texts = starter()
    for name in texts:
        if (folder / name).exists() or (folder / name).is_symlink():
            raise FileExistsError(f"{folder / name}: there is such a file already")
    called = _NOT_IN_NAMES.sub("-", folder.absolute().name.lower()).strip("-.") or "cellwright"
    project = texts["Pulumi.yaml"].replace(b"name: cellwright\n", f"name: {called}\n".encode(), 1)
    for name, data in {**texts, "Pulumi.yaml": project}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    (folder / "stacks").mkdir(exist_ok=True)
    say(f"{counted(len(texts), 'file')} in {folder}; next: cd {folder} && cellwright check")
    return 0
