"""Reading the files of definitions from a real file system, with all that can be there."""

import os
from pathlib import Path

import pytest

from cellwright.edge.definitions import MAX_BYTES, Fault, read_definitions


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in ("cells", "organizations"):
        (tmp_path / folder).mkdir()
    return tmp_path


def read(root: Path) -> tuple[dict[str, bytes], list[str]]:
    faults: list[Fault] = []
    found = read_definitions(str(root), faults)
    return found, [
        f"{name}: {code} {said}" + f" ({hint})" * bool(hint) for name, code, said, hint in faults
    ]


def test_every_file_is_read_in_order(root: Path) -> None:
    (root / "cells" / "eu").mkdir()
    for name in ("cells/b.yaml", "cells/a.yml", "cells/eu/c.yaml", "organizations/x.jsonl"):
        (root / name).write_text(name)
    (root / "organizations" / "assignments.csv").write_text("x")
    found, problems = read(root)
    assert list(found) == [
        "cells/a.yml",
        "cells/b.yaml",
        "cells/eu/c.yaml",
        "organizations/assignments.csv",
        "organizations/x.jsonl",
    ]
    assert found["cells/eu/c.yaml"] == b"cells/eu/c.yaml"
    assert problems == []


def test_a_pipe_is_not_waited_for(root: Path) -> None:
    os.mkfifo(root / "cells" / "a.yaml")
    assert read(root) == ({}, ["cells/a.yaml: CW001 not a regular file"])


def test_a_file_of_300_megabytes_is_not_read(root: Path) -> None:
    with (root / "organizations" / "all.jsonl").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    found, problems = read(root)
    assert found == {}
    (problem,) = problems
    assert problem == (
        f"organizations/all.jsonl: CW007 {MAX_BYTES + 1} bytes, more than {MAX_BYTES} "
        "(spread bulk organizations over several files)"
    )


def test_a_name_that_is_not_utf_8(root: Path) -> None:
    Path(os.fsdecode(os.fsencode(root / "cells") + b"/b\xff.yaml")).write_text("a: 1")
    assert read(root) == (
        {},
        ["cells/b\\xff.yaml: CW001 its name is not UTF-8 (give it another name)"],
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_what_may_not_be_read(root: Path) -> None:
    (root / "cells" / "a.yaml").write_text("a: 1")
    (root / "cells" / "a.yaml").chmod(0)
    (root / "organizations").chmod(0)
    found, problems = read(root)
    (root / "organizations").chmod(0o700)
    assert found == {}
    assert problems == [
        "cells/a.yaml: CW001 can't be read: permission denied",
        "organizations: CW001 can't be read: permission denied",
    ]


def test_folders_that_are_not_there(tmp_path: Path) -> None:
    assert read(tmp_path) == (
        {},
        ["cells: CW001 the folder is missing (cells and the fleet are declared there)"],
    )


def test_a_folder_may_be_a_link_as_a_whole(root: Path, tmp_path: Path) -> None:
    (tmp_path / "teams").mkdir()
    (tmp_path / "teams" / "a.yaml").write_text("a: 1")
    (root / "organizations").rmdir()
    (root / "organizations").symlink_to("teams")
    assert read(root) == ({"organizations/a.yaml": b"a: 1"}, [])


def test_what_belongs_to_people_and_their_tools_is_left_alone(root: Path) -> None:
    for name in (".a.yaml", "README.md", ".#a.yaml"):
        (root / "cells" / name).write_text("{")
    (root / "cells" / ".git").mkdir()
    (root / "cells" / ".git" / "a.yaml").write_text("{")
    assert read(root) == ({}, [])
