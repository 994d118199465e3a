"""The registry of codes: its examples show what they say."""

import re
from pathlib import Path

import pytest

from cellwright.codes import CODES
from cellwright.edge.files import read
from cellwright.fixed import fixed
from cellwright.loading import load
from cellwright.plan import plan
from cellwright.standing import change_problems
from tests.workspaces import build

SHOWN = {code: one for code, one in CODES.items() if one.file}
SOURCES = Path(__file__).parents[2] / "src" / "cellwright"


def codes_of(tmp_path: Path, name: str, file: str, text: str) -> set[str]:
    """Return the codes that the base's workspace gives with one file more."""
    root = build(tmp_path / name)
    if text:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(text, "utf-8")
    snapshot = read(root)
    found = {one.code for one in plan(snapshot).problems}
    before, after = load(read(build(tmp_path / f"{name}-before")))[0], load(snapshot)[0]
    if before and after:
        found |= {one.code for one in change_problems(fixed(before), after, snapshot.definitions)}
    return found


@pytest.mark.parametrize("code", SHOWN)
def test_the_wrong_example_gives_the_code_and_no_other_and_the_right_one_does_not(
    code: str, tmp_path: Path
) -> None:
    one = SHOWN[code]
    assert codes_of(tmp_path, "wrong", one.file, one.wrong) == {code}
    assert codes_of(tmp_path, "right", one.file, one.right) <= {"CW216"}


@pytest.mark.parametrize("code", CODES)
def test_a_code_is_explained(code: str) -> None:
    one = CODES[code]
    assert one.summary
    assert not one.summary.endswith(".")
    assert one.explanation.endswith(".")
    assert one.wrong
    assert one.right or one.file.endswith(".yalm")


def test_no_code_is_used_that_is_not_registered() -> None:
    used = {
        code
        for path in SOURCES.rglob("*.py")
        if path.name != "codes.py"
        for code in re.findall(r"\bCW\d{3}\b", path.read_text("utf-8"))
    }
    assert used == CODES.keys()
