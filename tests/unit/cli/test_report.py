"""What is printed can't act on the terminal, and is coloured only where that is wanted."""

import io
import json
import re
from contextlib import redirect_stdout
from typing import Any

import pytest

from cellwright.cli.report import BOLD, say, table
from cellwright.cli.results import problems_as_text, put_json
from cellwright.problem import Place, Problem


class Terminal(io.StringIO):
    """An output that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal, to redirect standard output to."""
    found = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return found


def test_a_terminal_gets_colours(terminal: Terminal) -> None:
    with redirect_stdout(terminal):
        say("a ", ("b", BOLD), ("", BOLD))
    assert terminal.getvalue() == "a \x1b[1mb\x1b[0m\n"


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_no_colours_where_they_are_not_wanted(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with redirect_stdout(terminal):
        say(("b", BOLD))
    assert terminal.getvalue() == "b\n"


def test_a_file_gets_no_colours(capsys: pytest.CaptureFixture[str]) -> None:
    say(("b", BOLD))
    assert capsys.readouterr().out == "b\n"


def test_control_characters_are_shown(terminal: Terminal) -> None:
    with redirect_stdout(terminal):
        say("a\x1b[2J\r\n\x9b\u202e\u2066b\tc")
    assert terminal.getvalue() == "a\\x1b[2J\\r\\n\\x9b\\u202e\\u2066b\tc\n"


@pytest.mark.parametrize("value", [{"a\x9b": ["\u202e", "\x7f\n", "ä\udcff"]}, [], {"b": [{}]}])
def test_json_is_the_same_value_without_control_characters(value: Any, terminal: Terminal) -> None:
    with redirect_stdout(terminal):
        put_json(value)
    text = terminal.getvalue()
    assert json.loads(text) == value
    assert not any(harmful in text for harmful in "\x9b\u202e\x7f")


PROBLEMS = [
    Problem(Place("a", 2, 3), "spec.id", "CW104", "too small", "write 1"),
    Problem(Place("b"), "", "CW001", "not a file"),
]


def test_a_problem_reads_the_same_wherever_it_is_told(
    terminal: Terminal, capsys: pytest.CaptureFixture[str]
) -> None:
    problems_as_text(PROBLEMS)
    told = capsys.readouterr()
    assert told.out.splitlines() == [str(one) for one in PROBLEMS]
    assert told.err == "2 problems\n"
    with redirect_stdout(terminal):
        problems_as_text(PROBLEMS)
    assert re.sub(r"\x1b\[\d+m", "", terminal.getvalue()) == told.out
    assert terminal.getvalue().startswith("\x1b[1ma:2:3\x1b[0m: \x1b[31mCW104\x1b[0m spec.id: ")


def test_columns_are_as_wide_as_they_need_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    table(("A", "B"), [("long word", "x"), ("y", "z")])
    assert capsys.readouterr().out == "A          B\nlong word  x\ny          z\n"
