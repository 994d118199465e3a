"""The virtual environment: made again only when what it is made from has changed."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from local import venv
from local.place import Place
from local.process import ProgramFailed
from tests.local.standins import Shown, script

PYTHON = """
case "$1" in
  -c) test -e {broken} && exit 1; echo "{version}";;
  *) echo "$*" >> {notes}; test ! -e {away};;
esac
"""


@pytest.fixture
def project(where: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Return a project whose Python notes in `notes` what it is asked to install."""
    names = {name: tmp_path / name for name in ("broken", "notes", "away")}
    inside = script(tmp_path / "python", PYTHON.format(version=sys.version, **names))
    folder = f"{tmp_path}/project/.venv/bin"
    make = f"echo made >> {names['notes']}; mkdir -p {folder}; cp {inside} {folder}/python"
    monkeypatch.setattr(venv, "base_python", lambda: script(tmp_path / "base", make))
    root = tmp_path / "project"
    root.mkdir()
    for name in ("requirements.txt", "pyproject.toml"):
        (root / name).write_text("")
    return replace(where, root=root)


def notes(project: Place) -> list[str]:
    """Return what was done since the last time that this was asked."""
    file = project.root.parent / "notes"
    said = file.read_text().splitlines() if file.exists() else []
    file.unlink(missing_ok=True)
    return ["made" if line == "made" else line.split("--no-input ")[1] for line in said]


def installs(project: Place) -> list[str]:
    return [
        f"--require-hashes -r {project.root}/requirements.txt",
        f"--no-deps --no-build-isolation --editable {project.root}",
    ]


def test_it_is_made_once_from_pinned_packages_and_the_project(project: Place, shown: Shown) -> None:
    assert venv.ensure(project, shown.report) == "made"
    assert notes(project) == ["made", *installs(project)]
    assert venv.ensure(project, shown.report) == "up to date"
    assert notes(project) == []


@pytest.mark.parametrize("name", ["requirements.txt", "pyproject.toml"])
def test_other_packages_are_installed_into_it(project: Place, shown: Shown, name: str) -> None:
    venv.ensure(project, shown.report)
    notes(project)
    (project.root / name).write_text("changed")
    assert venv.ensure(project, shown.report) == "made"
    assert notes(project) == installs(project)


def test_one_that_does_not_work_is_made_anew(project: Place, shown: Shown) -> None:
    venv.ensure(project, shown.report)
    notes(project)
    (project.root / "requirements.txt").write_text("changed")
    (project.root.parent / "broken").touch()
    venv.ensure(project, shown.report)
    assert notes(project) == ["made", *installs(project)]


def test_one_whose_packages_did_not_come_goes_on_the_next_time(
    project: Place, shown: Shown
) -> None:
    (project.root.parent / "away").touch()
    with pytest.raises(ProgramFailed, match="failed with exit code 1"):
        venv.ensure(project, shown.report)
    (project.root.parent / "away").unlink()
    notes(project)
    assert venv.ensure(project, shown.report) == "made"
    assert notes(project) == installs(project)
