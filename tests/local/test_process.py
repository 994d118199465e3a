"""Programs that are started end with all their children, and say why they failed."""

import os
import signal
from pathlib import Path

import pytest

from local.process import ProgramFailed, beside, capture, detached, logged, passed_on
from tests.local.standins import appears, is_gone, python

FAMILY = "sleep 100 & echo $! > {0}; wait"
"""A shell with a child, whose pid goes to a file."""
APART = 'exec bash -c "set -m; sleep 100 & echo \\$! > {0}; wait"'
"""The same, but the child has a process group of its own."""


def test_output_and_input_are_passed() -> None:
    done = capture(["sh", "-c", "cat; echo oops >&2"], timeout=20, feed="hello")
    assert (done.code, done.out, done.err) == (0, "hello", "oops\n")


def test_a_failure_names_the_program_and_shows_its_last_words() -> None:
    with pytest.raises(ProgramFailed) as failure:
        capture(["sh", "-c", "echo first; echo why >&2; exit 3"], timeout=20)
    assert str(failure.value) == "sh failed with exit code 3\n  | why"


def test_a_failure_can_be_an_answer() -> None:
    assert capture(["false"], timeout=20, check=False).code == 1


def test_a_missing_program_is_named() -> None:
    with pytest.raises(ProgramFailed, match="cannot start no-such-program: No such file"):
        capture(["/nowhere/no-such-program", "--x"], timeout=20)


@pytest.mark.parametrize("family", [FAMILY, APART])
def test_a_time_out_ends_the_whole_family(tmp_path: Path, family: str) -> None:
    pid = tmp_path / "pid"
    with pytest.raises(ProgramFailed, match=r"sh did not end within 0\.5 s"):
        capture(["sh", "-c", family.format(pid)], timeout=0.5)
    assert is_gone(int(pid.read_text()))


def test_a_program_that_says_nothing_is_ended_early(tmp_path: Path) -> None:
    with pytest.raises(ProgramFailed, match=r"sleep 100: no answer within 0\.3 s"):
        logged(["sleep", "100"], tmp_path / "log", timeout=100, first_output=0.3)


def test_a_program_that_has_said_something_may_go_on(tmp_path: Path) -> None:
    log = tmp_path / "log"
    logged(["sh", "-c", "echo a; sleep 1; echo b"], log, timeout=20, first_output=0.4)
    assert log.read_text() == "a\nb\n"


def test_a_logged_failure_points_to_the_log(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "log"
    with pytest.raises(ProgramFailed) as failure:
        logged(["sh", "-c", "echo why; kill -9 $$"], log, timeout=20)
    assert str(failure.value) == f"sh was ended by signal 9\n  | why\n  all of it: {log}"


@pytest.mark.parametrize("family", [FAMILY, APART])
@pytest.mark.parametrize(
    "call",
    [
        "capture(['sh', '-c', sys.argv[1]], timeout=100)",
        "logged(['sh', '-c', sys.argv[1]], Path(sys.argv[2]), timeout=100)",
        "passed_on(['sh', '-c', sys.argv[1]], grace=0.5)",
        "with beside(['sh', '-c', sys.argv[1]], Path(sys.argv[2]), grace=0.5) as end: end()",
        "with beside(['sh', '-c', sys.argv[1]], Path(sys.argv[2]), grace=0.5): time.sleep(100)",
    ],
)
def test_ctrl_c_ends_the_whole_family(call: str, family: str, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    code = (
        "import sys\nfrom pathlib import Path\nfrom local.process import *\n"
        f"try:\n    {call}\nexcept KeyboardInterrupt:\n    sys.exit(130)\n"
    )
    with python(code, family.format(pid), str(tmp_path / "log")) as program:
        child = int(appears(pid))
        program.send_signal(signal.SIGINT)
        assert program.wait(20) == 130
    assert is_gone(child)


SLOW_START = """
import subprocess, sys, time
from local.process import *
execute = subprocess.Popen._execute_child
def slowly(*arguments):
    execute(*arguments)
    time.sleep(1)
subprocess.Popen._execute_child = slowly
try:
    capture(["sh", "-c", sys.argv[1]], timeout=100)
except KeyboardInterrupt:
    sys.exit(130)
"""


def test_ctrl_c_while_a_program_is_started_ends_it(tmp_path: Path) -> None:
    """On a busy machine it may be at work before whoever has started it goes on."""
    pid = tmp_path / "pid"
    with python(SLOW_START, FAMILY.format(pid)) as program:
        child = int(appears(pid))
        program.send_signal(signal.SIGINT)
        assert program.wait(20) == 130
    assert is_gone(child)


def test_a_program_beside_others_gives_its_exit_code_and_its_output(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "log"
    with beside(["sh", "-c", "echo out; echo err >&2; exit 7"], log) as end:
        assert end() == 7
    assert log.read_text() == "out\nerr\n"


def test_a_program_that_others_do_not_wait_for_is_ended(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    with beside(["sh", "-c", FAMILY.format(pid)], tmp_path / "log", grace=0.5):
        child = int(appears(pid))
    assert is_gone(child)


def test_children_that_end_in_order_have_the_time_for_it(tmp_path: Path) -> None:
    child = f"trap 'sleep 0.5; echo written > {tmp_path}/state; exit' INT; echo > {tmp_path}/a"
    family = f"(trap - INT; {child}; echo up > {tmp_path}/a; while :; do sleep 0.05; done) & wait"
    code = (
        "import sys\nfrom local.process import *\npassed_on(['bash', '-c', sys.argv[1]], grace=20)"
    )
    with python(code, f"trap 'exit 130' INT; {family}") as program:
        appears(tmp_path / "a")
        program.send_signal(signal.SIGINT)
        program.communicate(timeout=20)
    assert (tmp_path / "state").read_text() == "written\n"


def test_a_program_on_the_terminal_gives_its_exit_code() -> None:
    assert passed_on(["sh", "-c", "exit 7"]) == 7


def test_a_daemon_has_a_session_of_its_own(tmp_path: Path) -> None:
    log = tmp_path / "log"
    pid = detached(["/bin/sh", "-c", "echo up; exec sleep 100"], log)
    try:
        assert appears(log) == "up"
        assert os.getsid(pid) == pid
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
