"""How long a new cell takes, from `pulumi up` to its first answer, beside kubectl.

Both apply the same manifests to the same cluster and wait for the same thing: the first 200 for
an organization of the new cell, through the router of another cell. They run in turn; medians
are printed, and the ratio of each pair. Then: how long `make up` takes when there is nothing to
do, and the steps of its last runs.

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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from cellwright.secret import decode_root, resolve

ROOT = Path(__file__).parents[1]
DEADLINE_S = 180
CELL = """\
apiVersion: cellwright/v1
kind: Cell
metadata: {name: bench}
spec:
  id: 15
  ring: RING
  region: eu
  cluster: local
  size: small
  postgres: {onDelete: delete-volume}
"""
ORGANIZATION = """\
apiVersion: cellwright/v1
kind: Organization
metadata: {name: bench-first}
spec: {id: 900000015, cell: bench}
"""
UP = ("pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--stack")


def main() -> None:
    """Measure and print; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one pair instead of three")
    pairs = 1 if parser.parse_args().quick else 3
    state = Path(os.environ.get("CELLWRIGHT_STATE", ROOT / ".state"))
    routers = json.loads((state / "routers.json").read_text())
    url = f"{routers['alpha']}/o/bench-first/notes"
    with _workspace() as workspace:
        figures = [_pair(workspace, url) for _ in range(pairs)]
    again = _seconds(lambda: _run(ROOT, "make", "up"))
    for name, step in json.loads((state / "times.json").read_text()).items():
        print(f"make up, {name}: {step}")
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


def _pair(workspace: Path, url: str) -> tuple[float, float]:
    _declare(workspace, in_service=True)
    # The directory knows the new cell's organization before the cell is there.
    _run(workspace, *UP, "fleet")
    manifests = _manifests(workspace)
    ours = _until_answered(url, workspace, *UP, "bench")
    _remove(workspace)
    _declare(workspace, in_service=True)
    apply = ("kubectl", "apply", "--server-side", "--filename", str(manifests))
    theirs = _until_answered(url, workspace, *apply)
    _run(workspace, "kubectl", "delete", "--filename", str(manifests), "--ignore-not-found")
    return ours, theirs


def _declare(workspace: Path, *, in_service: bool) -> None:
    ring = "1" if in_service else "-1"
    (workspace / "cells" / "bench.yaml").write_text(CELL.replace("RING", ring))
    organization = workspace / "organizations" / "bench.yaml"
    if in_service:
        organization.write_text(ORGANIZATION)
    else:
        organization.unlink(missing_ok=True)


def _remove(workspace: Path) -> None:
    """Destroy the cell as its owners would: out of service first, then away."""
    _declare(workspace, in_service=False)
    _run(workspace, *UP, "bench")
    _run(workspace, "pulumi", "destroy", "--yes", "--stack", "bench", "--non-interactive")


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
    """A copy of the workspace with one more cell, and its stack, which has never been up."""
    with tempfile.TemporaryDirectory(prefix="cellwright-bench-") as folder:
        root = Path(folder)
        for name in ("cells", "organizations", "stacks"):
            shutil.copytree(ROOT / name, root / name)
        for name in ("Pulumi.yaml", "__main__.py"):
            shutil.copy(ROOT / name, root)
        (root / ".venv").symlink_to(ROOT / ".venv")
        _declare(root, in_service=True)
        _run(root, "cellwright", "stacks")
        yield root
        _run(ROOT, *UP, "fleet")
        _run(root, "pulumi", "stack", "rm", "--yes", "bench", "--non-interactive")


def _manifests(workspace: Path) -> Path:
    """The new cell's manifests with their secrets, for kubectl, readable by this user alone."""
    shown = _run(workspace, "pulumi", "config", "--show-secrets", "--json", "--stack", "bench")
    root = decode_root(json.loads(shown)["cellwright:rootSecret"]["value"])
    rendered = yaml.safe_load_all(_run(workspace, "cellwright", "render", "--stack", "bench"))
    path = workspace / "bench-manifests.yaml"
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump_all([resolve(body, root) for body in rendered]))
    return path


def _seconds(work: Callable[[], object]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started


def _run(directory: Path, *command: str) -> str:
    done = subprocess.run(
        command, cwd=directory, capture_output=True, text=True, check=False, timeout=600
    )
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()
