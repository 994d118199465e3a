"""How long a new cell takes, from `pulumi up` to its first answer, beside kubectl.

Both apply the same manifests to the same cluster and wait for the same thing: the first 200 for
an organization of the new cell, through the router of another cell. They run in turn; medians
are printed, and the ratio of each pair. Around that: the steps of `make up` without a cluster (only
in a full run, which takes the fleet down first) and with nothing to do.

    eval "$(make env)" && .venv/bin/python benchmarks/up.py [--quick]
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from cellwright.edge.files import read
from cellwright.edge.settings import read_settings
from cellwright.fleet_secrets import read_record
from cellwright.plan import plan
from cellwright.secret import resolve

ROOT = Path(__file__).parents[1]
DEADLINE_S = 180
_NAMESPACES = ("namespace/cell-bench-pulumi", "namespace/cell-bench-kubectl")
CELLS = {"bench-pulumi": 14, "bench-kubectl": 15}
DEFINITIONS = """\
apiVersion: cellwright/v1
kind: Cell
metadata: {name: NAME}
spec: {id: ID, ring: 1, region: eu, cluster: local, size: small}
---
apiVersion: cellwright/v1
kind: Organization
metadata: {name: NAME-first}
spec: {id: 9000000ID, cell: NAME}
"""
UP = ("pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--stack")


def main() -> None:
    """Measure and print; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one pair, and nothing is taken down")
    quick = parser.parse_args().quick
    state = Path(os.environ.get("CELLWRIGHT_STATE", ROOT / ".state"))
    if not quick:
        _run(ROOT, "make", "down")
        _make_up(state, "without a cluster")
    router = json.loads((state / "routers.json").read_text())["alpha"]
    with _workspace() as workspace:
        figures = [_pair(workspace, router) for _ in range(1 if quick else 3)]
    again = _make_up(state, "again")
    pulumi, kubectl = zip(*figures, strict=True)
    for ours, theirs in figures:
        print(f"new cell: pulumi {ours:.1f} s, kubectl {theirs:.1f} s, ratio {ours / theirs:.2f}")
    result = {
        "new_cell_s": round(statistics.median(pulumi), 2),
        "kubectl_s": round(statistics.median(kubectl), 2),
        "ratio": round(statistics.median(a / b for a, b in figures), 2),
        "up_again_s": round(again, 2),
    }
    print(json.dumps(result))


def _make_up(state: Path, how: str) -> float:
    """Run `make up`, print the time of each step, and return the seconds of the whole."""
    started = time.monotonic()
    _run(ROOT, "make", "up")
    seconds = time.monotonic() - started
    for step in json.loads((state / "times.json").read_text())["steps"]:
        print(f"make up {how}, {step['name']}: {step['seconds']:.1f} s ({step['outcome']})")
    print(f"make up {how}: {seconds:.1f} s")
    return seconds


def _pair(workspace: Path, router: str) -> tuple[float, float]:
    """Bring up one cell with each, then take both away, without waiting where that is harmless."""
    _run(workspace, "kubectl", "wait", "--for=delete", *_NAMESPACES, "--timeout=120s")
    _run(workspace, "cellwright", "stacks")
    # The directory knows the new cells' organizations before the cells are there.
    _run(workspace, *UP, "fleet")
    manifests = _manifests(workspace, "bench-kubectl")
    commands = {
        "bench-pulumi": (*UP, "bench-pulumi"),
        "bench-kubectl": ("kubectl", "apply", "--server-side", "--filename", str(manifests)),
    }
    ours, theirs = (
        _until_answered(f"{router}/o/{cell}-first/notes", workspace, *command)
        for cell, command in commands.items()
    )
    _run(workspace, "kubectl", "delete", *_NAMESPACES, "--wait=false")
    for cell in CELLS:
        _run(workspace, "pulumi", "stack", "rm", "--yes", "--force", cell, "--non-interactive")
    return ours, theirs


def _until_answered(url: str, workspace: Path, *command: str) -> float:
    """Start the command; return the seconds until it has ended and the cell has answered."""
    started = time.monotonic()
    process = subprocess.Popen(
        command, cwd=workspace, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    while not _answers(url):
        if process.poll() not in (None, 0) or time.monotonic() - started > DEADLINE_S:
            output, _ = process.communicate(timeout=60)
            sys.exit(f"{' '.join(command[:2])}: no answer from {url}\n{output[-2000:]}")
        time.sleep(0.05)
    answered = time.monotonic() - started
    process.communicate(timeout=DEADLINE_S)
    print(f"  {command[0]}: first answer after {answered:.1f} s")
    return answered


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - http on loopback
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@contextmanager
def _workspace() -> Iterator[Path]:
    """A copy of the workspace with two more cells, which have never been up."""
    with tempfile.TemporaryDirectory(prefix="cellwright-bench-") as folder:
        root = Path(folder)
        for name in ("cells", "organizations", "stacks"):
            shutil.copytree(ROOT / name, root / name)
        for name in ("Pulumi.yaml", "__main__.py"):
            shutil.copy(ROOT / name, root)
        (root / ".venv").symlink_to(ROOT / ".venv")
        for cell, number in CELLS.items():
            text = DEFINITIONS.replace("NAME", cell).replace("ID", str(number))
            (root / "cells" / f"{cell}.yaml").write_text(text)
        yield root
        _run(ROOT, *UP, "fleet")


def _manifests(workspace: Path, cell: str) -> Path:
    """The cell's manifests with their secrets, for kubectl, readable by this user alone."""
    shown = _run(workspace, "pulumi", "config", "--show-secrets", "--json", "--stack", cell)
    record = json.loads(shown)["cellwright:cellSecret"]["value"]
    secrets = read_record(record, read_settings(workspace, cell).fleet_id)
    manifests = plan(read(workspace), only=[cell]).stacks[cell]
    path = workspace / "bench-manifests.yaml"
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump_all([resolve(one.body, secrets.value) for one in manifests]))
    return path


def _run(directory: Path, *command: str) -> str:
    done = subprocess.run(
        command, cwd=directory, capture_output=True, text=True, check=False, timeout=600
    )
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()
