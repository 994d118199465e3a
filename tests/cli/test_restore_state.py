"""The verb `restore-state`, with the real Pulumi and states that are broken in all ways."""

import dataclasses
import gzip
import json
import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cellwright.edge.backend import damaged_stacks, explained, find_backend
from tests.cli.backends import Pulumi, cut


def as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def as_link_to_nothing(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere.json")


def as_link(path: Path) -> None:
    """Make it a link to a file that is cut off."""
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")
    cut(path)


def of_beta(path: Path) -> None:
    shutil.copy(path.with_name("beta.json"), path)


BROKEN: list[tuple[str, Callable[[Path], object]]] = [
    ("cut off after 700 bytes", cut),
    ("empty", lambda path: path.write_bytes(b"")),
    ("2000 bytes of zeros", lambda path: path.write_bytes(bytes(2000))),
    ("not JSON: byte 0 is not UTF-8", lambda path: path.write_bytes(b"\xff\xfe" * 900)),
    ("not a checkpoint: expected version 3 or 4, not None", lambda path: path.write_bytes(b"{}")),
    (
        "not a checkpoint: expected version 3 or 4, not 9",
        lambda path: path.write_text('{"version":9}'),
    ),
    ("not a checkpoint: expected a JSON object", lambda path: path.write_bytes(b"[]")),
    ("holds no checkpoint", lambda path: path.write_bytes(b'{"version":3}')),
    (
        "holds no deployment",
        lambda path: path.write_text(
            '{"version":3,"checkpoint":{"stack":"organization/cellwright/alpha"}}'
        ),
    ),
    ("belongs to stack 'organization/cellwright/beta'", of_beta),
    ("missing", Path.unlink),
    ("not a file", as_folder),
    ("a symbolic link to nothing", as_link_to_nothing),
    ("cut off after 700 bytes", as_link),
]


@pytest.mark.parametrize(("reason", "break_it"), BROKEN)
def test_a_broken_state_comes_back(
    reason: str,
    break_it: Callable[[Path], object],
    pulumi: Pulumi,
    capsys: pytest.CaptureFixture[str],
) -> None:
    break_it(pulumi.state)
    break_it(pulumi.backup)
    message = pulumi("stack", "ls", check=False)
    if message.startswith("error: "):  # which does not name the stack
        error = str(explained(pulumi.root, message))
        assert error.startswith("the state of stack alpha can't be read (")
        assert reason in error
        assert error.endswith("run `cellwright restore-state alpha`")
    assert [one.stack for one in damaged_stacks(find_backend(pulumi.root))] == ["alpha"]
    assert pulumi.restore("--yes") == 0
    printed = capsys.readouterr()
    assert f"state file: {reason}" in printed.out
    assert f"backup: {reason}" in printed.out
    assert "stack alpha: restored to 3 resources of " in printed.err
    assert "run `cellwright up --all`" in printed.err
    assert pulumi.resources() == 3
    assert pulumi.state.read_bytes() == pulumi.backup.read_bytes()
    assert not pulumi.state.is_symlink()
    assert sorted(one["name"] for one in json.loads(pulumi("stack", "ls", "--json"))) == [
        "alpha",
        "beta",
    ]
    kept = [path.name for path in pulumi.state.parent.glob("*.broken-*")]
    assert len(kept) == (0 if reason == "missing" else 2)
    assert not list(pulumi.locks.iterdir())


def test_pulumi_goes_on_from_what_was_restored(
    pulumi: Pulumi, capsys: pytest.CaptureFixture[str]
) -> None:
    before = pulumi.state.read_bytes()
    cut(pulumi.state)
    cut(pulumi.backup)
    assert "unexpected end of JSON input" in pulumi.up(2, check=False)
    assert pulumi.restore("--yes") == 0
    capsys.readouterr()
    (kept,) = pulumi.state.parent.glob("alpha.json.broken-*")
    assert kept.read_bytes() == before[:700]
    assert "3 unchanged" in pulumi.up(2)
    assert pulumi.restore() == 0
    assert capsys.readouterr().err == "the state of stack alpha is whole: nothing to restore\n"


def test_nothing_is_changed_without_yes(pulumi: Pulumi, capsys: pytest.CaptureFixture[str]) -> None:
    cut(pulumi.state)
    before = pulumi.contents()
    assert pulumi.restore() == 1
    newest = pulumi.checkpoints[0].name
    printed = capsys.readouterr()
    assert printed.err == (
        f"to restore stack alpha from {newest}, add --yes: there is no terminal to ask on; "
        "nothing was changed\n"
    )
    rows = [line.split() for line in printed.out.splitlines()[3:]]
    assert [row[0] for row in rows] == [str(number) for number in range(1, len(rows) + 1)]
    assert [row[1:3] for row in rows] == sorted((row[1:3] for row in rows), reverse=True)
    assert (rows[0][3:], rows[-1][3]) == (["3", newest, "good"], "2")
    assert pulumi.contents() == before


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("yes\n", 0), ("n\n", 1), ("\n", 1)])
def test_on_a_terminal_it_asks(answer: str, code: int, pulumi: Pulumi) -> None:
    cut(pulumi.state)
    before = pulumi.contents()
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "cellwright", "--root", str(pulumi.root)]
    with os.fdopen(ours, "wb", buffering=0) as terminal:
        terminal.write(answer.encode())
        done = subprocess.run(
            [*command, "restore-state", "alpha"],
            stdin=theirs,
            capture_output=True,
            text=True,
            check=False,
        )
    os.close(theirs)
    assert done.returncode == code
    assert f"restore stack alpha from {pulumi.checkpoints[0].name}? [y/N] " in done.stderr
    assert (pulumi.contents() == before) is bool(code)


