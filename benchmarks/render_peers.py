"""What other programs take to render the same manifests, in CPU seconds of their processes.

Their templates are the manifests of one cell with its name, id and ids put in by an expression:
fewer expressions than ours have, which favours them.
"""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import yaml

from cellwright.api_types import ApiTypes
from cellwright.model import Fleet, IdRange
from cellwright.render import Renderer
from cellwright.snapshot import Snapshot
from cellwright.template import Templates

NAME, FIRST, LAST = "marker-cell", 123_456_001, 123_456_999
_EACH = 20  # processes that are measured where there is one for each cell
_CDK8S = """\
import json, sys
from cdk8s import ApiObject, App, Chart, JsonPatch
given = json.load(open(sys.argv[1]))
app = App(outdir=sys.argv[2])
for cell in given["cells"]:
    text = json.dumps(given["manifests"])
    for old, new in cell.items():
        text = text.replace(old, new)
    chart = Chart(app, cell["marker-cell"])
    for number, body in enumerate(json.loads(text)):
        made = ApiObject(chart, str(number), api_version=body.pop("apiVersion"),
                         kind=body.pop("kind"), metadata=body.pop("metadata"))
        if body:
            made.add_json_patch(*[JsonPatch.add("/" + key, one) for key, one in body.items()])
app.synth()
"""


class Peers:
    """The same fleet for each of the programs, in folders of their own."""

    def __init__(self, folder: Path, workspace: Path, fleet: Fleet, snapshot: Snapshot) -> None:
        self._folder, self._workspace = folder, workspace
        self._cells = [
            {NAME: one.name, str(FIRST): str(one.id_range.first), str(LAST): str(one.id_range.last)}
            for one in fleet.cells.values()
            if one.id_range
        ]
        one = replace(next(iter(fleet.cells.values())), name=NAME, id_range=IdRange(FIRST, LAST))
        types = dict.fromkeys(fleet.clusters, ApiTypes(snapshot.api_types[""]))
        marked = replace(fleet, cells={NAME: one}, organizations={})
        found = Renderer(marked, Templates(snapshot.templates), types).stack(NAME)
        self._texts = [manifest.text for manifest in found.manifests]
        self._files = [manifest.template.replace("/", "-") for manifest in found.manifests]

    def cellwright(self) -> float:
        """Measure a whole run without a cache."""
        cache = {"CELLWRIGHT_CACHE": str(self._folder / "cold")}
        command = [sys.executable, "-m", "cellwright", "--root", str(self._workspace), "render"]
        return _cpu(command, self._folder / "cellwright.out", environment=cache)

    def helm(self, program: str) -> float:
        """Measure one chart that ranges over all cells."""
        text = "---\n".join(self._template("$cell.name", "$cell.first", "$cell.last"))
        whole = f"{{{{- range $cell := .Values.cells }}}}\n---\n{text}{{{{- end }}}}\n"
        values = {"cells": [_named(cell) for cell in self._cells]}
        chart = self._chart("all", whole, values)
        out = self._folder / "helm.out"
        seconds = _cpu([program, "template", "bench", str(chart)], out)
        made, wanted = out.read_text().count("\nkind: "), len(self._texts) * len(self._cells)
        if made != wanted:
            raise SystemExit(f"helm rendered {made} manifests, not {wanted}")
        return seconds

    def helm_each(self, program: str) -> float:
        """Measure a process per cell; from 20 of them, all take the same."""
        text = "---\n".join(self._template(".Values.name", ".Values.first", ".Values.last"))
        chart = self._chart("each", text, {})
        seconds = 0.0
        for cell in self._cells[:_EACH]:
            values = self._folder / "each.json"
            values.write_text(json.dumps(_named(cell)))
            command = [program, "template", "bench", str(chart), "--values", str(values)]
            seconds += _cpu(command, self._folder / "helm-each.out")
        return seconds * len(self._cells) / min(_EACH, len(self._cells))

    def kapitan(self, program: str) -> float:
        """Measure one target per cell, compiled by one worker, from as many files as ours."""
        folder = self._folder / "kapitan"
        texts: dict[str, list[str]] = {}
        for name, text in zip(self._files, self._template(*_KAPITAN), strict=True):
            texts.setdefault(name, []).append(text)
        for name, parts in texts.items():
            _write(folder / "templates" / name.removesuffix(".j2"), "---\n".join(parts))
        compiled = {"output_path": ".", "input_type": "jinja2", "input_paths": ["templates"]}
        shared = {"parameters": {"kapitan": {"compile": [compiled]}}}
        _write(folder / "inventory" / "classes" / "cell.yml", yaml.safe_dump(shared))
        for cell in self._cells:
            own = {"target_name": cell[NAME], "kapitan": {"vars": {"target": cell[NAME]}}}
            target = {"classes": ["cell"], "parameters": {**own, "cell": _named(cell)}}
            _write(folder / "inventory" / "targets" / f"{cell[NAME]}.yml", yaml.safe_dump(target))
        out = self._folder / "kapitan.out"
        seconds = _cpu([program, "compile", "--parallelism", "1"], out, directory=folder)
        made = len(list((folder / "compiled").rglob("*.yaml")))
        if made != len(self._cells) * len(texts):
            raise SystemExit(f"kapitan compiled {made} files; see {out}: {out.read_text()[-500:]}")
        return seconds

    def cdk8s(self, python: str) -> float:
        """Measure an app with one chart per cell."""
        given = self._folder / "cdk8s.json"
        manifests = [yaml.load(text, yaml.CSafeLoader) for text in self._texts]
        given.write_text(json.dumps({"cells": self._cells, "manifests": manifests}))
        app = self._folder / "app.py"
        app.write_text(_CDK8S)
        out = self._folder / "cdk8s"
        seconds = _cpu([python, str(app), str(given), str(out)], self._folder / "cdk8s.out")
        made = len(list(out.rglob("*.yaml")))
        if made != len(self._cells):
            raise SystemExit(f"cdk8s made {made} charts, not {len(self._cells)}")
        return seconds

    def _template(self, *expressions: str) -> list[str]:
        found = []
        for text in self._texts:
            for old, new in zip((NAME, str(FIRST), str(LAST)), expressions, strict=True):
                text = text.replace(old, f"{{{{ {new} }}}}")  # noqa: PLW2901 - step by step
            found.append(text)
        return found

    def _chart(self, name: str, text: str, values: object) -> Path:
        chart = self._folder / "charts" / name
        _write(chart / "Chart.yaml", f"apiVersion: v2\nname: {name}\nversion: 0.1.0\n")
        _write(chart / "values.yaml", yaml.safe_dump(values))
        _write(chart / "templates" / "cell.yaml", text)
        return chart


_KAPITAN = tuple(f"inventory.parameters.cell.{key}" for key in ("name", "first", "last"))


def _named(cell: dict[str, str]) -> dict[str, str]:
    return {"name": cell[NAME], "first": cell[str(FIRST)], "last": cell[str(LAST)]}


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _cpu(
    command: Sequence[str],
    out: Path,
    *,
    directory: Path | None = None,
    environment: dict[str, str] | None = None,
) -> float:
    """Run a command to its end and return the CPU seconds of it and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with out.open("wb") as file:
        done = subprocess.run(
            command,
            check=False,
            cwd=directory,
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
        )
    if done.returncode != 0:
        raise SystemExit(f"{command[0]} failed: {out.read_text()[-1000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
