"""Programs that stand for `kubectl` and `pulumi`: a cluster in a file, and a log of calls.

What the real ones say is shown by the end-to-end tests.
"""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cellwright.edge.files import read
from cellwright.plan import plan

_KUBECTL = f"""#!{sys.executable}
import json, pathlib, sys
here, words = pathlib.Path(__file__).parent, sys.argv[1:]
if "--context" in words:
    here, words = here / words[1], words[2:]
def key(one):
    return one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"]
if not (here / "objects.json").exists():
    sys.exit("the server could not be reached")
objects = json.loads((here / "objects.json").read_text())
given = json.load(sys.stdin)["items"] if "-" in words else []
if "--raw" in words:
    sys.exit(0)
if "apply" in words:
    found = given
elif given:
    wanted = [key(one) for one in given]
    found = [one for one in objects if key(one) in wanted]
else:
    kinds = [word.split(".")[0].rstrip("s") for word in words[1].split(",")]
    found = [one for one in objects if one["kind"].lower() in kinds]
print(json.dumps({{"kind": "List", "items": found}}))
"""
_PULUMI = f"""#!{sys.executable}
import pathlib, sys
with (pathlib.Path(__file__).parent / "pulumi.log").open("a") as log:
    print(*sys.argv[1:], file=log)
sys.exit("pulumi was called")
"""


@dataclass(frozen=True)
class World:
    """The clusters, and what was asked of Pulumi."""

    folder: Path

    def holds(self, root: Path, change: Callable[[dict[str, Any]], None] | None = None) -> None:
        """Let the cluster hold what the definitions of a workspace ask for, each one changed."""
        stacks = plan(read(root)).stacks
        bodies = json.loads(json.dumps([one.body for all_ in stacks.values() for one in all_]))
        for body in bodies:
            if change is not None:
                change(body)
        self.put(bodies)

    def put(self, bodies: list[Any], context: str = "") -> None:
        """Let a cluster hold these objects; the one without a context unless it is named."""
        folder = self.folder / context
        folder.mkdir(exist_ok=True)
        (folder / "objects.json").write_text(json.dumps(bodies), "utf-8")

    def goes_away(self) -> None:
        (self.folder / "objects.json").unlink(missing_ok=True)

    @property
    def pulumi(self) -> list[str]:
        log = self.folder / "pulumi.log"
        return log.read_text("utf-8").splitlines() if log.exists() else []


def world_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Put the stand-ins first on the PATH, with a cluster that holds nothing."""
    folder.mkdir()
    for name, text in (("kubectl", _KUBECTL), ("pulumi", _PULUMI)):
        (folder / name).write_text(text, "utf-8")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    world = World(folder)
    world.put([])
    return world
