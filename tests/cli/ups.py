"""What stands for the Pulumi engine and the cluster in tests of `up`.

A stack that is applied puts its namespace into the cluster and changes its state in the backend, as
a run of the real engine does; the rest is the business of the end-to-end tests.
"""

import fcntl
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cellwright.edge.engine import Finished, Preview, Run
from cellwright.edge.failure import CommandError
from cellwright.edge.routers import Behind, Waited
from cellwright.edge.settings import read_settings
from cellwright.edge.up.reading import Situation
from cellwright.fleet_secrets import read_secrets
from cellwright.identity import identified
from cellwright.manifest import Manifest
from cellwright.model import FLEET_STACK, Fleet
from cellwright.signature import signed
from tests.cli.standins import Body, Cluster, World

if TYPE_CHECKING:
    from tests.cli.conftest import Program  # which imports this module for its fixtures


@dataclass
class Engine:
    """The runs of Pulumi, in their order; what is in `fails` ends with these lines."""

    program: "Program"
    world: World
    cluster: Cluster
    clusters: dict[str, Cluster] = field(default_factory=dict)
    applied: list[str] = field(default_factory=list)
    options: dict[str, list[str]] = field(default_factory=dict)
    fails: dict[str, Sequence[str]] = field(default_factory=dict)
    refuses: dict[str, Sequence[str]] = field(default_factory=dict)
    not_ready: dict[str, list[str]] = field(default_factory=dict)
    behind: list[Behind] = field(default_factory=list)
    """Who does not have the directory when it was published."""
    asked: list[list[str]] = field(default_factory=list)
    """The cells that were asked whether they have it, each time."""
    before: Callable[[str], None] = lambda _: None
    foreseen: int = 1000
    """How many changes Pulumi's previews tell."""
    operation: str = "create"
    """What these do to objects."""
    passwords: list[str] = field(default_factory=list)
    """The cells whose Postgres was told new passwords, each with the version of its secrets."""
    runs: int = 0

    def up(self, run: Run, stack: str, program: Any, options: Sequence[str] = ()) -> Finished:
        self.before(stack)
        run.on_start(4711)
        self.applied.append(stack)
        self.options[stack] = list(options)
        self.runs += 1
        self.world.updated(stack, f"2026-01-01T00:00:{self.runs:02d}.000Z")
        if stack in self.fails:
            return Finished(ok=False, lines=tuple(self.fails[stack]))
        self.holds(stack, program)
        return Finished(ok=True, lines=("Resources:", "    + 33 created", ""))

    def set_passwords(self, situation: Situation, cell: str, _interrupts: Any) -> bool:
        self.passwords.append(f"{cell} {situation.secrets_of(cell).tag}")
        return True

    def preview(self, _run: Run, stack: str, _program: Any, *_options: Any) -> Preview:
        operations = {self.operation: self.foreseen, "same": 1}
        return Preview(operations, tuple(self.refuses.get(stack, ())))

    def holds(self, stack: str, manifests: Sequence[Manifest]) -> None:
        """Let the clusters hold what was registered of namespaces and of the directory."""
        settings = read_settings(self.program.root, stack)
        tag = settings.state.tag if settings.state else ""
        for one in manifests:
            cluster = self.clusters.get(one.cluster, self.cluster)
            if one.kind in ("Namespace", "ConfigMap") and cluster.file.exists():
                body = identified(one.body, "demo", settings.fleet_id, tag)
                self.put(dict(signed(body, one.cluster, self._signing())), cluster)

    def _signing(self) -> Ed25519PrivateKey | None:
        """Return what the fleet signs with: as its settings say, which are not encrypted here."""
        file = self.program.root / f"stacks/Pulumi.{FLEET_STACK}.yaml"
        text = yaml.safe_load(file.read_text())["config"]["cellwright:rootSecret"]["secure"]
        state = read_settings(self.program.root, FLEET_STACK).state
        assert state is not None
        return read_secrets(text, state).of_fleet().signing

    def put(self, body: Body, cluster: Cluster | None = None) -> None:
        """Put an object into a cluster, over one of its name."""
        with self._locked(cluster or self.cluster) as state:
            self._replace(state, body)

    def _replace(self, state: Body, body: Body) -> None:
        metadata = body["metadata"]
        kept = []
        for one in state["objects"]:
            same = (one["kind"], one["metadata"]["name"], one["metadata"].get("namespace"))
            if same == (body["kind"], metadata["name"], metadata.get("namespace")):
                annotations = one["metadata"].get("annotations") or {}
                metadata["annotations"] = {**annotations, **(metadata.get("annotations") or {})}
            else:
                kept.append(one)
        metadata.setdefault("resourceVersion", "1")
        state["objects"] = [*kept, json.loads(json.dumps(body, default=str))]

    @contextmanager
    def _locked(self, cluster: Cluster) -> Iterator[Body]:
        """Give what the cluster's file says, and write it back, as the stand-in does."""
        with cluster.file.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            state = json.loads(cluster.file.read_text())
            yield state
            cluster.file.write_text(json.dumps(state))

    def object(self, kind: str, name: str) -> Body:
        """Return what the cluster holds."""
        with self._locked(self.cluster) as state:
            (found,) = [
                one
                for one in state["objects"]
                if (one["kind"], one["metadata"]["name"]) == (kind, name)
            ]
        return dict(found)


def engine_in(program: "Program", world: World, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """Return an engine for an empty cluster and an empty backend."""
    cluster = world.cluster()
    world.backend()
    engine = Engine(program, world, cluster)

    def not_ready(_: Any, namespace: str, *_rest: Any) -> list[str]:
        return engine.not_ready.get(namespace, [])

    def wait(fleet: Fleet, *_: Any) -> Waited:
        engine.asked.append(sorted(fleet.cells))
        return Waited({}, 3, 3, tuple(engine.behind))

    monkeypatch.setattr("cellwright.edge.up.apply.is_run", lambda *_: True)
    monkeypatch.setattr("cellwright.edge.up.apply.wait", wait)
    monkeypatch.setattr("cellwright.edge.up.apply.up", engine.up)
    monkeypatch.setattr("cellwright.edge.up.preview.preview", engine.preview)
    monkeypatch.setattr("cellwright.edge.up.preview._scratch", lambda *_: {})
    # What stands for a program is what it would register.
    monkeypatch.setattr("cellwright.edge.up.rollout.registering", lambda *given: given[2])
    monkeypatch.setattr("cellwright.edge.up.apply.not_ready", not_ready)
    monkeypatch.setattr("cellwright.cli.rotate.not_ready", not_ready)
    monkeypatch.setattr("cellwright.edge.up.rotating.set_passwords", engine.set_passwords)
    return engine


def away(stack: str) -> Callable[[str], None]:
    """Return what lets the start of a stack fail as if Pulumi were not there."""

    def fail(name: str) -> None:
        if name == stack:
            raise CommandError(f"pulumi can't read {name}")

    return fail
