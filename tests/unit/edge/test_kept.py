"""What has not changed is known, and whatever changes is noticed."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cellwright.edge import kept
from cellwright.edge.inputs import read_inputs
from cellwright.edge.kept import cache_folder, file_of, kept_counts
from cellwright.outcome import encode, outcome
from cellwright.problem import NOT_PLACED, Place, Problem
from tests.workspaces import BASE

TYPES = Path(kept.__file__).parents[1] / "kubernetes" / "types.json"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace that has one of everything that a plan depends on."""
    made = tmp_path / "workspace"
    shutil.copytree(BASE, made)
    for name, text in (
        ("organizations/assignments.csv", "organization,cell\n"),
        ("templates/extra/one.yaml.j2", "a: 1"),
        ("schemas/values.json", "{}"),
    ):
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text(text, "utf-8")
    (made / "schemas/kubernetes").mkdir()
    shutil.copy(TYPES, made / "schemas/kubernetes/local.json")
    return made


def file(root: Path) -> str:
    return file_of(read_inputs(str(root)), "/cache")


def append(name: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        with (root / name).open("a", encoding="utf-8") as changed:
            changed.write("\n")

    return change


def test_the_same_workspace_is_known_again(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root, tmp_path / "copy")
    assert file(root) == file(root) == file(tmp_path / "copy")


def test_a_folder_of_libraries_that_is_named_twice_changes_nothing(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = file(root)
    monkeypatch.setattr(sys, "path", [*sys.path, *sys.path])
    assert file(root) == before


@pytest.mark.parametrize(
    "change",
    [
        append("cells/fleet.yaml"),
        append("organizations/assignments.csv"),
        append("templates/extra/one.yaml.j2"),
        append("schemas/values.json"),
        append("schemas/kubernetes/local.json"),
        lambda root: (root / "cells/new.yaml").touch(),
        lambda root: (root / "cells/new.txt").touch(),
        lambda root: (root / "cells/link.yaml").symlink_to("nowhere"),
        lambda root: (root / "templates/two.yaml.j2").touch(),
        lambda root: (root / "templates/two.yaml").touch(),
        lambda root: (root / "templates/extra/one.yaml.j2").rename(root / "templates/one.yaml.j2"),
        lambda root: (root / "schemas/values.json").unlink(),
        lambda root: shutil.copy(TYPES, root / "schemas/kubernetes/other.json"),
    ],
)
def test_whatever_changes_is_noticed(root: Path, change: Callable[[Path], None]) -> None:
    before = file(root)
    change(root)
    assert file(root) != before


@pytest.mark.parametrize(
    "name",
    [
        "plan.py",
        "cli/new.py",
        "schemas/cell.json",
        "templates/cell/limits.yaml.j2",
        "kubernetes/types.json",
    ],
)
def test_another_program_is_noticed(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    package = tmp_path / "package"
    shutil.copytree(kept._PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    before = file(root)
    monkeypatch.setattr(kept, "_PACKAGE", str(package))
    assert file(root) == before
    append(name)(package)
    assert file(root) != before


def test_another_python_or_library_is_noticed(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = file(root)
    (tmp_path / "jinja2-99.0.dist-info").mkdir()
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    other = file(root)
    monkeypatch.setattr(sys, "version", "9.9.9")
    assert len({before, other, file(root)}) == 3


def test_the_size_is_known_without_mistakes_alone(tmp_path: Path) -> None:
    path = tmp_path / "outcome"
    assert kept_counts(str(path)) is None
    homeless = Problem(Place("a"), "", NOT_PLACED, "not placed")
    path.write_bytes(encode(outcome((homeless,), (3, 12, 1), {})))
    os.utime(path, (0, 0))
    assert kept_counts(str(path)) == (3, 12, 1)
    assert path.stat().st_mtime > 0  # it is among those used last
    path.write_bytes(encode(outcome((homeless._replace(code="CW302"),), (3, 12, 1), {})))
    assert kept_counts(str(path)) is None
    path.write_bytes(encode(outcome((), None, {})))
    assert kept_counts(str(path)) is None


@pytest.mark.parametrize("size", [(3, 12, 0), (3, 12, 1)])
def test_a_damaged_size_is_none(tmp_path: Path, size: tuple[int, int, int]) -> None:
    path = tmp_path / "outcome"
    whole = encode(outcome((), size, {}))
    line = whole.index(b"\n") + 1
    for at in range(line):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert kept_counts(str(path)) is None
        path.write_bytes(whole[:at])
        assert kept_counts(str(path)) is None


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"CELLWRIGHT_CACHE": "/c"}, "/c/outcomes"),
        ({"XDG_CACHE_HOME": "/x"}, "/x/cellwright/outcomes"),
        ({"HOME": "/h"}, "/h/.cache/cellwright/outcomes"),
    ],
)
def test_the_folder_is_the_user_s(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: str
) -> None:
    for name in ("CELLWRIGHT_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert cache_folder() == expected
