"""What becomes of failures: exit codes and sentences, never a traceback."""

import io
import json
import signal
from pathlib import Path

import pytest

from local import cli, commands, engine
from local.errors import Failed
from local.place import Place
from local.report import Report
from tests.local.standins import ROOT, appears, is_gone, python


@pytest.fixture(autouse=True)
def _state(where: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELLWRIGHT_STATE", str(where.state))
    monkeypatch.setenv("CELLWRIGHT_CACHE", str(where.cache))
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # pytest keeps its own


def behave(monkeypatch: pytest.MonkeyPatch, error: BaseException | None) -> None:
    """Make the set-up end in some way."""

    def setup(_run: commands.Run) -> None:
        if error:
            raise error

    monkeypatch.setitem(cli.COMMANDS, "setup", setup)


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (None, 0, ""),
        (Failed("expected this"), 1, "setup: expected this\n"),
        (KeyboardInterrupt(), 130, "setup: interrupted; the same command goes on where"),
        (ValueError("odd"), 3, "setup: unexpected: ValueError('odd'); the details are in "),
    ],
)
def test_failures_become_exit_codes_and_sentences(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException | None,
    code: int,
    said: str,
) -> None:
    behave(monkeypatch, error)
    assert cli.main(["setup"]) == code
    err = capsys.readouterr().err
    assert err.startswith(said)
    assert "Traceback" not in err


def test_an_unexpected_failure_leaves_a_log(monkeypatch: pytest.MonkeyPatch, where: Place) -> None:
    behave(monkeypatch, ValueError("odd"))
    cli.main(["setup"])
    assert "ValueError: odd" in (where.state / "unexpected.log").read_text()


def test_down_leaves_nothing_and_can_be_repeated(
    monkeypatch: pytest.MonkeyPatch, where: Place
) -> None:
    monkeypatch.setattr(engine, "answers", lambda: False)
    for _ in range(2):
        assert cli.main(["down"]) == 0
        assert not where.state.exists()


def test_an_unknown_command_is_a_matter_of_usage() -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(["fly"])
    assert stop.value.code == 2


def test_env_without_set_up_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert cli.main(["env"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("env: pulumi (3.259.0 or newer, below 4) is not there yet")


SLEEPER = """
import sys
from local import cli
from local.process import capture
def sleep(run):
    run.report.step("sleep", lambda: capture(["sh", "-c", sys.argv[1]], timeout=100).out)
cli.COMMANDS["setup"] = sleep
sys.exit(cli.main(["setup"]))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_command_ends_its_programs(tmp_path: Path, number: signal.Signals) -> None:
    pid = tmp_path / "pid"
    with python(SLEEPER, f"sleep 100 & echo $! > {pid}; wait") as program:
        child = int(appears(pid))
        program.send_signal(number)
        out, err = program.communicate(timeout=20)
        assert program.returncode == 130
    assert is_gone(child)
    assert "sleep                    stopped after" in out
    assert err == "setup: interrupted; the same command goes on where this one was\n"


def test_a_reader_that_has_seen_enough_is_no_error_message(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with python(SLEEPER, f"while ! test -e {gate}; do sleep 0.05; done") as program:
        assert program.stdout is not None
        assert program.stderr is not None
        program.stdout.close()
        gate.touch()
        assert program.stderr.read() == ""
        assert program.wait(20) == 1


def test_two_commands_on_one_state_folder_wait_for_each_other(tmp_path: Path) -> None:
    with python(SLEEPER, f"echo > {tmp_path}/a; echo up > {tmp_path}/a; sleep 1") as first:
        appears(tmp_path / "a")
        with python(SLEEPER, f"cat {tmp_path}/a") as second:
            said = second.communicate(timeout=20)[0]
        first.communicate(timeout=20)
        assert (first.returncode, second.returncode) == (0, 0)
    assert "waiting for another command on" in said


def test_times_are_kept_for_a_benchmark(tmp_path: Path) -> None:
    ticks = iter([0.0, 1.5, 2.0, 2.25])
    sink = io.StringIO()
    report = Report(sink, tmp_path / "times.json", clock=lambda: next(ticks))
    report.step("one", lambda: "done")
    report.step("two", lambda: "present")
    assert json.loads((tmp_path / "times.json").read_text()) == {
        "steps": [
            {"name": "one", "outcome": "done", "seconds": 1.5},
            {"name": "two", "outcome": "present", "seconds": 0.25},
        ],
        "total_s": 1.75,
    }
    assert [line.split() for line in sink.getvalue().splitlines()] == [
        ["one", "done", "1.5", "s"],
        ["two", "present", "0.2", "s"],
    ]


def test_an_old_python_is_refused_in_words() -> None:
    code = (
        "import runpy, sys\nsys.version_info = (3, 9, 2)\nsys.version = '3.9.2 (main)'\n"
        "runpy.run_module('local', run_name='__main__')"
    )
    with python(code) as program:
        _, err = program.communicate(timeout=20)
    assert (program.returncode, err) == (1, "Python 3.11 or newer is needed, this is 3.9.2\n")


def test_make_has_a_target_for_every_command() -> None:
    text = (ROOT / "Makefile").read_text()
    targets = next(line for line in text.splitlines() if line.startswith("setup up "))
    assert set(targets.rstrip(":").split()) == set(cli.COMMANDS)
