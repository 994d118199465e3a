"""What `cellwright up` costs for 1,000 cells: with nothing to do, and for one organization.

Real are the Kubernetes API server with its etcd (started here, empty), kubectl, Pulumi with its
backend in files and the plugin, the lease, the fleet's stack and whatever `up` does. Made here are
the cells: their objects, of the kinds that `up` asks for, are applied to the API server with
stamps that match, their stacks' states are written as Pulumi writes them, and no pod runs.

Two floors are measured in the same run: `cellwright check`, which plans all cells, and
`pulumi stack ls` of their stacks. Each figure is the median of whole processes; the seconds of all
processors that they and their children used stand beside it, since other work on a machine changes
them less.

    eval "$(make env)" && .venv/bin/python benchmarks/up_fleet.py [--quick] [--programs FOLDER]

The folder has `kube-apiserver` and `etcd`, as envtest's `setup-envtest use -p path` prints it;
without the option it is $KUBEBUILDER_ASSETS.
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from api_server import ApiServer, api_server
from up_fleet_world import CELL, CLUSTER, PROJECT, cell_objects, declared_organizations, stack_state

from cellwright.edge import stacks
from cellwright.edge.files import read
from cellwright.edge.stack_settings import Ownership, ensure, new_secrets
from cellwright.manifest import Manifest
from cellwright.model import FLEET_STACK, Fleet
from cellwright.plan import plan

ROOT = Path(__file__).parents[1]
_PROGRAM = """\
#!/bin/sh
began=$(date +%s.%N)
{program} "$@"
code=$?
echo "{name} $began $(date +%s.%N) $*" >> {log}
exit $code
"""


@dataclass(frozen=True)
class Cost:
    """Wall and processor seconds of a process, and of what it started: wall seconds by command."""

    seconds: float
    processor: float
    started: tuple[tuple[str, float], ...]

    def of(self, program: str) -> tuple[int, float]:
        """Return how often a program was started, and its seconds in all."""
        times = [seconds for command, seconds in self.started if command.startswith(program)]
        return len(times), sum(times)


def main() -> None:
    """Measure and print; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of every size, one run each")
    parser.add_argument("--programs", type=Path, default=os.environ.get("KUBEBUILDER_ASSETS"))
    arguments = parser.parse_args()
    if arguments.programs is None:
        parser.error("give --programs, or set KUBEBUILDER_ASSETS")
    cells, organizations, runs = (100, 500, 1) if arguments.quick else (1000, 5000, 3)
    with tempfile.TemporaryDirectory(prefix="cellwright-bench-") as folder:
        scratch = Path(folder)
        with api_server(arguments.programs, scratch / "server") as server:
            bench = _Bench(scratch, server)
            bench.prepare(cells, organizations)
            print(json.dumps(_figures(bench, cells, runs)))


def _figures(bench: "_Bench", cells: int, runs: int) -> dict[str, Any]:
    rendering = [bench.check().seconds for _ in range(runs)]
    listing = [bench.run("pulumi", "stack", "ls", "--json").seconds for _ in range(runs)]
    print(f"floors: check {statistics.median(rendering):.2f} s", end=", ")
    print(f"pulumi stack ls {statistics.median(listing):.2f} s")
    noop, changed = [], []
    for number in range(runs):
        noop.append(_shown(f"nothing to do, {cells:,} cells", bench.up()))
        bench.change_organization(number)
        changed.append(_shown("one organization", bench.up()))
    return {
        f"noop{cells}_s": round(statistics.median(cost.seconds for cost in noop), 2),
        "one_organization_s": round(statistics.median(cost.seconds for cost in changed), 2),
        "pulumi_processes": max(cost.of("pulumi")[0] for cost in (*noop, *changed)),
        f"noop{cells}_processor_s": round(statistics.median(cost.processor for cost in noop), 2),
        "one_organization_processor_s": round(
            statistics.median(cost.processor for cost in changed), 2
        ),
        "check_s": round(statistics.median(rendering), 2),
        "stack_ls_s": round(statistics.median(listing), 2),
    }


def _shown(what: str, cost: Cost) -> Cost:
    print(f"{what}: {cost.seconds:.2f} s, of processors {cost.processor:.2f} s")
    for command, seconds in cost.started:
        print(f"    {seconds:5.2f} s  {command}")
    return cost


