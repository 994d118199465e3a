"""What checking costs: beside check-jsonschema, and how it grows.

Each figure is a whole process, `cellwright check --definitions` with an empty cache: wall seconds,
and the peak of its memory; once with all that is rendered, too. The peer is check-jsonschema from
PyPI on the organizations' schema part alone, all of them in one YAML array.

    .venv/bin/python benchmarks/check.py [--quick] [--check-jsonschema PROGRAM]

Without `--check-jsonschema` the peer is installed into a temporary virtual environment.
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
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).parents[1]
PEER = "check-jsonschema==0.39.0"
CELL = """\
apiVersion: cellwright/v1
kind: Cell
metadata: {{name: c{0}}}
spec:
  id: {0}
  ring: 1
  region: eu
  cluster: local
  size: small
  capacity: {{organizations: 10000000}}
"""


class Cost(NamedTuple):
    """Wall seconds of a process, and the peak of its memory in MB."""

    seconds: float
    megabytes: float


def main() -> None:
    """Measure and print; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of every size, one run each")
    parser.add_argument("--check-jsonschema", metavar="PROGRAM", type=Path)
    arguments = parser.parse_args()
    share, runs = (10, 1) if arguments.quick else (1, 3)
    with tempfile.TemporaryDirectory(prefix="cellwright-bench-") as folder:
        scratch = Path(folder)
        peer = arguments.check_jsonschema or _installed(scratch / "peer")
        # First: a process is counted with the memory of the one that starts it.
        lines = {}
        for count in (10_000 // share, 100_000 // share, 1_000_000 // share):
            cost = _median(
                _lines_workspace(scratch / f"lines-{count}", count), runs, "--definitions"
            )
            lines[count] = cost
            each = cost.seconds / count * 1e6
            print(
                f"JSON lines, {count:,}: {cost.seconds:.2f} s ({each:.2f} µs each),"
                f" {cost.megabytes:.0f} MB"
            )
        workspace = _yaml_workspace(scratch / "yaml", 1000 // share, 20_000 // share)
        ours = _median(workspace, runs, "--definitions")
        whole = _median(workspace, runs)
        theirs = _peer(peer, scratch / "array", 20_000 // share)
        print(
            f"YAML: {ours.seconds:.2f} s, with all that is rendered {whole.seconds:.2f} s,"
            f" check-jsonschema {theirs.seconds:.2f} s"
        )
    most = lines[max(lines)]
    small = (f"yaml{20 // share}k_s", f"jsonl{1000 // share}k_s", f"jsonl{1000 // share}k_mb")
    names = small if arguments.quick else ("yaml20k_s", "jsonl1m_s", "jsonl1m_mb")
    result = {
        names[0]: round(ours.seconds, 3),
        "check_jsonschema_s": round(theirs.seconds, 3),
        "ratio": round(theirs.seconds / ours.seconds, 1),
        names[1]: round(most.seconds, 3),
        names[2]: round(most.megabytes),
    }
    print(json.dumps(result))


def _organizations(count: int, cells: int) -> Iterator[dict[str, Any]]:
    for number in range(1, count + 1):
        spec: dict[str, Any] = {"id": number, "cell": f"c{number % cells + 1}"}
        if number % 3 == 0:
            spec["hosts"] = [f"o{number}.example.com"]
        if number % 5 == 0:
            spec["residency"] = ["eu"]
        yield {
            "apiVersion": "cellwright/v1",
            "kind": "Organization",
            "metadata": {"name": f"organization-{number}"},
            "spec": spec,
        }


def _workspace(folder: Path, cells: int) -> Path:
    for name in ("cells", "organizations"):
        (folder / name).mkdir(parents=True)
    (folder / "Pulumi.yaml").write_bytes((ROOT / "Pulumi.yaml").read_bytes())
    fleet = (ROOT / "cells" / "fleet.yaml").read_text()
    (folder / "cells" / "fleet.yaml").write_text(fleet.replace("type: NodePort", "type: ClusterIP"))
    for number in range(1, cells + 1):
        (folder / "cells" / f"c{number}.yaml").write_text(CELL.format(number))
    return folder


def _yaml_workspace(folder: Path, cells: int, count: int) -> Path:
    _workspace(folder, cells)
    documents = (
        yaml.dump(one, Dumper=yaml.CSafeDumper, sort_keys=False)
        for one in _organizations(count, cells)
    )
    (folder / "organizations" / "all.yaml").write_text("---\n".join(documents))
    return folder


def _lines_workspace(folder: Path, count: int) -> Path:
    _workspace(folder, 10)
    with (folder / "organizations" / "all.jsonl").open("w") as file:
        file.writelines(json.dumps(one) + "\n" for one in _organizations(count, 10))
    return folder


def _median(workspace: Path, runs: int, *options: str) -> Cost:
    """Return the median time and the highest memory of checks that start with no cache."""
    costs = []
    for run in range(runs):
        cache = workspace / f"cache-{run}"
        command = (sys.executable, "-m", "cellwright", "--root", str(workspace), "check", *options)
        costs.append(_cost(command, {"CELLWRIGHT_CACHE": str(cache)}))
        shutil.rmtree(cache, ignore_errors=True)
    seconds = statistics.median(cost.seconds for cost in costs)
    return Cost(seconds, max(cost.megabytes for cost in costs))


def _peer(program: Path, folder: Path, count: int) -> Cost:
    """Return what check-jsonschema takes for the organizations in one YAML array."""
    shutil.copytree(ROOT / "schemas", folder)
    schema = folder / "array.json"
    array = {"type": "array", "items": {"$ref": "organization.json"}}
    schema.write_text(json.dumps({"$id": schema.as_uri(), **array}))
    data = folder / "all.yaml"
    listed = list(_organizations(count, 1000))
    data.write_text(yaml.dump(listed, Dumper=yaml.CSafeDumper, sort_keys=False))
    return _cost((str(program), "--schemafile", str(schema), str(data)), {})


def _cost(command: tuple[str, ...], environment: dict[str, str]) -> Cost:
    started = time.monotonic()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            command, env={**os.environ, **environment}, stdout=output, stderr=output
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - started
        if process.returncode != 0:
            output.seek(0)
            sys.exit(f"{' '.join(command)}: exit code {process.returncode}\n{output.read()[:2000]}")
    return Cost(seconds, usage.ru_maxrss / 1024)


def _installed(folder: Path) -> Path:
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    pip = [str(folder / "bin" / "pip"), "--disable-pip-version-check", "install", "--quiet", PEER]
    subprocess.run(pip, check=True)
    return folder / "bin" / "check-jsonschema"


if __name__ == "__main__":
    main()
