"""A stand-in for `kubectl`: a program on the PATH that answers from one file for each context.

It knows only what the verb `directory` asks. What kubectl really says is shown by the end-to-end
tests.
"""

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cellwright.directory import shard_tables
from cellwright.model import Organization

Body = dict[str, Any]

_PROGRAM = """\
#!{python}
import json, pathlib, sys
arguments = sys.argv[1:]
context = "current"
if arguments[0] == "--context":
    context, arguments = arguments[1], arguments[2:]
file = pathlib.Path({folder!r}, context + ".json")
if not file.exists():
    sys.exit("The connection to the server was refused")
state = json.loads(file.read_text())
assert arguments.pop(0) == "get", arguments
if arguments[0] == "--raw":
    path = arguments[1]
    if path == "/version":
        print(json.dumps({{}}))
    else:
        said = state["tables"].get(path, "the server could not find the requested resource")
        if isinstance(said, str):
            sys.exit("Error from server: " + said)
        asked = file.with_suffix(".asked")
        with asked.open("a") as noted:
            noted.write(path + "\\n")
        times = asked.read_text().splitlines().count(path)
        print(json.dumps(said[min(times, len(said)) - 1]))
elif arguments[0] == "pods":
    assert "app.kubernetes.io/name=router,app.kubernetes.io/managed-by=cellwright" in arguments
    print(json.dumps({{"kind": "List", "items": state["pods"]}}))
elif "--selector" in arguments:
    assert "cellwright-directory" in arguments
    print(" ".join(one["metadata"]["resourceVersion"] for one in state["configmaps"]))
else:
    names = arguments[1:arguments.index("--namespace")]
    found = [one for one in state["configmaps"] if not names or one["metadata"]["name"] in names]
    if len(found) == 1:
        print(json.dumps(found[0]))
    elif found:
        print(json.dumps({{"kind": "List", "items": found}}))
"""


@dataclass
class Cluster:
    """What one cluster holds; `save` makes it known to the stand-in."""

    file: Path
    configmaps: list[Body] = field(default_factory=list)
    pods: list[Body] = field(default_factory=list)
    tables: dict[str, Any] = field(default_factory=dict)

    def save(self) -> None:
        state = {"configmaps": self.configmaps, "pods": self.pods, "tables": self.tables}
        self.file.write_text(json.dumps(state))

    def directory(
        self, organizations: Iterable[Organization], version: int = 4700, shards: int = 4
    ) -> None:
        """Hold the directory of these organizations; each ConfigMap is one version newer."""
        cells = {"cellwright.dev/shards": str(shards)}
        self.configmaps = [config_map("directory-cells", version, {}, cells)]
        for table in shard_tables(organizations, shards):
            name = f"directory-{table.number:02d}"
            newest = version + 1 + table.number
            self.configmaps.append(config_map(name, newest, {"table": table.text}))
        self.save()

    def router(self, cell: str, *answers: Any, name: str = "router-1", **status: Any) -> None:
        """Hold a router pod, which gives these answers in turn: a table each, or an error."""
        metadata = {"name": name, "namespace": f"cell-{cell}", "uid": f"{cell}/{name}"}
        self.pods.append({"metadata": metadata, "status": {"phase": "Running", **status}})
        path = f"/api/v1/namespaces/cell-{cell}/pods/{name}:8405/proxy/table"
        if answers:
            self.tables[path] = answers[0] if isinstance(answers[0], str) else answers
        self.save()

    def asked(self, cell: str, name: str = "router-1") -> int:
        """Return how often a router was asked."""
        path = f"/api/v1/namespaces/cell-{cell}/pods/{name}:8405/proxy/table"
        return self.file.with_suffix(".asked").read_text().splitlines().count(path)


def serves(version: int, *, served: bool = True, **refused: str) -> Body:
    """Return what a router's agent says."""
    return {"resource_version": str(version or ""), "served": served, "refused": refused}


def config_map(
    name: str, version: int, data: Mapping[str, str], annotations: Mapping[str, str] | None = None
) -> Body:
    metadata = {"name": name, "resourceVersion": str(version), "annotations": annotations or {}}
    return {"kind": "ConfigMap", "metadata": metadata, "data": data}


class Clusters:
    """Clusters by context."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        program = folder / "kubectl"
        program.write_text(_PROGRAM.format(python=sys.executable, folder=str(folder)))
        program.chmod(0o755)

    def __call__(self, context: str = "current") -> Cluster:
        made = Cluster(self.folder / f"{context}.json")
        made.save()
        return made
