"""A workspace as a commit has it, and nothing of the working tree touched."""

import subprocess
from pathlib import Path

import pytest

from cellwright.edge.failure import CommandError
from cellwright.edge.git import checked_out


def git(folder: Path, *arguments: str) -> str:
    settings = ["-c", "user.name=Tester", "-c", "user.email=tester@example.com"]
    command = ["git", *settings, *arguments]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one commit, whose workspace lies in the folder `below`."""
    git(tmp_path, "init", "--quiet")
    (tmp_path / "below").mkdir()
    (tmp_path / "below/file.yaml").write_bytes(b"one \xff\r\n")
    (tmp_path / "above.yaml").write_text("above", "utf-8")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "first")
    return tmp_path


def test_files_are_as_they_were_committed(repository: Path) -> None:
    (repository / "below/file.yaml").write_text("two", "utf-8")
    (repository / "below/staged.yaml").write_text("three", "utf-8")
    git(repository, "add", "below/staged.yaml")
    before = git(repository, "status", "--porcelain")
    with checked_out(repository / "below", "HEAD") as folder:
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
            "file.yaml": b"one \xff\r\n"
        }
    assert not folder.exists()
    assert git(repository, "status", "--porcelain") == before


def test_the_whole_repository_may_be_the_workspace(repository: Path) -> None:
    with checked_out(repository, "HEAD") as folder:
        assert sorted(path.name for path in folder.iterdir()) == ["above.yaml", "below"]


@pytest.mark.parametrize("ref", ["nowhere", "--help", "", "HEAD:above.yaml", "a b"])
def test_what_is_no_commit_is_refused(repository: Path, ref: str) -> None:
    with (
        pytest.raises(CommandError, match="no commit of git"),
        checked_out(repository, ref),
    ):
        pass


def test_a_commit_without_the_workspace_is_refused(repository: Path) -> None:
    (repository / "new").mkdir()
    with (
        pytest.raises(CommandError, match="no folder new"),
        checked_out(repository / "new", "HEAD"),
    ):
        pass


def test_a_folder_outside_of_git_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with (
        pytest.raises(CommandError, match="no commit of git"),
        checked_out(tmp_path, "HEAD"),
    ):
        pass
