"""The reader of command lines can tell right from wrong."""

from pathlib import Path

import pytest

from tests.docs.blocks import Block, Step, fits
from tests.docs.session import play


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        (("a", "b"), ["a", "b"], True),
        (("a", "b"), ["a", "c"], False),
        (("a",), ["a", "b"], False),
        ((), [], True),
        ((), ["a"], False),
        (("a", "…"), ["a", "b", "c"], True),
        (("a", "…"), ["a"], True),
        (("…", "c"), ["a", "b", "c"], True),
        (("…", "c"), ["a", "b"], False),
        (("a.c",), ["abc"], False),
        (("… of 3",), ["2 of 3"], True),
        (("… of 3",), ["2 of 4"], False),
    ],
)
def test_output_fits_what_is_shown(shown: tuple[str, ...], printed: list[str], same: bool) -> None:
    assert fits(shown, printed) is same


def test_commands_and_their_output_are_told_apart() -> None:
    block = Block("x.md", 10, ("console",), "$ a \\\n    b\nout\n\n$ c\n")
    assert block.steps == [Step(10, "a \\\n    b", ("out", "")), Step(14, "c", ())]


def test_a_session_keeps_its_folder_and_its_exit_code(tmp_path: Path) -> None:
    steps = [
        Step(1, "mkdir x && cd x", ()),
        Step(2, "basename $PWD", ("x",)),
        Step(3, "false", ()),
        Step(4, "echo $?", ("1",)),
        Step(5, "echo oops >&2", ("oops",)),
    ]
    play("x.md", steps, tmp_path)


@pytest.mark.parametrize(
    "steps",
    [
        [Step(1, "echo a", ("b",))],
        [Step(1, "false", ())],
        [Step(1, "exit 0", ()), Step(2, "true", ())],
        [Step(1, "nonsense-command", ())],
    ],
)
def test_a_session_that_differs_fails(steps: list[Step], tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        play("x.md", steps, tmp_path)
