"""Pulumi's locks: its real words for them are understood, and what cancelling does."""

import json
import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cellwright.lease_record import Running
from cellwright.pulumi_locks import Lock, locked_in, verdict

PROJECT = "name: demo\nruntime: python\n"
LOCK = {
    "pid": 4711,
    "username": "root",
    "hostname": "build-7",
    "timestamp": "2026-11-28T04:25:37.783434Z",
}
THEN = datetime(2026, 11, 28, 4, 25, 37, tzinfo=UTC)
UP = ("up", "--yes", "--skip-preview", "--color=never")


class Project:
    """A Pulumi project of one stack whose program is never started."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "Pulumi.yaml").write_text(PROJECT)
        (root / "state").mkdir()
        self.locks = root / "state" / ".pulumi" / "locks" / "organization" / "demo" / "alpha"
        self.pulumi("stack", "init", "--no-select")
        self.locks.mkdir(parents=True, exist_ok=True)

    def pulumi(self, *arguments: str) -> tuple[int, list[str]]:
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive", "--stack", "alpha"],
            cwd=self.root,
            env={**os.environ, "PULUMI_BACKEND_URL": f"file://{self.root}/state"},
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