@dataclass(frozen=True)
class _Bench:
    """A workspace with everything around it in one folder."""

    scratch: Path
    server: ApiServer

    @property
    def root(self) -> Path:
        return self.scratch / "workspace"

    @property
    def log(self) -> Path:
        return self.scratch / "processes"

    def changed_environment(self) -> dict[str, str]:
        """Return the variables that keep this run apart from everything else."""
        return {
            "KUBECONFIG": str(self.server.kubeconfig),
            "KUBECACHEDIR": str(self.scratch / "kube-cache"),
            "PATH": f"{self.scratch / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PULUMI_BACKEND_URL": f"file://{self.scratch / 'state'}?metadata=skip",
            "PULUMI_CONFIG_PASSPHRASE": "benchmark",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "CELLWRIGHT_CACHE": str(self.scratch / "cache"),
        }

    def prepare(self, cells: int, organizations: int) -> None:
        """Bring everything to where a fleet is after its last `up`."""
        for name in ("PULUMI_K8S_ENABLE_PATCH_FORCE", "PULUMI_CONFIG_PASSPHRASE_FILE"):
            os.environ.pop(name, None)
        self._make_programs()
        os.environ.update(self.changed_environment())
        self._make_workspace(cells, organizations)
        (self.scratch / "state").mkdir()
        system = self.server.request("GET", "/api/v1/namespaces/kube-system")
        secrets = new_secrets()
        secret = secrets.root
        uids = {CLUSTER: system["metadata"]["uid"]}
        ensure(self.root, FLEET_STACK, Ownership(secrets, uids), {}, lambda _: None)
        declared = plan(read(self.root))
        if declared.fleet is None or declared.problems:
            sys.exit(f"the definitions are wrong: {declared.problems[:3]}")
        began = time.monotonic()
        names = list(declared.fleet.cells)
        for name in names:
            self._write_stack(declared.fleet, name, declared.stacks[name], secret)
        print(f"states of {len(names):,} stacks written: {time.monotonic() - began:.0f} s")
        _shown("the directory's first up", self.up("--stack", FLEET_STACK))
        backend = stacks.listed(self.root)
        began = time.monotonic()
        bodies: list[Mapping[str, Any]] = []
        for name in names:
            bodies += cell_objects(
                declared.fleet, declared.stacks[name], secret, backend[name].updated
            )
        directory = declared.fleet.directory_namespace
        self.server.apply(body for body in bodies if body["metadata"].get("namespace") != directory)
        print(f"{len(bodies):,} objects applied: {time.monotonic() - began:.0f} s")
        _shown("an up of what is there", self.up())

    def _make_programs(self) -> None:
        (self.scratch / "bin").mkdir()
        for name in ("kubectl", "pulumi"):
            found = shutil.which(name)
            if found is None:
                sys.exit(f"{name} is not on the PATH")
            script = self.scratch / "bin" / name
            script.write_text(_PROGRAM.format(program=found, name=name, log=self.log))
            script.chmod(0o755)

    def _make_workspace(self, cells: int, organizations: int) -> None:
        for name in ("cells", "organizations", "stacks"):
            (self.root / name).mkdir(parents=True)
        for name in ("Pulumi.yaml", "__main__.py"):
            shutil.copy(ROOT / name, self.root)
        fleet = (ROOT / "cells" / "fleet.yaml").read_text()
        fleet = fleet.replace("type: NodePort", "type: ClusterIP")
        (self.root / "cells" / "fleet.yaml").write_text(fleet)
        for number in range(1, cells + 1):
            (self.root / "cells" / f"c{number}.yaml").write_text(CELL.format(number))
        self._write_organizations(list(declared_organizations(organizations, cells)))

    def _write_organizations(self, organizations: Iterable[Mapping[str, Any]]) -> None:
        file = self.root / "organizations" / "all.jsonl"
        file.write_text("".join(f"{json.dumps(one)}\n" for one in organizations))

    def change_organization(self, number: int) -> None:
        """Give one organization another host."""
        file = self.root / "organizations" / "all.jsonl"
        organizations = [json.loads(line) for line in file.read_text().splitlines()]
        organizations[0]["spec"]["hosts"] = [f"changed-{number}.example.com"]
        self._write_organizations(organizations)

    def _write_stack(
        self, fleet: Fleet, name: str, manifests: tuple[Manifest, ...], secret: bytes
    ) -> None:
        """Write the settings and the state of a cell's stack, as they are after an `up`."""
        settings = (self.root / "stacks" / f"Pulumi.{FLEET_STACK}.yaml").read_text()
        (self.root / "stacks" / f"Pulumi.{name}.yaml").write_text(settings)
        folder = self.scratch / "state" / ".pulumi" / "stacks" / PROJECT
        salt = yaml.safe_load(settings)["encryptionsalt"]
        text = json.dumps(stack_state(fleet, name, manifests, secret, salt), separators=(",", ":"))
        for ending in ("json", "json.bak"):
            (folder / f"{name}.{ending}").write_text(text)

    def up(self, *options: str) -> Cost:
        """Run `cellwright up`, which has to end well."""
        return self.cellwright("up", "--yes", *options)

    def check(self) -> Cost:
        """Run `cellwright check`, which renders everything, with an empty cache."""
        shutil.rmtree(self.scratch / "cache", ignore_errors=True)
        return self.cellwright("check")

    def cellwright(self, *arguments: str) -> Cost:
        return self.run(sys.executable, "-m", "cellwright", "--root", str(self.root), *arguments)

    def run(self, *command: str) -> Cost:
        self.log.write_text("")
        before, began = _processor(), time.monotonic()
        done = subprocess.run(
            command, cwd=self.root, capture_output=True, text=True, check=False, timeout=600
        )
        seconds = time.monotonic() - began
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)}: {done.returncode}\n{done.stdout[-3000:]}{done.stderr}")
        return Cost(seconds, _processor() - before, tuple(self._started()))

    def _started(self) -> Iterator[tuple[str, float]]:
        for line in self.log.read_text().splitlines():
            name, began, ended, *words = line.split()
            shown = f"{name} {' '.join(words)}"[:100]
            yield shown, float(ended) - float(began)


def _processor() -> float:
    """Return the seconds that ended children used of any processor."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
