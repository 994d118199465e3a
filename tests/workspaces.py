"""Workspaces: the demo's, and those made from the base of the cases and what differs from it.

A case is a folder with the files that take the place of the base's, and with
- `without.txt`: the files of the base that are not there, one a line;
- `before/`: what differs from the base in the state before, for changes;
- `applied.txt`: if the problems are those of applying, not of checking;
- `problems.txt`: what is expected.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
CASES = Path(__file__).parent / "cases"
BASE = CASES / "base"
PROBLEMS = "problems.txt"
WITHOUT = "without.txt"
BEFORE = "before"
APPLIED = "applied.txt"


def demo_in(folder: Path) -> Path:
    """Copy the demo's workspace into a folder, and return it."""
    for name in ("cells", "organizations"):
        shutil.copytree(ROOT / name, folder / name, dirs_exist_ok=True)
    shutil.copy(ROOT / "Pulumi.yaml", folder)
    return folder


def build(folder: Path, *overlays: Path) -> Path:
    """Make the base's workspace in `folder`, with the overlays over it, and return it."""
    shutil.copytree(BASE, folder, symlinks=True)
    for overlay in overlays:
        for path in sorted(overlay.rglob("*"), key=lambda one: len(one.parts)):
            name = path.relative_to(overlay)
            if name.parts[0] in (PROBLEMS, WITHOUT, BEFORE, APPLIED):
                continue
            target = folder / name
            if path.is_dir() and not path.is_symlink():
                target.mkdir(exist_ok=True)
            else:
                if target.is_dir():
                    shutil.rmtree(target)
                target.unlink(missing_ok=True)
                shutil.copyfile(path, target, follow_symlinks=False)
        if (overlay / WITHOUT).exists():
            for name in (overlay / WITHOUT).read_text("utf-8").split():
                (folder / name).unlink()
    return folder


def written(problems: Sequence[dict[str, Any]]) -> str:
    """Return problems, as `check --format json` prints them, in the form of `problems.txt`."""
    lines = []
    for one in problems:
        path = f"{one['path']}: " if one["path"] else ""
        place = f"{one['file']}:{one['line']}:{one['column']}"
        lines.append(f"{place} {one['code']} {path}{one['message']}")
        if one["hint"]:
            lines.append(f"    {one['hint']}")
    return "".join(f"{line}\n" for line in lines)
