"""A copy of the project's workspace, and the program that is run on it in this process."""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from cellwright.cli.main import main
from cellwright.edge.files import read
from cellwright.identity import fleet_id
from cellwright.loading import load
from cellwright.model import Organization
from tests.cli.backends import Pulumi
from tests.cli.standins import ROOT_SECRET, SYSTEM, Cluster, World, world_in
from tests.cli.ups import Engine, engine_in
from tests.workspaces import demo_in

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Done:
    """How a run ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What was printed as JSON."""
        return json.loads(self.out)

    @property
    def rows(self) -> list[list[str]]:
        """A table's lines, split where there are two spaces or more."""
        lines = self.out.splitlines()[1:]
        return [[one for one in line.split("  ") if one] for line in lines]


@dataclass(frozen=True)
class Program:
    """The command line in a workspace."""

    root: Path
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str) -> Done:
        code = main(arguments)
        printed = self.capsys.readouterr()
        return Done(code, printed.out, printed.err)

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.root / name).read_text("utf-8")
        assert old in text
        self.write(name, text.replace(old, new))

    def owns(self) -> None:
        """Give the fleet's stack the settings that go with what a cluster holds of it."""
        settings = {
            "cellwright:rootSecret": {"secure": base64.b64encode(ROOT_SECRET).decode()},
            "cellwright:fleetId": fleet_id(ROOT_SECRET),
            "cellwright:clusters": {"local": SYSTEM["metadata"]["uid"]},
        }
        self.write("stacks/Pulumi.fleet.yaml", json.dumps({"config": settings}))

    def git(self, *arguments: str) -> None:
        settings = ["-c", "user.name=Tester", "-c", "user.email=tester@example.com"]
        subprocess.run(["git", *settings, *arguments], cwd=self.root, check=True)

    def commit(self, subject: str = "as it was") -> None:
        self.git("init", "--quiet")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", subject)

    def organizations(self) -> Iterable[Organization]:
        """Return those that are declared."""
        fleet, _ = load(read(self.root))
        assert fleet is not None
        return fleet.organizations.values()


@pytest.fixture
def program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Program:
    """The program in a copy of the demo workspace."""
    root = demo_in(tmp_path / "workspace")
    monkeypatch.chdir(root)
    monkeypatch.setenv("CELLWRIGHT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("KUBECONFIG", os.devnull)  # no cluster of the one who runs the tests
    return Program(root, capsys)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Stand-ins first on the PATH: clusters are away until they are made, Pulumi does nothing."""
    made = world_in(tmp_path / "standins")
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)  # else its states would be read
    monkeypatch.setenv("PATH", f"{made.folder}{os.pathsep}{os.environ['PATH']}")
    return made


@pytest.fixture
def cluster(program: Program, world: World) -> Cluster:
    """The demo's cluster, which holds nothing."""
    program.owns()
    world.backend(fleet={"lastUpdate": "", "resourceCount": 70})
    return world.cluster()


@pytest.fixture
def live(program: Program, cluster: Cluster) -> Cluster:
    """The demo's cluster, with the directory of the definitions."""
    cluster.directory(program.organizations())
    return cluster


@pytest.fixture
def engine(program: Program, world: World, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """What stands for Pulumi's engine, with an empty cluster and an empty backend."""
    return engine_in(program, world, monkeypatch)


@pytest.fixture(scope="session")
def applied_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the settings and the stand-ins of a fleet that was applied."""
    folder = tmp_path_factory.mktemp("applied")
    with pytest.MonkeyPatch.context() as patch:
        root = demo_in(folder / "workspace")
        patch.chdir(root)
        patch.setenv("CELLWRIGHT_CACHE", str(folder / "cache"))
        patch.setenv("KUBECONFIG", os.devnull)
        patch.delenv("PULUMI_BACKEND_URL", raising=False)
        world = world_in(folder / "standins")
        patch.setenv("PATH", f"{world.folder}{os.pathsep}{os.environ['PATH']}")
        engine_in(Program(root, cast("Any", None)), world, patch)
        assert main(("up", "--yes")) == 0
    return folder


@pytest.fixture
def fleet(program: Program, engine: Engine, applied_once: Path) -> Engine:
    """A fleet that is up."""
    shutil.copytree(applied_once / "workspace/stacks", program.root / "stacks", dirs_exist_ok=True)
    shutil.copytree(applied_once / "standins", engine.world.folder, dirs_exist_ok=True)
    engine.runs = 10  # later than what was applied
    return engine


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Pulumi:
    """Stack `alpha` with two runs behind it, of 2 and 3 resources, and `beta` with none."""
    folder = tmp_path_factory.mktemp("original")
    pulumi = Pulumi(folder / "workspace", folder / "state")
    pulumi.prepare()
    for stack in ("alpha", "beta"):
        pulumi("stack", "init", stack, "--no-select")
    pulumi.up(1)
    pulumi.up(2)
    return pulumi


@pytest.fixture
def pulumi(original: Pulumi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pulumi:
    """A copy of the project and its stacks."""
    copy = Pulumi(tmp_path / "workspace", tmp_path / "state")
    shutil.copytree(original.root, copy.root)
    shutil.copytree(original.folder, copy.folder)
    for name, value in copy.environment.items():
        monkeypatch.setenv(name, value)
    return copy
