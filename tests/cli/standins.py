"""Programs that stand for `kubectl` and `pulumi`: clusters in files, and a log of calls.

What the real ones say is shown by the end-to-end tests.
"""

import base64
import fcntl
import hashlib
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cellwright.directory import shard_tables
from cellwright.edge.files import read
from cellwright.fleet_secrets import StackSecrets, first_secrets
from cellwright.identity import identified
from cellwright.model import FLEET_STACK, Organization
from cellwright.plan import plan
from cellwright.secret import resolve
from cellwright.signature import signed
from tests.cli.kubectl import CURRENT

Body = dict[str, Any]

_CELLS = "directory-cells"
_MADE_BY = {"app.kubernetes.io/managed-by": "cellwright"}
ROOT_SECRET = b"\x07" * 32
SYSTEM = {
    "apiVersion": "v1",
    "kind": "Namespace",
    "metadata": {"name": "kube-system", "uid": "uid-of-the-cluster"},
}
_KUBECTL = Path(__file__).with_name("kubectl.py")
_PULUMI = Path(__file__).with_name("pulumi.py")


@dataclass
class Cluster:
    """What one cluster holds; `save` makes it known to the stand-in."""

    file: Path
    objects: list[Body] = field(default_factory=list)
    tables: dict[str, Any] = field(default_factory=dict)

    def save(self) -> None:
        self.file.write_text(json.dumps({"objects": self.objects, "tables": self.tables}))

    def read(self) -> dict[str, Any]:
        """Return what the stand-in knows."""
        state: dict[str, Any] = json.loads(self.file.read_text())
        return state

    def write(self, state: Mapping[str, Any]) -> None:
        """Let the stand-in know this."""
        self.file.write_text(json.dumps(state))

    def goes_away(self) -> None:
        self.file.unlink()

    def declared(self, root: Path, change: Callable[[Body], None] | None = None) -> None:
        """Hold what the definitions of a workspace ask for, each object changed."""
        stacks = plan(read(root)).stacks
        bodies = []
        for one in (one for manifests in stacks.values() for one in manifests):
            secrets = stack_secrets(one.stack)
            body = resolve(dict(one.body), secrets.value)
            body = identified(body, "demo", secrets.fleet_id, secrets.tag)
            bodies.append(signed(body, one.cluster, secrets.signing))
        objects = json.loads(json.dumps([SYSTEM, *bodies]))
        for body in objects:
            for key, text in body.pop("stringData", {}).items():
                body.setdefault("data", {})[key] = base64.b64encode(text.encode()).decode()
            if change is not None:
                change(body)
        self.objects = objects
        self.save()

    def forgets(self, annotation: str) -> None:
        """Lose an annotation of all objects, as if an older release had made them."""
        state = self.read()
        for one in state["objects"]:
            (one["metadata"].get("annotations") or {}).pop(annotation, None)
        self.write(state)

    def keeps(self, *kinds: str) -> None:
        """Lose everything but objects of these kinds, and the directory."""
        kept = (*kinds, "ConfigMap")
        self.objects = [one for one in self.objects if one is SYSTEM or one["kind"] in kept]
        self.objects = [one for one in self.objects if one["metadata"]["name"] != _CELLS]
        self.save()

    def remembers(self, text: str, root: Path) -> None:
        """Hold what definitions ask for, and a history of the directory with more lines."""

        def add(body: Body) -> None:
            if body["metadata"]["name"] == "directory-history":
                body["data"]["history"] += f"{text}\n"
                checksum = hashlib.sha256(body["data"]["history"].encode()).hexdigest()
                body["metadata"]["annotations"]["cellwright.dev/checksum"] = checksum

        self.declared(root, add)

    def directory(
        self, organizations: Iterable[Organization], version: int = 4700, shards: int = 4
    ) -> None:
        """Hold the directory of these organizations; each ConfigMap is one version newer."""
        cells = {"cellwright.dev/shards": str(shards)}
        self.objects = [SYSTEM, _config_map(_CELLS, version, {}, cells)]
        for table in shard_tables(organizations, shards):
            name = f"directory-{table.number:02d}"
            newest = version + 1 + table.number
            self.objects.append(_config_map(name, newest, {"table": table.text}))
        self.save()

    def placement(self, cell: str, *answers: Any, name: str = "placement-1", **status: Any) -> None:
        """Hold a placement pod and its Deployment; without answers the Deployment alone."""
        labels = {**_MADE_BY, "app.kubernetes.io/name": "placement"}
        metadata = {"name": "placement", "namespace": f"cell-{cell}", "labels": labels}
        self.objects.append({"kind": "Deployment", "metadata": metadata})
        if answers:
            self.router(cell, *answers, name=name, **status)
            self.objects[-1]["metadata"]["labels"] = labels
        self.save()

    def router(self, cell: str, *answers: Any, name: str = "router-1", **status: Any) -> None:
        """Hold a router pod, which gives these answers in turn: a table each, or an error."""
        labels = {**_MADE_BY, "app.kubernetes.io/name": "router"}
        metadata = {"name": name, "namespace": f"cell-{cell}", "uid": f"{cell}/{name}"}
        self.objects.append(
            {
                "kind": "Pod",
                "metadata": {**metadata, "labels": labels},
                "status": {"phase": "Running", **status},
            }
        )
        if answers:
            said = answers[0] if isinstance(answers[0], str) else answers
            self.tables[_table_of(cell, name)] = said
        self.save()

    def asked(self, cell: str, name: str = "router-1") -> int:
        """Return how often a router was asked."""
        log = self.file.with_suffix(".asked").read_text()
        return log.splitlines().count(_table_of(cell, name))


