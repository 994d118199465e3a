"""The one module that starts processes.

Secrets go in through standard input or the environment, never as arguments: arguments are
visible to every user of a machine and in error messages.
"""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cellwright.edge.failure import CommandError

_PATIENCE = 10  # seconds


@dataclass(frozen=True, slots=True)
class Result:
    """What a finished command left: its exit code, and what it printed."""

    code: int
    output: str
    errors: str


def run(  # noqa: PLR0913 - the parts of a command
    command: Sequence[str],
    *,
    directory: Path | None = None,
    environment: Mapping[str, str | None] | None = None,
    given: str | None = None,
    timeout: float | None = None,
    check: bool = True,
) -> Result:
    """Run a command to its end and return what it left.

    `given` is its standard input, `environment` is added to this process' own (None takes a
    variable out), `timeout` is in seconds. Raises CommandError if it can't be started, takes too
    long, or (with `check`) ends with a code other than 0.
    """
    with _started(command, directory, environment, has_input=given is not None) as process:
        try:
            output, errors = process.communicate(given, timeout=timeout)
        except subprocess.TimeoutExpired:
            _stop(process)
            raise CommandError(f"{_shown(command)}: no end within {timeout:.0f} s") from None
        except BaseException:
            _stop(process)
            raise
    if check and process.returncode != 0:
        said = (errors.strip() or output.strip() or "no message").splitlines()
        raise CommandError(f"{_shown(command)}: exit code {process.returncode}: {said[-1]}")
    return Result(process.returncode, output, errors)


class Interrupts:
    """Passes an interrupt on to the commands that run under it, each once for each call.

    They run in sessions of their own, so that a terminal's Ctrl-C does not reach them by itself:
    Pulumi ends in order after one interrupt, and at once after a second.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self._is_interrupted = False

    @property
    def is_interrupted(self) -> bool:
        """Whether there was an interrupt: nothing more is started then."""
        return self._is_interrupted

    def interrupt(self) -> None:
        """Interrupt whatever runs, and let nothing more start."""
        with self._lock:
            self._is_interrupted = True
            for process in self._running:
                if process.poll() is None:
                    process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """End whatever runs at once."""
        with self._lock:
            for process in self._running:
                process.kill()

    def start(
        self, command: Sequence[str], directory: Path | None, environment: Mapping[str, str] | None
    ) -> "subprocess.Popen[str]":
        """Start a command whose output is one stream. Raises CommandError."""
        with self._lock:
            if self._is_interrupted:
                raise CommandError("interrupted")
            process = _started(
                command, directory, environment, has_input=False, merged=True, apart=True
            )
            self._running.add(process)
        return process

    def ended(self, process: "subprocess.Popen[str]") -> None:
        """Forget a command that has ended."""
        with self._lock:
            self._running.discard(process)


def stream(  # noqa: PLR0913 - the parts of a command
    command: Sequence[str],
    on_line: Callable[[str], None],
    *,
    interrupts: Interrupts,
    on_start: Callable[[int], None] = lambda _: None,
    directory: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> int:
    """Run a command, hand over each line that it prints, and return its exit code.

    `on_start` gets its process id. Raises CommandError if it can't be started.
    """
    process = interrupts.start(command, directory, environment)
    try:
        with process:
            on_start(process.pid)
            for line in process.stdout or ():
                on_line(line.rstrip("\n"))
    finally:
        interrupts.ended(process)
    return process.returncode


def _started(  # noqa: PLR0913 - the parts of a command
    command: Sequence[str],
    directory: Path | None,
    environment: Mapping[str, str | None] | None,
    *,
    has_input: bool,
    merged: bool = False,
    apart: bool = False,
) -> "subprocess.Popen[str]":
    variables = {**os.environ, **(environment or {})}
    try:
        return subprocess.Popen(  # noqa: S603 - a list of arguments, no shell
            list(command),
            cwd=directory,
            env={name: value for name, value in variables.items() if value is not None},
            stdin=subprocess.PIPE if has_input else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if merged else subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=apart,
        )
    except FileNotFoundError:
        hint = 'eval "$(make env)" puts the project\'s programs on the PATH'
        raise CommandError(f"{command[0]} is not on the PATH; {hint}") from None
    except OSError as error:
        raise CommandError(f"{command[0]} can't be started: {error.strerror}") from None


def _stop(process: "subprocess.Popen[str]") -> None:
    """End a command whose result nobody waits for any more."""
    process.terminate()
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _shown(command: Sequence[str]) -> str:
    return " ".join(command[:3])
