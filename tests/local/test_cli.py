"""What becomes of failures: exit codes and sentences, never a traceback."""

import io
import json
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from local import cli, commands, engine
from local.environment import is_prepared, prepare
from local.errors import Failed
from local.place import Place
from local.process import capture
from local.report import Report
from tests.local.standins import ROOT, appears, is_gone, python, script


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


def test_what_cannot_be_a_state_folder_is_told(
    where: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    where.state.write_text("")
    assert cli.main(["setup"]) == 1
    said = capsys.readouterr().err
    assert said == f"setup: {where.state} cannot be a state folder: File exists\n"


def test_details_that_cannot_be_kept_are_no_traceback(
    where: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    where.cache.write_text("")  # neither a lock nor a log can be made in it
    assert cli.main(["setup"]) == 3
    assert "the details cannot be written to" in capsys.readouterr().err


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


def test_env_without_set_up_says_what_to_do_and_leaves_nothing(
    where: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pulumi = 'mkdir -p "$PULUMI_HOME"; echo v3.259.0'
    script(where.cache.parent / "bin" / "pulumi", pulumi)
    script(where.cache.parent / "bin" / "pulumi-language-python", "")
    monkeypatch.setenv("PATH", f"{where.cache.parent}/bin:/usr/bin:/bin")
    assert cli.main(["env"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"env: nothing is set up in {where.state} yet: run `make setup`\n"
    assert not where.state.exists()


def test_env_after_half_a_set_up_says_what_is_missing(
    where: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare(where)
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


def test_a_command_that_waits_for_down_finds_a_state_folder(tmp_path: Path, where: Place) -> None:
    down = SLEEPER.replace("def sleep(run):", "from local import environment\ndef sleep(run):")
    down = down.replace(".out)\n", ".out)\n    environment.remove(run.place)\n")
    gate = tmp_path / "gate"
    wait = f"echo up > {tmp_path}/a; while ! test -e {gate}; do sleep 0.05; done"
    with python(down, wait) as first:
        appears(tmp_path / "a")
        with python(SLEEPER, "true") as second:
            assert second.stdout is not None
            assert "waiting for another command" in second.stdout.readline()
            gate.touch()
            second.communicate(timeout=20)
        first.communicate(timeout=20)
        assert (first.returncode, second.returncode) == (0, 0)
    assert is_prepared(where)


def test_a_hang_up_that_is_to_be_ignored_is(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    wait = f"echo up > {tmp_path}/a; while ! test -e {gate}; do sleep 0.05; done"
    ignoring = "import signal\nsignal.signal(signal.SIGHUP, signal.SIG_IGN)\n" + SLEEPER
    with python(ignoring, wait) as program:  # as nohup starts it
        appears(tmp_path / "a")
        program.send_signal(signal.SIGHUP)
        gate.touch()
        program.communicate(timeout=20)
        assert program.returncode == 0


def test_the_reason_of_a_failed_test_run_is_not_lost_in_cleaning_up(
    where: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(_run: commands.Run) -> None:
        raise Failed("missing: docker")

    monkeypatch.setattr(commands, "make_cluster", stop)
    monkeypatch.setattr(cli, "place", lambda _: replace(where, root=where.cache.parent / "root"))
    monkeypatch.setenv("PATH", "/nowhere")
    assert cli.main(["test-provider"]) == 1
    assert capsys.readouterr().err == "test-provider: missing: docker\n"
    assert not (where.cache.parent / "root" / ".state-test").exists()


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


def test_make_lists_its_targets_with_what_they_do() -> None:
    said = capture(["make", "--no-print-directory", "help"], timeout=20, cwd=ROOT).out.splitlines()
    assert {line.split()[0] for line in said} == {"help", *cli.COMMANDS}
    assert 'env             print exports: eval "$(make env)"' in said


def test_make_has_a_target_for_every_command() -> None:
    text = (ROOT / "Makefile").read_text()
    targets = next(line for line in text.splitlines() if line.startswith("setup up "))
    assert set(targets.rstrip(":").split()) == set(cli.COMMANDS)
