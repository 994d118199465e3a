"""All workspaces below tests/cases, through the same path as `cellwright check`.

`pytest tests/unit/test_cases.py --update` writes what is found as what is expected; read it.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from cellwright.cli.main import main
from cellwright.codes import CODES
from cellwright.edge.files import read
from cellwright.fixed import fixed
from cellwright.loading import load
from cellwright.plan import plan
from cellwright.problem import Problem
from cellwright.standing import change_problems
from tests.workspaces import APPLIED, BEFORE, CASES, PROBLEMS, build, written

INVALID = sorted(path for path in (CASES / "invalid").iterdir() if path.is_dir())
VALID = sorted(path for path in (CASES / "valid").iterdir() if path.is_dir())


def checked(folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    code = main(["--root", str(folder), "check", "--format", "json"])
    return code, written(json.loads(capsys.readouterr().out))


def changed(before: Path, after: Path) -> str:
    snapshot = read(after)
    old, new = load(read(before))[0], load(snapshot)[0]
    assert old is not None
    assert new is not None
    return listed(sorted(change_problems(fixed(old), new, snapshot.definitions)))


def listed(problems: Sequence[Problem]) -> str:
    return written([{**one.place._asdict(), **one._asdict()} for one in problems])


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELLWRIGHT_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("case", INVALID, ids=lambda case: case.name)
def test_each_problem_is_found(
    case: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> None:
    workspace = build(tmp_path / "workspace", case)
    if (case / APPLIED).exists():
        assert checked(workspace, capsys) == (0, "")
        found = listed(plan(read(workspace)).problems)
    elif (case / BEFORE).exists():
        assert checked(workspace, capsys) == (0, "")
        found = changed(build(tmp_path / "before", case / BEFORE), workspace)
    else:
        code, found = checked(workspace, capsys)
        assert code == 1
    if request.config.getoption("--update"):
        (case / PROBLEMS).write_text(found, "utf-8")
    assert found
    assert found == (case / PROBLEMS).read_text("utf-8")


@pytest.mark.parametrize("case", VALID, ids=lambda case: case.name)
def test_what_is_right_is_left_alone(
    case: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert checked(build(tmp_path / "workspace", case), capsys) == (0, "")


NOT_OF_DEFINITIONS = {
    *("CW403", "CW406", "CW411", "CW412", "CW413"),
    *("CW420", "CW421", "CW422", "CW423"),
}
"""What only clusters show: see test_forbidden, test_standing and the tests of `up`."""


def test_every_code_has_a_case() -> None:
    texts = [(case / PROBLEMS).read_text("utf-8") for case in INVALID]
    shown = {
        line.split(" ", 2)[1] for text in texts for line in text.splitlines() if line[0] != " "
    }
    assert shown <= CODES.keys()
    assert CODES.keys() - shown == NOT_OF_DEFINITIONS
    assert len(INVALID) >= 150
