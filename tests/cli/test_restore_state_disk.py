"""The verb `restore-state` on a disk that is full or read-only."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cellwright.edge.backend import explained
from tests.cli.backends import Pulumi, cut


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
