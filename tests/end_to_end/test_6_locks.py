"""Pulumi's locks: its real words for them are understood, and what cancelling does."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cellwright.edge.kubectl import Kubectl
from cellwright.edge.lease import held, runs_here
from cellwright.edge.lease_object import holder
from cellwright.lease_record import Running
from cellwright.model import Cluster
from cellwright.pulumi_locks import Lock, locked_in, verdict

PROJECT = "name: demo\nruntime: {name: python, options: {virtualenv: .venv}}\n"
PROGRAM = "import os, time; time.sleep(float(os.environ.get('NAP', '0')))\n"
KILLED = """\
import os, sys
from cellwright.edge.kubectl import Kubectl
from cellwright.edge.lease import held
from cellwright.edge.process import Interrupts, stream
from cellwright.model import Cluster

def started(pid):
    lease.started("alpha", pid)

with held(Kubectl(Cluster("local", None)), sys.argv[1], duration=3) as lease:
    lease.start("alpha")
    stream(["pulumi", *sys.argv[2:]], print, interrupts=Interrupts(), on_start=started)
"""
LOCK = {
    "pid": 4711,
    "username": "root",
    "hostname": "build-7",
    "timestamp": "2026-11-28T04:25:37.783434Z",
}
THEN = datetime(2026, 11, 28, 4, 25, 37, tzinfo=UTC)
UP = ("up", "--yes", "--skip-preview", "--color=never")


class Project:
    """A Pulumi project of one stack, whose program sleeps."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "Pulumi.yaml").write_text(PROJECT)
        (root / "__main__.py").write_text(PROGRAM)
        (root / ".venv").symlink_to(sys.prefix)
        (root / "state").mkdir()
        self.locks = root / "state" / ".pulumi" / "locks" / "organization" / "demo" / "alpha"
        self.pulumi("stack", "init", "--no-select")
        self.locks.mkdir(parents=True, exist_ok=True)

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "PULUMI_BACKEND_URL": f"file://{self.root}/state"}

    def pulumi(self, *arguments: str) -> tuple[int, list[str]]:
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive", "--stack", "alpha"],
            cwd=self.root,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout.splitlines()

    def lock(self, name: str, **changes: object) -> None:
        (self.locks / f"{name}.json").write_text(json.dumps({**LOCK, **changes}))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.mark.parametrize("command", [UP, ("refresh", "--yes"), ("destroy", "--yes")])
def test_a_locked_stack_is_recognized(project: Project, command: tuple[str, ...]) -> None:
    project.lock("a")
    code, lines = project.pulumi(*command)
    assert code != 0
    locked = locked_in(lines)
    assert locked is not None
    assert (locked.count, locked.locks) == (1, (Lock("root", "build-7", 4711, THEN),))
    started = THEN + timedelta(milliseconds=500)
    run = Running("alpha", "h", "build-7", None, started)
    assert verdict("alpha", locked, [run], lambda _: False).abandoned
    assert not verdict("alpha", locked, [], lambda _: False).abandoned


def test_every_lock_is_described(project: Project) -> None:
    project.lock("a")
    project.lock("b", username="CORP\\ann b", hostname="laptop")
    locked = locked_in(project.pulumi(*UP)[1])
    assert locked is not None
    assert locked.count == 2
    assert set(locked.locks) == {
        Lock("root", "build-7", 4711, THEN),
        Lock("CORP\\ann b", "laptop", 4711, THEN),
    }


def test_cancelling_takes_every_lock(project: Project) -> None:
    """So that one lock that may be alive keeps all."""
    project.lock("a")
    project.lock("b", pid=4712)
    assert project.pulumi("cancel", "--yes")[0] == 0
    assert list(project.locks.glob("*.json")) == []
    assert locked_in(project.pulumi("refresh", "--yes")[1]) is None


@pytest.fixture
def namespace() -> Iterator[str]:
    name = f"lease-test-{uuid.uuid4().hex[:8]}"
    subprocess.run(["kubectl", "create", "namespace", name], check=True)
    yield name
    subprocess.run(["kubectl", "delete", "namespace", name, "--wait=false"], check=True)


def test_a_killed_run_is_followed_and_its_lock_cancelled(
    project: Project, namespace: str, eventually: Callable[..., Any]
) -> None:
    kubectl = Kubectl(Cluster("local", None))
    words = [namespace, *UP, "--non-interactive", "--stack", "alpha"]

    def recorded() -> int:
        there = holder(kubectl, namespace)
        return (there.running[0].pid or 0) if there and there.running else 0

    with subprocess.Popen(
        [sys.executable, "-c", KILLED, *words],
        cwd=project.root,
        env={**project.environment, "NAP": "300"},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    ) as killed:
        eventually(lambda: recorded() and list(project.locks.glob("*.json")))
        pid = recorded()
        killed.kill()
    with held(kubectl, namespace, wait=60, duration=3) as lease:
        assert [(run.stack, run.pid) for run in lease.left_behind] == [("alpha", pid)]
        # Pulumi ends by itself: nobody reads what it prints. Until then it keeps its lock.
        eventually(lambda: not Path(f"/proc/{pid}").exists())
        code, lines = project.pulumi(*UP)
        locked = locked_in(lines)
        assert code != 0
        assert locked is not None
        assert [lock.pid for lock in locked.locks] == [pid]
        judged = verdict("alpha", locked, lease.left_behind, runs_here)
        assert judged.abandoned, judged.message
        assert not verdict("alpha", locked, lease.left_behind, lambda _: True).abandoned
        assert project.pulumi("cancel", "--yes")[0] == 0
        assert project.pulumi(*UP)[0] == 0
    # The host of the program stays, and does nothing more.
    subprocess.run(["pkill", "-KILL", "--session", str(killed.pid)], check=False)
