"""What is told while stacks run."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console
from rich.live import Live

from cellwright.cli import up_progress
from cellwright.cli.up_progress import Progress
from cellwright.edge.failure import CommandError
from cellwright.edge.up.apply import Outcome
from tests.fleets import demo

FULL = "Deployment app: exceeded quota: cell"


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What clusters answer, by namespace."""
    answers: dict[str, list[str]] = {}
    asked = SimpleNamespace(
        waiting=lambda _kubectl, spaces: {name: answers.get(name, []) for name in spaces}
    )
    monkeypatch.setattr(up_progress, "waiting", asked.waiting)
    return answers


def progress() -> Progress:
    situation: Any = SimpleNamespace(fleet=demo())
    return Progress(situation)


def later(told: Progress, seconds: float = 6) -> None:
    """Ask as if so many seconds had gone by since the stacks started."""
    since = max(one.since for one in told._running.values())
    told._ask(since + seconds)


def test_a_reason_is_told_once_and_again_when_it_changes(
    said: dict[str, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    told = progress()
    told.started("alpha")
    said["cell-alpha"] = [FULL]
    later(told)
    later(told)
    said["cell-alpha"] = ["Deployment app: ImagePullBackOff"]
    later(told)
    assert capsys.readouterr().err.splitlines() == [
        "alpha: started",
        f"alpha: waiting for {FULL}",
        "alpha: waiting for Deployment app: ImagePullBackOff",
    ]


def test_a_stack_that_has_just_started_is_given_a_moment(
    said: dict[str, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    told = progress()
    told.started("alpha")
    said["cell-alpha"] = [FULL]
    later(told, 1)
    assert FULL not in capsys.readouterr().err


def test_nothing_is_told_of_a_stack_that_has_ended(
    said: dict[str, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    told = progress()
    told.started("alpha")
    told.started("beta")
    said["cell-alpha"] = [FULL]
    told.ended(Outcome("alpha", ("local",), ok=True, seconds=7.5, changes="+ 33 created"))
    later(told)
    printed = capsys.readouterr()
    assert printed.out == "alpha: up in 7.5 s (+ 33 created)\n"
    assert FULL not in printed.err


def test_a_cluster_that_does_not_answer_hides_no_other_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def away(*_: Any) -> Any:
        raise CommandError("cluster local does not answer")

    monkeypatch.setattr(up_progress, "waiting", away)
    told = progress()
    told.started("alpha")
    later(told)
    failed = Outcome("alpha", ("local",), ok=False, seconds=9, changes="", reasons=("it is away",))
    told.ended(failed)
    assert capsys.readouterr().err.splitlines()[1:] == [
        "alpha: failed after 9.0 s",
        "  it is away",
    ]


def test_a_reason_can_not_act_on_a_terminal(
    said: dict[str, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    told = progress()
    told.started("alpha")
    said["cell-alpha"] = ["pod \x1b[2J: broken"]
    later(told)
    assert "\x1b" not in capsys.readouterr().err


def test_lines_of_a_terminal_stand_above_what_runs(
    said: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    del said
    file = tmp_path / "terminal"
    with file.open("w") as stream:
        console = Console(file=stream, force_terminal=True, width=80)
        monkeypatch.setattr(up_progress, "_live", lambda: Live(console=console, transient=True))
        monkeypatch.setattr(up_progress, "shows_colours", lambda **_: True)
        with progress() as told:
            told.started("alpha")
            told.ended(Outcome("alpha", ("local",), ok=True, seconds=1, changes="[bold] is text"))
    shown = file.read_text()
    assert "alpha: started" in shown
    assert "[bold] is text" in shown, "what comes from elsewhere is no markup"
