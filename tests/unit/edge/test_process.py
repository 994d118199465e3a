"""Commands: what they print, how they fail, and that they end."""

import sys

import pytest

from cellwright.edge.failure import CommandError
from cellwright.edge.process import Interrupts, run, stream

PYTHON = sys.executable


def test_output_and_errors_are_kept_apart() -> None:
    script = "import sys; print(input()); print('wrong', file=sys.stderr)"
    done = run([PYTHON, "-c", script], given="told\n")
    assert (done.code, done.output, done.errors) == (0, "told\n", "wrong\n")


def test_a_failure_names_the_command_and_its_last_words() -> None:
    script = "import sys; sys.exit('the reason')"
    with pytest.raises(CommandError, match="exit code 1: the reason"):
        run([PYTHON, "-c", script])
    assert run([PYTHON, "-c", script], check=False).code == 1


def test_a_command_that_is_not_there_says_what_to_do() -> None:
    with pytest.raises(CommandError, match="no-such-program is not on the PATH"):
        run(["no-such-program"])


def test_a_command_without_end_is_ended() -> None:
    with pytest.raises(CommandError, match="no end within 1 s"):
        run([PYTHON, "-c", "import time; time.sleep(600)"], timeout=1)


def test_lines_arrive_one_by_one() -> None:
    lines: list[str] = []
    code = stream(
        [PYTHON, "-c", "print('a'); print('b'); raise SystemExit(4)"],
        lines.append,
        interrupts=Interrupts(),
    )
    assert (code, lines) == (4, ["a", "b"])


def test_the_process_id_is_told_before_the_first_line() -> None:
    told: list[str] = []
    script = "import os; print(os.getpid())"
    interrupts = Interrupts()

    def started(process: int) -> None:
        told.append(str(process))

    stream([PYTHON, "-c", script], told.append, interrupts=interrupts, on_start=started)
    assert len(told) == 2
    assert told[0] == told[1]


def test_an_interrupt_reaches_what_runs_once_and_lets_nothing_more_start() -> None:
    told: list[str] = []
    interrupts = Interrupts()
    script = """
import os, signal, sys, time
def stop(*_):
    os.write(1, b"in order\\n")  # print could be under way, and can't be entered twice
    sys.exit(7)
signal.signal(signal.SIGINT, stop)
print("ready", flush=True)
time.sleep(600)
"""

    def line(text: str) -> None:
        told.append(text)
        if text == "ready":
            interrupts.interrupt()

    assert stream([PYTHON, "-c", script], line, interrupts=interrupts) == 7
    assert told == ["ready", "in order"]
    with pytest.raises(CommandError, match="interrupted"):
        stream([PYTHON, "-c", ""], told.append, interrupts=interrupts)
