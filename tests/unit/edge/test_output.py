"""Rendered files are written whole, and only what was written is ever removed."""

from pathlib import Path

import pytest

from cellwright.edge.output import INDEX, Written, read_tree, write

TEXTS = {"alpha/a.yaml": "a: 1\n", "alpha/b.yaml": "b: 1\n", "fleet/c.yaml": "c: 1\n"}


def tree(folder: Path) -> set[str]:
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return set(found) - {INDEX}


def test_files_are_written_once(tmp_path: Path) -> None:
    assert write(tmp_path, TEXTS, None) == Written(3, 0, 0, ())
    assert (tmp_path / "alpha/a.yaml").read_text("utf-8") == "a: 1\n"
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert write(tmp_path, TEXTS, None) == Written(0, 3, 0, ())
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_stale_files_and_empty_folders_go(tmp_path: Path) -> None:
    write(tmp_path, TEXTS, None)
    assert write(tmp_path, {"alpha/a.yaml": "a: 2\n"}, None) == Written(1, 0, 2, ())
    assert tree(tmp_path) == {"alpha/a.yaml"}
    assert not (tmp_path / "fleet").exists()


def test_other_stacks_are_left_alone(tmp_path: Path) -> None:
    write(tmp_path, TEXTS, None)
    write(tmp_path, {"alpha/a.yaml": "a: 1\n"}, frozenset({"alpha"}))
    assert tree(tmp_path) == {"alpha/a.yaml", "fleet/c.yaml"}
    write(tmp_path, {}, None)
    assert tree(tmp_path) == set()


def test_files_of_others_are_neither_removed_nor_overwritten(tmp_path: Path) -> None:
    (tmp_path / "alpha").mkdir()
    (tmp_path / "alpha/mine.yaml").write_text("mine", "utf-8")
    write(tmp_path, TEXTS, None)
    write(tmp_path, {}, None)
    assert tree(tmp_path) == {"alpha/mine.yaml"}
    with pytest.raises(FileExistsError, match="not written by cellwright"):
        write(tmp_path, {"alpha/mine.yaml": "ours", "alpha/new.yaml": "x"}, None)
    assert tree(tmp_path) == {"alpha/mine.yaml"}
    assert (tmp_path / "alpha/mine.yaml").read_text("utf-8") == "mine"


def test_a_file_that_somebody_changed_stays(tmp_path: Path) -> None:
    write(tmp_path, TEXTS, None)
    (tmp_path / "alpha/a.yaml").write_text("a: mine\n", "utf-8")
    with pytest.raises(FileExistsError, match="changed since"):
        write(tmp_path, TEXTS, None)
    assert write(tmp_path, {}, None) == Written(0, 0, 2, ("alpha/a.yaml",))
    assert tree(tmp_path) == {"alpha/a.yaml"}


def test_a_file_that_somebody_removed_is_written_again(tmp_path: Path) -> None:
    write(tmp_path, TEXTS, None)
    (tmp_path / "alpha/a.yaml").unlink()
    assert write(tmp_path, TEXTS, None) == Written(1, 2, 0, ())


@pytest.mark.parametrize("path", ["../outside", "/etc/x", "a/../../outside"])
def test_a_list_that_leads_outside_is_refused(tmp_path: Path, path: str) -> None:
    (tmp_path / INDEX).write_text(f"{'0' * 64}  {path}\n", "utf-8")
    with pytest.raises(FileExistsError, match="not a path inside"):
        write(tmp_path, {}, None)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    write(tmp_path, TEXTS, None)
    (tmp_path / "alpha/stray.yaml").write_text("x", "utf-8")
    assert read_tree(tmp_path) == {path: text.encode() for path, text in TEXTS.items()}
    with pytest.raises(FileNotFoundError, match="not written by"):
        read_tree(tmp_path / "alpha")
