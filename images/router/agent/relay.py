"""`python3 -m agent.relay COMMAND...`: runs a program, and passes its output on in large pieces.

HAProxy writes each line of the access log by itself. Whoever waits at the other end, as container
runtimes do, is woken for each of them and takes the processor from requests. This one looks now
and then; meanwhile the lines wait in the pipe. HAProxy does not wait: a line that finds no room, or
another thread writing for long, is lost and counted in its `dropped_logs`. Refuses to outlive the
program and to end before it: signals to stop are handed on, and the program's exit code is its own.
"""

import fcntl
import os
import signal
import subprocess
import sys
import time
from types import FrameType

ROOM = 1024 * 1024
"""Bytes of the pipe, as many as it may have without rights; less where the user has many pipes."""

PAUSE = 0.02
"""Seconds between two looks at a pipe of that size; 50 MB/s fit in, about 100,000 requests."""

HANDED_ON = (signal.SIGUSR1, signal.SIGTERM, signal.SIGINT)


class Signals:
    """Hands signals on to the program, those that come before it runs too."""

    def __init__(self) -> None:
        self._early: list[int] = []
        self._program: subprocess.Popen[bytes] | None = None
        for one in HANDED_ON:
            signal.signal(one, self._take)

    def _take(self, number: int, _frame: FrameType | None) -> None:
        if self._program is None:
            self._early.append(number)
        else:
            self._program.send_signal(number)

    def go_to(self, program: subprocess.Popen[bytes]) -> None:
        """Name the program, and hand on what has come already."""
        self._program = program
        for number in self._early:
            program.send_signal(number)


def main(command: list[str]) -> int:
    """Return the program's exit code, 128 and the signal's number for one that a signal ended."""
    signals = Signals()
    reading, writing = os.pipe()
    pause = PAUSE * _widen(writing) / ROOM
    with _start(command, writing) as program:
        signals.go_to(program)
        os.close(writing)
        while text := os.read(reading, ROOM):
            _write(text)
            time.sleep(pause)
        code = program.wait()
    return code if code >= 0 else 128 - code


def _start(command: list[str], output: int) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(command, stdout=output)  # noqa: S603 - the image's own
    except OSError as error:
        sys.exit(f"{command[0]} can't be started: {error.strerror}")


def _widen(pipe: int) -> int:
    """Make the pipe as large as it may be; return its size in bytes."""
    try:
        return fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, ROOM)
    except PermissionError:
        return fcntl.fcntl(pipe, fcntl.F_GETPIPE_SZ)


def _write(text: bytes) -> None:
    while text:
        try:
            text = text[os.write(1, text) :]
        except BrokenPipeError:
            return  # nobody reads it: requests go on


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
