"""The verb `restore-state`, with the real Pulumi and states that are broken in all ways."""

import dataclasses
import gzip
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cellwright.cli import restore_state
from cellwright.edge import restore
from cellwright.edge.backend import damaged_stacks, explained, find_backend
from tests.cli.backends import Pulumi


@pytest.fixture(scope="module")
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


def cut(path: Path, size: int = 700) -> None:
    os.truncate(path, size)


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


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB, which only root can mount."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a small disk, and not in every container")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path, left: int) -> Path:
    """Fill a disk until only `left` bytes are free."""
    file = disk / "filler"
    file.write_bytes(bytes(shutil.disk_usage(disk).free - left))
    return file


def test_a_disk_that_ran_full(
    original: Pulumi,
    pulumi: Pulumi,
    small_disk: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    full = Pulumi(pulumi.root, small_disk / "state")
    shutil.copytree(original.folder, full.folder)
    monkeypatch.setenv("PULUMI_BACKEND_URL", full.environment["PULUMI_BACKEND_URL"])
    filler = fill(small_disk, 32 * 1024)
    (full.root / "text.txt").write_text("x" * 100_000)
    assert "no space left on device" in full.up(2, check=False)
    message = full("stack", "ls", check=False)
    assert "the state of stack alpha can't be read" in str(explained(full.root, message))
    before = full.contents()
    assert full.restore("--yes") == 1
    printed = capsys.readouterr()
    assert "state file: cut off after " in printed.out
    assert "make space on this disk, then run this again" in printed.err
    assert full.contents() == before
    filler.unlink()
    assert full.restore("--yes") == 0
    assert full.resources() == 3
    (full.root / "text.txt").unlink()
    assert "3 unchanged" in full.up(2)


def test_a_disk_that_is_read_only(
    original: Pulumi,
    pulumi: Pulumi,
    small_disk: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fixed = Pulumi(pulumi.root, small_disk / "state")
    shutil.copytree(original.folder, fixed.folder)
    monkeypatch.setenv("PULUMI_BACKEND_URL", fixed.environment["PULUMI_BACKEND_URL"])
    cut(fixed.state)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    before = fixed.contents()
    assert fixed.restore("--yes") == 1
    assert "read-only file system" in capsys.readouterr().err
    assert fixed.contents() == before
