"""What rendering costs: beside a bare Jinja2 loop, from the cache, and beside other programs.

All figures are CPU seconds, medians of runs that take turns. `render` is from a fleet's values to
the YAML stream that `cellwright render` prints, every check of the output included; the loop
renders the same templates in the same contexts with an ordinary Jinja2 environment and reads
nothing back. Both compile their templates in each run.

    .venv/bin/python benchmarks/render.py [--quick] [--helm PROGRAM] [--kapitan PROGRAM]
        [--cdk8s PYTHON]

The other programs (render_peers.py) are left out where they are not there. `--kapitan` is the
program and `--cdk8s` the interpreter of an environment with these packages from PyPI; helm builds
with `go install helm.sh/helm/v3/cmd/helm@v3.19.5`.
"""

import argparse
import hashlib
import json
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import jinja2
import render_peers

from cellwright.api_types import ApiTypes
from cellwright.edge.cache import outcome_of
from cellwright.edge.files import read
from cellwright.edge.inputs import read_inputs
from cellwright.edge.kept import file_of
from cellwright.loading import load, many_values
from cellwright.model import FLEET_STACK, Fleet
from cellwright.outcome import outcome
from cellwright.plan import rendered
from cellwright.render import Renderer
from cellwright.rendered import files
from cellwright.snapshot import Snapshot
from cellwright.template import Templates

ROOT = Path(__file__).parents[1]
CELL = """\
apiVersion: cellwright/v1
kind: Cell
metadata: {{name: {name}}}
spec:
  id: {id}
  ring: {ring}
  region: eu
  cluster: local
  size: {size}
  idRange: {{first: {first}, last: {last}}}
"""


@dataclass(frozen=True, slots=True)
class Figures:
    """CPU seconds of each run."""

    render: list[float]
    floor: list[float]
    first: list[float]
    cached: list[float]