@dataclass(frozen=True)
class World:
    """Clusters by context, and what was asked of Pulumi."""

    folder: Path

    def cluster(self, context: str = CURRENT) -> Cluster:
        """Make a cluster that holds nothing; one that was not made is away."""
        made = Cluster(self.folder / f"{context}.json", [SYSTEM])
        made.save()
        return made

    def backend(self, **stacks: Body) -> None:
        """Give Pulumi a backend with these stacks; without it every call of Pulumi fails."""
        (self.folder / "stacks.json").write_text(json.dumps(stacks))

    def updated(self, stack: str, time: str) -> None:
        """Let the state of a stack have changed at a time."""
        file = self.folder / "stacks.json"
        with file.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            stacks = json.loads(file.read_text())
            stacks[stack] = {"lastUpdate": time, "resourceCount": 33}
            file.write_text(json.dumps(stacks))

    @property
    def pulumi(self) -> list[str]:
        log = self.folder / "pulumi.log"
        return log.read_text("utf-8").splitlines() if log.exists() else []


def stack_secrets(stack: str) -> StackSecrets:
    """Return the secrets of a stack of the fleet with this root secret, as they are at first."""
    secrets = first_secrets(ROOT_SECRET)
    if stack == FLEET_STACK:
        return secrets.of_fleet()
    return secrets.of_cell(stack, secrets.new_cell())


def world_in(folder: Path) -> World:
    """Put the programs into a folder, which is to be the first one on the PATH."""
    folder.mkdir()
    for name, file in (("kubectl", _KUBECTL), ("pulumi", _PULUMI)):
        (folder / name).write_text(f"#!{sys.executable}\n{file.read_text('utf-8')}", "utf-8")
        (folder / name).chmod(0o755)
    return World(folder)


def serves(version: int, *, served: bool = True, **refused: str) -> Body:
    """Return what a router's agent says."""
    return {"resource_version": str(version or ""), "served": served, "refused": refused}


def _table_of(cell: str, pod: str) -> str:
    return f"/api/v1/namespaces/cell-{cell}/pods/{pod}:8405/proxy/table"


def _config_map(
    name: str, version: int, data: Mapping[str, str], annotations: Mapping[str, str] | None = None
) -> Body:
    metadata = {
        "name": name,
        "namespace": "cellwright-directory",
        "resourceVersion": str(version),
        "annotations": annotations or {},
        "labels": {
            "app.kubernetes.io/managed-by": "cellwright",
            "cellwright.dev/directory": "shard",
        },
    }
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
