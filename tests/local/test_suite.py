"""Linters and tests, in their order."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from local import suite
from local.errors import Failed
from local.place import Place
from tests.local.standins import ROOT, Shown, appears, is_gone, script


def test_folders_come_in_the_order_of_what_they_need(where: Place, tmp_path: Path) -> None:
    for name in ("end_to_end", "local", "router", "app", "new", "mocks", "unit", "provider"):
        (tmp_path / "tests" / name / "sub").mkdir(parents=True)
        (tmp_path / "tests" / name / "sub" / "test_x.py").write_text("")
    (tmp_path / "tests" / "cases" / "valid").mkdir(parents=True)
    found = suite.folders(replace(where, root=tmp_path))
    assert [folder.name for folder in found.plain] == ["unit", "mocks", "new"]
    assert [folder.name for folder in found.containers] == ["app", "local", "router"]
    assert [folder.name for folder in found.provider] == ["provider"]
    assert [folder.name for folder in found.end_to_end] == ["end_to_end"]


def test_no_folder_of_the_project_is_left_out(where: Place) -> None:
    found = suite.folders(where)
    run = [*found.plain, *found.containers, *found.provider, *found.end_to_end]
    holding = {one.relative_to(ROOT).parts[1] for one in ROOT.glob("tests/**/test_*.py")}
    assert sorted(folder.name for folder in run) == sorted(holding)


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


@pytest.fixture
def python(where: Place, tmp_path: Path) -> Callable[[str], Place]:
    """Return what makes a place whose Python is a shell script."""

    def make(text: str) -> Place:
        script(tmp_path / ".venv" / "bin" / "python", text)
        return replace(where, root=tmp_path)

    return make


def test_tests_run_beside_others_and_are_shown_in_one_piece(
    python: Callable[[str], Place], shown: Shown, tmp_path: Path
) -> None:
    there = python(f'echo "$* $NAME"; while ! test -e {tmp_path}/go; do sleep 0.05; done; echo 2')
    with suite.beside([Path("a"), Path("b")], there, {"NAME": "x"}, shown.report) as running:
        assert appears(there.logs / "pytest.log") == "-m pytest a b x"
        assert "-m pytest" not in shown.text
        (tmp_path / "go").touch()
        assert running.finish() == "passed"
        assert shown.text.endswith("\n-m pytest a b x\n2\n")
    assert shown.text.count("-m pytest a b x") == 1


def test_failed_tests_beside_others_fail_the_command(
    python: Callable[[str], Place], shown: Shown
) -> None:
    there = python("echo why; exit 1")
    with (
        pytest.raises(Failed, match="pytest ended with exit code 1"),
        suite.beside([Path("a")], there, {}, shown.report) as running,
    ):
        running.finish()
    assert shown.text.endswith("\nwhy\n")


@pytest.mark.parametrize("error", [Failed("the others failed"), KeyboardInterrupt()])
def test_tests_beside_others_end_with_them_and_tell_how_far_they_came(
    python: Callable[[str], Place], shown: Shown, tmp_path: Path, error: BaseException
) -> None:
    pid = tmp_path / "pid"
    text = f'trap "echo so far; exit 2" INT; echo $$ > {pid}; while :; do sleep 0.05; done'
    there = python(text)

    def others() -> None:
        with suite.beside([Path("a")], there, {}, shown.report):
            appears(pid)
            raise error

    with pytest.raises(type(error)) as raised:
        others()
    assert raised.value is error
    assert is_gone(int(pid.read_text()))
    assert shown.text.endswith("\nso far\n")


def test_nothing_to_run_beside_others_never_means_all_tests(where: Place, shown: Shown) -> None:
    with (
        pytest.raises(Failed, match="no tests to run at the same time"),
        suite.beside([], where, {}, shown.report),
    ):
        pytest.fail("it was begun")
