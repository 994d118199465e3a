"""What `restore-state` is careful with: locks, other runs, other projects, and wrong names."""

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest

from cellwright.cli import restore_state
from cellwright.edge import restore
from cellwright.edge.backend import damaged_stacks, explained, find_backend
from tests.cli.backends import Pulumi, cut


@pytest.mark.parametrize(
    ("named", "reason"),
    [
        ("0", "listed"),
        ("99", "listed"),
        ("nothing.json", "missing"),
        ("../state/.pulumi/stacks/cellwright/beta.json", "belongs to stack"),
        ("Pulumi.yaml", "not a checkpoint"),
        (".", "not a file"),
    ],
)
def test_a_wrong_checkpoint_is_refused(
    named: str,
    reason: str,
    pulumi: Pulumi,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(pulumi.root)
    cut(pulumi.state)
    before = pulumi.contents()
    assert pulumi.restore("--yes", "--checkpoint", named) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"cellwright restore-state: --checkpoint {named}: ")
    assert reason in said
    assert pulumi.contents() == before


def test_a_run_that_goes_on_is_not_disturbed(
    pulumi: Pulumi, capsys: pytest.CaptureFixture[str]
) -> None:
    (pulumi.root / "wait").touch()
    running = subprocess.Popen(
        ["pulumi", "up", "--yes", "--skip-preview", "--stack", "alpha"],
        cwd=pulumi.root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        deadline = time.monotonic() + 120
        while not (pulumi.root / "waits").exists():
            assert running.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        whole = pulumi.state.read_bytes()
        cut(pulumi.state)
        before = pulumi.contents()
        assert pulumi.restore("--yes") == 1
        said = capsys.readouterr().err
        assert "stack alpha is locked by " in said
        assert f"(pid {running.pid}) since " in said
        assert "pulumi cancel --stack alpha" in said
        assert pulumi.contents() == before
        pulumi.state.write_bytes(whole)
        (pulumi.root / "wait").unlink()
        assert running.wait(120) == 0
    finally:
        if running.poll() is None:
            running.send_signal(signal.SIGKILL)
        running.communicate()


def test_pulumi_is_kept_off_while_the_state_is_written(
    pulumi: Pulumi, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    write_all = restore._write_all

    def observed(*arguments: object) -> object:
        exported = pulumi.root / "exported.json"
        exported.write_text(json.dumps({"version": 3, "deployment": {}}))
        said.append(
            pulumi("stack", "import", "--stack", "alpha", "--file", str(exported), check=False)
        )
        return write_all(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(restore, "_write_all", observed)
    cut(pulumi.state)
    assert pulumi.restore("--yes") == 0
    assert "the stack is currently locked by 1 lock(s)" in said[0]
    assert pulumi.resources() == 3


def test_a_state_that_changes_meanwhile_is_left_alone(
    pulumi: Pulumi, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = pulumi.state.read_bytes()

    def agreed(*_: object, **__: object) -> bool:
        pulumi.state.write_bytes(whole)
        return True

    monkeypatch.setattr(restore_state, "_agreed", agreed)
    cut(pulumi.state)
    assert pulumi.restore() == 1
    assert "the files of stack alpha have just changed; run this again" in capsys.readouterr().err
    assert pulumi.state.read_bytes() == whole
    assert not list(pulumi.locks.iterdir())


def test_a_lock_that_nobody_can_read_is_removed(
    pulumi: Pulumi, capsys: pytest.CaptureFixture[str]
) -> None:
    """A full disk leaves an empty one, and Pulumi then runs no more."""
    left = pulumi.locks / "0.json.18ec1aa987e0b271.tmp"
    left.parent.mkdir(parents=True, exist_ok=True)
    left.touch()
    message = pulumi.up(2, check=False)
    assert "unexpected end of JSON input" in message
    error = explained(pulumi.root, message)
    assert str(error) == (
        f"the state of stack alpha can't be read ({left}: an unreadable lock): "
        "run `cellwright restore-state alpha`"
    )
    before = pulumi.state.read_bytes()
    assert pulumi.restore() == 1
    assert "to remove 1 unreadable lock of stack alpha, add --yes" in capsys.readouterr().err
    assert pulumi.restore("--yes") == 0
    assert not left.exists()
    assert pulumi.state.read_bytes() == before
    assert "3 unchanged" in pulumi.up(2)


def test_two_projects_in_one_backend_are_kept_apart(pulumi: Pulumi, tmp_path: Path) -> None:
    other = Pulumi(tmp_path / "other", pulumi.folder, "other")
    other.prepare()
    other("stack", "init", "alpha", "--no-select")
    other.up(5)
    for project in (pulumi, other):
        cut(project.state)
    assert pulumi.restore("--yes", "--checkpoint", str(other.checkpoints[0])) == 1
    assert pulumi.restore("--yes") == 0
    assert pulumi.resources() == 3
    assert other.state.stat().st_size == 700
    assert [one.stack for one in damaged_stacks(find_backend(other.root))] == ["alpha"]
    assert damaged_stacks(find_backend(pulumi.root)) == ()
    assert other.restore("--yes") == 0
    assert other.resources() == 6


@pytest.mark.parametrize("name", ["../x", "a/b", "..", "", "ä", "x" * 101, "organization/p/alpha"])
def test_what_is_no_name_of_a_stack_is_refused(
    name: str, pulumi: Pulumi, capsys: pytest.CaptureFixture[str]
) -> None:
    before = pulumi.contents()
    assert pulumi.restore("--yes", stack=name) == 1
    assert f"{name!r} is not the name of a stack" in capsys.readouterr().err
    assert pulumi.contents() == before


def test_an_unknown_stack_is_told(pulumi: Pulumi, capsys: pytest.CaptureFixture[str]) -> None:
    assert pulumi.restore("--yes", stack="alpa") == 1
    assert "no stack 'alpa' of project 'cellwright' in " in (said := capsys.readouterr().err)
    assert "did you mean 'alpha'?" in said
    pulumi("stack", "rm", "--yes", "--force", "alpha")
    assert damaged_stacks(find_backend(pulumi.root)) == ()


def test_other_failures_are_not_explained(pulumi: Pulumi) -> None:
    assert explained(pulumi.root, "error: update failed") is None
    assert explained(pulumi.root, "error: failed to load checkpoint: EOF") is None