def test_a_state_that_is_whole_is_left_alone(
    pulumi: Pulumi, capsys: pytest.CaptureFixture[str]
) -> None:
    before = pulumi.contents()
    assert pulumi.restore("--yes") == 0
    assert capsys.readouterr().err == "the state of stack alpha is whole: nothing to restore\n"
    assert pulumi.restore("--yes", "--force") == 0
    assert pulumi.restore("--yes", stack="beta") == 0
    older = pulumi.checkpoints[1]
    capsys.readouterr()
    assert pulumi.restore("--yes", "--checkpoint", older.name) == 1
    assert "it is left alone; add --force to replace it" in capsys.readouterr().err
    assert pulumi.contents() == before
    assert pulumi.restore("--yes", "--checkpoint", older.name, "--force") == 0
    assert pulumi.resources() == 2


def test_another_checkpoint_can_be_chosen(
    pulumi: Pulumi, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    cut(pulumi.state)
    assert pulumi.restore("--format", "json") == 1
    listed = json.loads(capsys.readouterr().out)
    number = next(one["number"] for one in listed["checkpoints"] if one["resources"] == 2)
    assert pulumi.restore("--yes", "--checkpoint", str(number)) == 0
    assert pulumi.resources() == 2
    elsewhere = tmp_path / "elsewhere.json"
    shutil.copy(pulumi.checkpoints[0], elsewhere)
    cut(pulumi.state)
    assert pulumi.restore("--yes", "--checkpoint", str(elsewhere)) == 0
    assert pulumi.resources() == 3


def test_a_broken_checkpoint_is_passed_over(
    pulumi: Pulumi, capsys: pytest.CaptureFixture[str]
) -> None:
    newest, older = pulumi.checkpoints
    shutil.rmtree(pulumi.backups)
    for path in (pulumi.state, pulumi.backup, newest):
        path.write_bytes(b"")
    assert pulumi.restore("--yes") == 0
    printed = capsys.readouterr()
    assert f"{newest.name}  empty\n" in printed.out
    assert pulumi.resources() == 2
    assert pulumi.state.read_bytes() == older.read_bytes()


def test_what_backups_hold_is_taken_where_the_history_is_gone(
    pulumi: Pulumi, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (pulumi.state, pulumi.backup):
        path.write_bytes(b"")
    shutil.rmtree(pulumi.history)
    assert pulumi.restore("--yes") == 0
    assert pulumi.resources() == 3
    assert "alpha.json.bak" not in capsys.readouterr().out.partition("\n#")[2]


def test_the_backup_is_taken_where_it_is_newer_than_the_history(pulumi: Pulumi) -> None:
    shutil.copy(pulumi.state, pulumi.backup)
    cut(pulumi.state)
    pulumi.checkpoints[0].unlink()
    shutil.rmtree(pulumi.backups)
    before = pulumi.backup.read_bytes()
    assert pulumi.restore("--yes") == 0
    assert (pulumi.resources(), pulumi.backup.read_bytes()) == (3, before)


def test_without_a_good_checkpoint_nothing_is_changed(
    pulumi: Pulumi, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (pulumi.state, pulumi.backup, *pulumi.checkpoints, *pulumi.backups.iterdir()):
        cut(path)
    before = pulumi.contents()
    assert pulumi.restore("--yes") == 1
    assert "no checkpoint of stack alpha is good" in capsys.readouterr().err
    assert pulumi.contents() == before
    shutil.rmtree(pulumi.history)
    shutil.rmtree(pulumi.backups)
    assert pulumi.restore("--yes") == 1
    assert "history: no checkpoints\n" in capsys.readouterr().out


def test_pending_operations_are_named(pulumi: Pulumi, capsys: pytest.CaptureFixture[str]) -> None:
    newest = pulumi.checkpoints[0]
    document = json.loads(newest.read_bytes())
    urn = "urn:pulumi:alpha::cellwright::test:index:Thing::late"
    resource = {"urn": urn, "custom": True, "type": "test:index:Thing"}
    document["checkpoint"]["latest"]["pending_operations"] = [
        {"resource": resource, "type": "creating"}
    ]
    newest.write_text(json.dumps(document))
    shutil.rmtree(pulumi.backups)
    for path in (pulumi.state, pulumi.backup):
        cut(path)
    assert pulumi.restore("--yes", "--checkpoint", newest.name) == 0
    printed = capsys.readouterr()
    assert "good, with 1 pending operation\n" in printed.out
    assert f"pending: creating {urn}" in printed.err
    assert len(pulumi.exported()["pending_operations"]) == 1


def test_a_compressed_state_comes_back(pulumi: Pulumi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_SELF_MANAGED_STATE_GZIP", "true")
    pulumi.up(4)
    state = pulumi.state.with_name("alpha.json.gz")
    cut(state, 300)
    assert pulumi.restore("--yes") == 0
    assert pulumi.resources() == 5
    assert gzip.decompress(state.read_bytes()).startswith(b'{"version":3')
    assert not pulumi.state.exists()
    assert "5 unchanged" in pulumi.up(4)


def test_metadata_that_cant_be_read_is_moved_aside(
    pulumi: Pulumi, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pulumi = dataclasses.replace(pulumi, query="")
    monkeypatch.setenv("PULUMI_BACKEND_URL", pulumi.environment["PULUMI_BACKEND_URL"])
    pulumi.up(4)
    pulumi.state.with_name("alpha.json.attrs").write_bytes(b"")
    message = pulumi("stack", "ls", check=False)
    assert "alpha.json.attrs can't be read" in str(explained(pulumi.root, message))
    assert pulumi.restore("--yes") == 0
    assert "its metadata in alpha.json.attrs can't be read" in capsys.readouterr().out
    assert pulumi.resources() == 5
    assert "5 unchanged" in pulumi.up(4)
