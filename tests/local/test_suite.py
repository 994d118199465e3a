"""Linters and tests, in their order."""

from dataclasses import replace
from pathlib import Path

import pytest

from local import suite
from local.errors import Failed
from local.place import Place
from tests.local.standins import Shown, script


def test_folders_come_in_the_order_of_what_they_need(where: Place, tmp_path: Path) -> None:
    for name in ("end_to_end", "local", "router", "app", "mocks", "unit", "provider", "golden"):
        (tmp_path / "tests" / name / "sub").mkdir(parents=True)
        (tmp_path / "tests" / name / "sub" / "test_x.py").write_text("")
    (tmp_path / "tests" / "cases" / "valid").mkdir(parents=True)
    first, second = suite.folders(replace(where, root=tmp_path))
    assert [folder.name for folder in first] == ["unit", "golden", "mocks", "app", "router"]
    assert [folder.name for folder in second] == ["provider", "local", "end_to_end"]


def test_every_linter_runs_and_all_findings_are_named(
    where: Place, shown: Shown, tmp_path: Path
) -> None:
    there = replace(where, root=tmp_path)
    notes = tmp_path / "notes"
    for name in {linter for linter, *_ in suite.LINTERS}:
        text = f'echo "{name} $*" >> {notes}; test "{name} $1" != "ruff format"'
        script(tmp_path / ".venv" / "bin" / name, text)
    with pytest.raises(Failed, match=r"there are some from: ruff format --check$"):
        suite.lint(there, shown.report)
    assert notes.read_text().split("\n")[:-1] == [
        f"{linter} {' '.join(options)}" for linter, *options in suite.LINTERS
    ]


def test_linters_that_are_not_there_yet_are_told(
    where: Place, shown: Shown, tmp_path: Path
) -> None:
    with pytest.raises(Failed, match=r"no linters in .*\.venv yet: run `make setup`"):
        suite.lint(replace(where, root=tmp_path), shown.report)


def test_failed_tests_fail_the_command(where: Place, shown: Shown, tmp_path: Path) -> None:
    there = replace(where, root=tmp_path)
    script(tmp_path / ".venv" / "bin" / "python", 'test "$*" = "-m pytest a b" && exit 1; exit 2')
    with pytest.raises(Failed, match="pytest ended with exit code 1"):
        suite.pytest([Path("a"), Path("b")], there, {}, shown.report)


def test_tests_get_the_environment_of_the_cluster(
    where: Place, shown: Shown, tmp_path: Path
) -> None:
    script(tmp_path / ".venv" / "bin" / "python", 'test "$KUBECONFIG" = here')
    there = replace(where, root=tmp_path)
    assert suite.pytest([Path("a")], there, {"KUBECONFIG": "here"}, shown.report) == "passed"
    assert suite.pytest([], there, {}, shown.report) == "no tests"