def main() -> None:
    """Measure and print; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="100 cells instead of 1,000")
    parser.add_argument("--helm", default=shutil.which("helm"))
    parser.add_argument("--kapitan", default=shutil.which("kapitan"))
    parser.add_argument("--cdk8s", metavar="PYTHON")
    arguments = parser.parse_args()
    size = 100 if arguments.quick else 1000
    with tempfile.TemporaryDirectory(prefix="cellwright-bench-") as name:
        workspace = Path(name) / "workspace"
        _write_workspace(workspace, size)
        snapshot = read(workspace)
        fleet, problems = load(snapshot)
        if fleet is None:
            raise SystemExit(f"the workspace has problems: {problems[:3]}")
        manifests = len(_render(fleet, snapshot))
        figures = _measured(workspace, fleet, snapshot, Path(name) / "cache")
        peers = render_peers.Peers(Path(name), workspace, fleet, snapshot)
        _print_peers(peers, arguments, manifests)
    _print(figures, size, manifests)


def _write_workspace(root: Path, cells: int) -> None:
    (root / "cells").mkdir(parents=True)
    shutil.copy(ROOT / "Pulumi.yaml", root)
    shutil.copy(ROOT / "cells" / "fleet.yaml", root / "cells")
    for number in range(1, cells + 1):
        first = number * 1_000_000_000
        text = CELL.format(
            name=f"c{number:04d}",
            id=number,
            ring=number % 2,
            size="large" if number % 3 == 0 else "small",
            first=first,
            last=first + 999_999_999,
        )
        (root / "cells" / f"c{number:04d}.yaml").write_text(text)


def _render(fleet: Fleet, snapshot: Snapshot) -> Mapping[str, str]:
    """Return the text of every manifest by path, all of them checked."""
    types = dict.fromkeys(fleet.clusters, ApiTypes(snapshot.api_types[""]))
    with many_values():
        stacks, problems = rendered(fleet, Templates(snapshot.templates), types)
        if problems:
            raise SystemExit(f"the manifests have problems: {problems[:3]}")
        texts = files(one for manifests in stacks.values() for one in manifests)
        outcome((), fleet.counts, texts)
    return texts


class _Recorded(Templates):
    """Keeps which template is rendered in which context."""

    def draw(self, name: str, context: Mapping[str, Any]) -> Any:
        self.calls.append((name, context))
        return super().draw(name, context)


def _calls(fleet: Fleet, snapshot: Snapshot) -> list[tuple[str, Mapping[str, Any]]]:
    templates = _Recorded(snapshot.templates)
    templates.calls = []
    types = dict.fromkeys(fleet.clusters, ApiTypes(snapshot.api_types[""]))
    renderer = Renderer(fleet, templates, types)
    for stack in (FLEET_STACK, *fleet.cells):
        renderer.stack(stack)
    return templates.calls


def _bare_loop(snapshot: Snapshot, calls: list[tuple[str, Mapping[str, Any]]]) -> int:
    """Render every template in every context; return the characters written."""
    environment = jinja2.Environment(  # noqa: S701 - this is YAML
        loader=jinja2.DictLoader(dict(snapshot.templates)),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["sha256"] = lambda text: hashlib.sha256(text.encode()).hexdigest()
    written = []
    for name, context in calls:
        whole = dict(context)
        whole["text"] = _text_of(environment, whole)
        whole["secret"] = whole["fleet_secret"] = "(secret {})".format
        written.append(environment.get_template(name).render(whole))
    return len("---\n".join(written).encode())


def _text_of(environment: jinja2.Environment, context: Mapping[str, Any]) -> Callable[[str], str]:
    return lambda name: environment.get_template(name).render(context)


def _measured(workspace: Path, fleet: Fleet, snapshot: Snapshot, cache: Path) -> Figures:
    calls = _calls(fleet, snapshot)
    figures = Figures([], [], [], [])
    for turn in range(5):
        figures.floor.append(_cpu(lambda: _bare_loop(snapshot, calls)))
        figures.render.append(_cpu(lambda: _render(fleet, snapshot)))
        run = partial(_run, workspace, cache / str(turn))
        figures.first.append(_cpu(run))
        figures.cached.append(_cpu(run))
        shutil.rmtree(cache / str(turn))
    return figures


def _run(workspace: Path, cache: Path) -> int:
    """Do what `cellwright render` does, from files to the stream; return its bytes."""
    inputs = read_inputs(str(workspace))
    return len(outcome_of(inputs, file_of(inputs, str(cache)), _fail).stream)


def _fail(error: OSError) -> None:
    raise error


def _cpu(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _print_peers(
    peers: "render_peers.Peers", arguments: argparse.Namespace, manifests: int
) -> None:
    ours = peers.cellwright()
    print(f"{'cellwright render, a whole process':44} {ours:8.2f} s   {manifests} manifests")
    measured: list[tuple[str, float]] = []
    if arguments.helm:
        measured.append(("helm template, one chart over all cells", peers.helm(arguments.helm)))
        measured.append(("helm template, a process per cell", peers.helm_each(arguments.helm)))
    if arguments.kapitan:
        measured.append(("kapitan compile", peers.kapitan(arguments.kapitan)))
    if arguments.cdk8s:
        measured.append(("cdk8s synth", peers.cdk8s(arguments.cdk8s)))
    for name, seconds in measured:
        print(f"{name:44} {seconds:8.2f} s   {seconds / ours:6.1f} times cellwright")


def _print(figures: Figures, size: int, manifests: int) -> None:
    render, floor = statistics.median(figures.render), statistics.median(figures.floor)
    first, cached = statistics.median(figures.first), statistics.median(figures.cached)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{size} cells, {manifests} manifests; peak memory {peak:.0f} MB")
    print(f"render   {render:.3f} s   {render / floor:.2f} times the bare loop, {floor:.3f} s")
    print(
        f"a run    {first:.3f} s   with nothing changed {cached:.3f} s, {cached / first:.3f} of it"
    )
    found = {
        "render1000_s": round(render, 3),
        "jinja_floor_s": round(floor, 3),
        "ratio_floor": round(render / floor, 2),
        "cached_s": round(cached, 3),
        "manifests": manifests,
        "first_s": round(first, 3),
        "cells": size,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    sys.exit(main())
