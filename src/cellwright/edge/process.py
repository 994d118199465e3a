"""The one module that starts processes.

Secrets go in through standard input or the environment, never as arguments: arguments are
visible to every user of a machine and in error messages.
"""

import os
import subprocess
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
    environment: Mapping[str, str] | None = None,
    given: str | None = None,
    timeout: float | None = None,
    check: bool = True,
) -> Result:
    """Run a command to its end and return what it left.

    `given` is its standard input, `environment` is added to this process' own, `timeout` is in
    seconds. Raises CommandError if it can't be started, takes too long, or (with `check`) ends
    with a code other than 0.
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


def stream(
    command: Sequence[str],
    on_line: Callable[[str], None],
    *,
    directory: Path | None = None,
    environment: Mapping[str, str] | None = None,
    on_start: Callable[[int], None] | None = None,
) -> int:
    """Run a command, hand over each line that it prints, and return its exit code.

    `on_start` gets the process id as soon as there is one.
    Raises CommandError if it can't be started. Ctrl-C reaches the command by itself, as one of
    the terminal's foreground group; its orderly end is waited for.
    """
    with _started(command, directory, environment, has_input=False, merged=True) as process:
        try:
            if on_start is not None:
                on_start(process.pid)
            for line in process.stdout or ():
                on_line(line.rstrip("\n"))
        finally:
            code = process.wait()
    return code


def _started(
    command: Sequence[str],
    directory: Path | None,
    environment: Mapping[str, str] | None,
    *,
    has_input: bool,
    merged: bool = False,
) -> "subprocess.Popen[str]":
    try:
        return subprocess.Popen(  # noqa: S603 - a list of arguments, no shell
            list(command),
            cwd=directory,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.PIPE if has_input else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if merged else subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
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
