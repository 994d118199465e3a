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
import hashlib
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
from api_server import FIELD_MANAGER, ApiServer, api_server

from cellwright.edge import stacks
from cellwright.edge.clusters import Applied
from cellwright.edge.files import read
from cellwright.identity import APPLIED_ANNOTATION, fleet_id, identified
from cellwright.manifest import Manifest
from cellwright.model import FLEET_STACK, Fleet
from cellwright.plan import plan
from cellwright.registration import Registration, digest, registrations

ROOT = Path(__file__).parents[1]
PROJECT = "cellwright"
CLUSTER = "local"
CHANGED = "organization-1"
ASKED_KINDS = {"ConfigMap", "Namespace", "PersistentVolumeClaim", "Role", "StatefulSet"}
"""The kinds of cells' objects that `up` reads while no cell changes."""
CELL = """\
apiVersion: cellwright/v1
kind: Cell
metadata: {{name: c{0}}}
spec: {{id: {0}, ring: 1, region: eu, cluster: local, size: small}}
"""
_PROGRAM = """\
#!/bin/sh
began=$(date +%s.%N)
{program} "$@"
code=$?
echo "{name} $began $(date +%s.%N) $*" >> {log}
exit $code
"""
_VERSION = "v3.259.0"
_SECRET_MARK = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}
_TRACE = {"sourcePosition": "project:///.venv/lib/python/site-packages/cellwright/edge/program.py"}


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
        secret = stacks.new_root()
        uids = {CLUSTER: system["metadata"]["uid"]}
        stacks.ensure(self.root, FLEET_STACK, secret, uids, {}, lambda _: None)
        declared = plan(read(self.root))
        if declared.fleet is None or declared.problems:
            sys.exit(f"the definitions are wrong: {declared.problems[:3]}")
        began = time.monotonic()
        names = list(declared.fleet.cells)
        for name in names:
            self._write_stack(declared.fleet, name, declared.stacks[name], secret)
        print(f"states of {len(names):,} stacks written: {time.monotonic() - began:.0f} s")
        backend = stacks.listed(self.root)
        began = time.monotonic()
        bodies: list[Mapping[str, Any]] = []
        for name in names:
            bodies += _objects(declared.fleet, declared.stacks[name], secret, backend[name].updated)
        directory = declared.fleet.directory_namespace
        self.server.apply(body for body in bodies if body["metadata"].get("namespace") != directory)
        print(f"{len(bodies):,} objects applied: {time.monotonic() - began:.0f} s")
        _shown("the directory's first up", self.up())

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
        self._write_organizations(list(_organizations(organizations, cells)))

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
        text = json.dumps(_state(fleet, name, manifests, secret, salt), separators=(",", ":"))
        for ending in ("json", "json.bak"):
            (folder / f"{name}.{ending}").write_text(text)

    def up(self) -> Cost:
        """Run `cellwright up`, which has to end well."""
        return self.cellwright("up", "--yes")

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


def _organizations(count: int, cells: int) -> Iterator[dict[str, Any]]:
    for number in range(1, count + 1):
        spec: dict[str, Any] = {"id": number, "cell": f"c{number % cells + 1}"}
        if number % 3 == 0:
            spec["hosts"] = [f"o{number}.example.com"]
        yield {
            "apiVersion": "cellwright/v1",
            "kind": "Organization",
            "metadata": {"name": f"organization-{number}"},
            "spec": spec,
        }


def _objects(
    fleet: Fleet, manifests: tuple[Manifest, ...], secret: bytes, updated: str
) -> Iterator[Mapping[str, Any]]:
    """Yield a cell's objects that are asked for, its namespace with the stamp that matches."""
    applied = Applied(digest(secret, registrations(fleet, manifests)), updated)
    for one in manifests:
        if one.kind not in ASKED_KINDS:
            continue
        body = identified(one.body, fleet.name, fleet_id(secret))
        if one.kind == "Namespace":
            annotations = {**body["metadata"].get("annotations", {})}
            annotations[APPLIED_ANNOTATION] = applied.text()
            body = {**body, "metadata": {**body["metadata"], "annotations": annotations}}
        yield body
        for claim in body.get("spec", {}).get("volumeClaimTemplates") or ():
            yield _claim(claim, body)


def _claim(template: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the claim that the StatefulSet controller makes of a template for the first pod."""
    metadata = template["metadata"]
    name = f"{metadata['name']}-{body['metadata']['name']}-0"
    where = {"name": name, "namespace": body["metadata"]["namespace"]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {**metadata, **where},
        "spec": template["spec"],
    }


def _state(
    fleet: Fleet, name: str, manifests: tuple[Manifest, ...], secret: bytes, salt: str
) -> dict[str, Any]:
    """Return a stack's state in the form of Pulumi's checkpoints, version 3."""
    when = "2026-01-01T00:00:00.123456789Z"
    base = f"urn:pulumi:{name}::{PROJECT}::"
    stack = f"{base}pulumi:pulumi:Stack::{PROJECT}-{name}"
    cell = f"{base}cellwright:index:Cell::{name}"
    times = {"created": when, "modified": when, "stackTrace": [_TRACE] * 8, **_TRACE}
    provider = f"{base}pulumi:providers:kubernetes::{CLUSTER}"
    resources: list[dict[str, Any]] = [
        {"urn": stack, "custom": False, "type": "pulumi:pulumi:Stack", **times},
        {"urn": cell, "custom": False, "type": "cellwright:index:Cell", "parent": stack, **times},
        {
            "urn": provider,
            "custom": True,
            "id": "ebc6c4cc-d384-4ee8-8e31-28e78c93cfbe",
            "type": "pulumi:providers:kubernetes",
            "inputs": {"version": "4.34.2"},
            "outputs": {"version": "4.34.2"},
            "parent": stack,
            **times,
        },
    ]
    for one in registrations(fleet, manifests):
        resources += [
            {
                "urn": f"{base}cellwright:index:Cell${one.token}::{one.name}",
                "custom": True,
                "id": one.name,
                "type": one.token,
                **_values(one, fleet, secret),
                "parent": cell,
                "protect": one.protect,
                "provider": f"{provider}::ebc6c4cc-d384-4ee8-8e31-28e78c93cfbe",
                "propertyDependencies": {key: [] for key in one.manifest.body},
                "customTimeouts": {"create": 180, "update": 180, "delete": 180},
                **times,
            }
        ]
    latest = {
        "manifest": {
            "time": when,
            "magic": hashlib.sha256(_VERSION.encode()).hexdigest(),
            "version": _VERSION,
        },
        "secrets_providers": {"type": "passphrase", "state": {"salt": salt}},
        "resources": resources,
        "metadata": {},
    }
    return {
        "version": 3,
        "checkpoint": {"stack": f"organization/{PROJECT}/{name}", "latest": latest},
    }


def _values(one: Registration, fleet: Fleet, secret: bytes) -> dict[str, Any]:
    inputs = identified(one.manifest.body, fleet.name, fleet_id(secret))
    hidden = {**_SECRET_MARK, "ciphertext": f"v1:{'x' * 120}"}
    inputs = {key: hidden if key in one.secret_inputs else inputs[key] for key in inputs}
    inputs = json.loads(json.dumps(inputs, default=_without_secrets))
    outputs = {**inputs, "__fieldManager": FIELD_MANAGER, "__initialApiVersion": "v1"}
    return {"inputs": inputs, "outputs": outputs}


def _without_secrets(text: Any) -> str:
    return repr(text)


if __name__ == "__main__":
    main()
