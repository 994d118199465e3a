"""Starting programs: the one place of the local environment that does.

Every program gets a process group of its own; Ctrl-C and time-outs end it with its whole family,
so that nothing half-finished goes on in the background. Output is captured, written to a
log, or passed on; it is never lost: a failure carries its last lines.
"""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from local.errors import Failed
from local.family import alive, descendants, kill

TAIL = 12
"""Lines of a failed program's output that its error shows."""
GRACE_S = 2.0
"""How long an interrupted program may take to end in order."""


@dataclass(frozen=True, slots=True)
class Done:
    """What a finished program left: exit code and, when captured, its output."""

    code: int
    out: str = ""
    err: str = ""


class ProgramFailed(Failed):
    """A program could not be started, ended with an error, or took too long."""


def capture(  # noqa: PLR0913 - each is a plain option of one process
    argv: Sequence[str | Path],
    *,
    timeout: float,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    feed: str | None = None,
    check: bool = True,
) -> Done:
    """Run a program and return what it printed; `feed` is its standard input."""
    with _start(argv, env, cwd, subprocess.PIPE, feed=feed is not None) as process:
        try:
            out, err = process.communicate(feed, timeout)
        except subprocess.TimeoutExpired:
            _stop(process, 0)
            raise ProgramFailed(f"{_name(argv)} did not end within {timeout:g} s") from None
        except BaseException:
            _stop(process, GRACE_S)
            raise
    if check and process.returncode:
        raise ProgramFailed(_message(argv, process.returncode, err or out))
    return Done(process.returncode, out, err)


def logged(  # noqa: PLR0913 - each is a plain option of one process
    argv: Sequence[str | Path],
    log: Path,
    *,
    timeout: float,
    first_output: float | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> None:
    """Run a program with all its output in a new file `log`.

    With `first_output` the program is also ended when it has printed nothing after so many
    seconds: a download from a site that does not answer fails fast, a slow one may go on.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as sink:
        process = _start(argv, env, cwd, sink)
    try:
        if first_output is not None:
            _await_output(process, log, first_output, argv)
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        _stop(process, 0)
        raise ProgramFailed(f"{_name(argv)} did not end within {timeout:g} s") from None
    except BaseException:
        _stop(process, GRACE_S)
        raise
    if process.returncode:
        text = log.read_text(errors="replace")
        raise ProgramFailed(f"{_message(argv, process.returncode, text)}\n  all of it: {log}")


def passed_on(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    grace: float = 60,
) -> int:
    """Run a program on the user's own terminal; return its exit code.

    At Ctrl-C it is told once and has `grace` seconds to end in order (Pulumi writes its state).
    """
    process = _start(argv, env, cwd, None)
    try:
        return process.wait()
    except BaseException:
        _stop(process, grace)
        raise


@contextmanager
def beside(
    argv: Sequence[str | Path],
    log: Path,
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    grace: float = 60,
) -> Iterator[Callable[[], int]]:
    """Run a program, all its output in a new file `log`, while the body of the `with` runs.

    Gives what waits for its end and returns its exit code. When the body ends earlier, and also at
    Ctrl-C, the program is ended as `passed_on` ends one.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as sink:
        process = _start(argv, env, cwd, sink)
    try:
        yield process.wait
    finally:
        if process.poll() is None:
            _stop(process, grace)


def detached(argv: Sequence[str | Path], log: Path, env: Mapping[str, str] | None = None) -> int:
    """Start a daemon that outlives this process and its terminal; return its pid."""
    log.parent.mkdir(parents=True, exist_ok=True)
    words = [str(word) for word in argv]
    with log.open("ab") as sink, Path(os.devnull).open("rb") as nothing:
        streams = [(os.POSIX_SPAWN_DUP2, nothing.fileno(), 0)]
        streams += [(os.POSIX_SPAWN_DUP2, sink.fileno(), number) for number in (1, 2)]
        return os.posix_spawn(words[0], words, env or os.environ, file_actions=streams, setsid=True)


def _start(
    argv: Sequence[str | Path],
    env: Mapping[str, str] | None,
    cwd: Path | None,
    sink: int | IO[bytes] | None,
    *,
    feed: bool = False,
) -> "subprocess.Popen[str]":
    process = None
    try:
        with _held_back():
            process = subprocess.Popen(  # noqa: S603 - the steps' own commands
                [str(word) for word in argv],
                stdin=subprocess.PIPE if feed else subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                cwd=cwd,
                env=None if env is None else dict(env),
                text=True,
                errors="replace",
                process_group=0,
            )
    except OSError as error:
        raise ProgramFailed(f"cannot start {_name(argv)}: {error.strerror}") from None
    except BaseException:
        if process:
            _stop(process, GRACE_S)
        raise
    return process


@contextmanager
def _held_back() -> Iterator[None]:
    """Let signals wait until the body is over.

    On a busy machine a program may be at work long before its start is over for whoever has
    started it: interrupted then, nobody would know of it.
    """
    if threading.current_thread() is not threading.main_thread():  # gets no signals
        yield
        return
    came: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {one: handler for one in numbers if callable(handler := signal.getsignal(one))}
    try:
        for number in before:
            signal.signal(number, lambda number, _: came.append(number))
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for one in came:
            before[signal.Signals(one)](one, None)


def _await_output(
    process: "subprocess.Popen[str]", log: Path, seconds: float, argv: Sequence[str | Path]
) -> None:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        if log.stat().st_size == 0:
            _stop(process, 0)
            raise ProgramFailed(f"{_name(argv)}: no answer within {seconds:g} s") from None


def _stop(process: "subprocess.Popen[str]", grace: float) -> None:
    """End a program and its family: ask, insist, force.

    The grace is for all that were asked: a program may end before its children do. A further
    Ctrl-C goes to the next of these at once.
    """
    family = descendants(process.pid)
    asked = {member for member in family if member.group == process.pid}
    for number, seconds in ((signal.SIGINT, grace), (signal.SIGTERM, 3), (signal.SIGKILL, 10)):
        deadline = time.monotonic() + seconds
        try:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            process.wait(seconds)
            while alive(asked) and time.monotonic() < deadline:
                time.sleep(0.05)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            continue
        if not alive(asked):
            break
    kill(family)
    with suppress(ProcessLookupError):  # those that were started meanwhile
        os.killpg(process.pid, signal.SIGKILL)


def _name(argv: Sequence[str | Path]) -> str:
    words = [Path(str(argv[0])).name]
    for word in argv[1:3]:
        if str(word).startswith("-"):
            break
        words.append(str(word))
    return " ".join(words)


def _message(argv: Sequence[str | Path], code: int, text: str) -> str:
    lines = [line.rstrip() for line in text.splitlines() if line.strip()][-TAIL:]
    how = f"was ended by signal {-code}" if code < 0 else f"failed with exit code {code}"
    return "\n  | ".join([f"{_name(argv)} {how}", *lines])
