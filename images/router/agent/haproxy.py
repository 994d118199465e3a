"""HAProxy's runtime API: commands over its socket, and their answers checked.

One short session for each piece of work: an open session would keep a stopping HAProxy alive.
Keys and values come from `directory` and hold no character that means something here. Refuses to
go on after an answer that was not expected.
"""

import re
import socket
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from agent.lines import MARK, Lines

LIMIT = 12_000
"""Bytes in one line of commands; HAProxy reads each into one buffer of 16 kB."""

AHEAD = 4
"""Lines of commands that may be on their way, so that HAProxy has the next one when it ends one."""

LANES = 4
"""Connections that share long work: under load HAProxy runs one command of each per turn."""

_PROMPT = b"\n> "
_SILENCE = b"+> \n"
"""What HAProxy says to commands that have nothing to say is made of these: prompts."""
_VALUE = re.compile(r'found=yes, .*value="([^"]*)"')
_VERSION = re.compile(r"New version created: ([0-9]+)")


class AwayError(Exception):
    """HAProxy is not there, or went away."""


class RuntimeApiError(Exception):
    """HAProxy did not accept a command: what its maps hold is unknown now."""


class _Lane:
    """One connection in interactive mode, on which lines are sent ahead of their answers."""

    def __init__(self, path: Path, seconds: float) -> None:
        self.connection = socket.socket(socket.AF_UNIX)
        self.connection.settimeout(seconds)
        self._waiting: deque[int] = deque()
        self._heard = 0
        try:
            self.connection.connect(str(path))
        except OSError as error:
            self.connection.close()
            raise AwayError(str(error)) from error

    def send(self, line: bytes, commands: int) -> None:
        """Send a line of so many commands; waits while many are on their way."""
        self.connection.sendall(line + b"\n")
        self._waiting.append(commands)
        while len(self._waiting) > AHEAD:
            self._hear()

    def finish(self) -> None:
        """Wait until all is answered."""
        while self._waiting:
            self._hear()

    def _hear(self) -> None:
        said = self.connection.recv(65536)
        if not said:
            raise AwayError("HAProxy closed the session")
        if said.strip(_SILENCE):
            raise RuntimeApiError(said.strip(_SILENCE).decode(errors="replace"))
        self._heard += said.count(b">")
        while self._waiting and self._heard >= self._waiting[0]:
            self._heard -= self._waiting.popleft()


class Session:
    """An open session; raises AwayError while HAProxy is not there."""

    def __init__(self, path: Path, seconds: float) -> None:
        self._path, self._seconds = path, seconds
        self._lanes: list[_Lane] = []

    def open(self) -> None:
        """Open the first connection; long work opens more."""
        self._open_lane()

    def close(self) -> None:
        """Close all connections."""
        for lane in self._lanes:
            lane.connection.close()

    def ask(self, *commands: str) -> list[str]:
        """Run the commands in one line, and return what HAProxy said to each."""
        return self._ask(self._lanes[0], *commands)

    def tell(self, commands: Iterable[bytes]) -> None:
        """Run any number of commands that have nothing to say, many of them at the same time."""
        self._tell((b";".join(batch), len(batch)) for batch in batches(commands, LIMIT))

    def fill(self, command: bytes, lines: bytes) -> None:
        """Run a command that takes lines, as often as they need."""
        self._tell((b"%s <<\n%s" % (command, one), 1) for one in pieces(lines, LIMIT))

    def _open_lane(self) -> None:
        lane = _Lane(self._path, self._seconds)
        self._lanes.append(lane)
        self._ask(lane, "prompt")

    def _ask(self, lane: _Lane, *commands: str) -> list[str]:
        said = b""
        try:
            lane.connection.sendall(";".join(commands).encode() + b"\n")
            while not (said.endswith(_PROMPT) and said.count(_PROMPT) >= len(commands)):
                part = lane.connection.recv(65536)
                if not part:
                    raise AwayError("HAProxy closed the session")
                said += part
        except OSError as error:
            raise AwayError(str(error)) from error
        return [one.strip() for one in said.decode().split(_PROMPT.decode())[: len(commands)]]

    def _tell(self, lines: Iterable[tuple[bytes, int]]) -> None:
        """Send lines, each with its number of commands; HAProxy works while the next is made."""
        try:
            for number, (line, commands) in enumerate(lines):
                if len(self._lanes) <= number < LANES:
                    self._open_lane()
                self._lanes[number % LANES].send(line, commands)
            for lane in self._lanes:
                lane.finish()
        except OSError as error:
            raise AwayError(str(error)) from error

    def mark(self, file: Path) -> str:
        """Return a map's mark, empty if it has none."""
        said = self.ask(f"get map {file} {MARK.decode()}")[0]
        found = _VALUE.search(said)
        return found[1] if found else ""

    def lines(self, file: Path) -> Lines:
        """Return all of a small map."""
        said = self.ask(f"show map {file}")[0]
        rows = [line.encode().split(b" ", 2) for line in said.splitlines() if line]
        return {key: value for _, key, value in rows}

    def new_version(self, file: Path) -> int:
        """Begin a new content for a map, unseen until it is committed."""
        said = self.ask(f"prepare map {file}")[0]
        found = _VERSION.search(said)
        if not found:
            raise RuntimeApiError(f"prepare map {file}: {said}")
        return int(found[1])

    def free_abandoned(self, file: Path) -> None:
        """Forget contents of a map that were begun and never committed: HAProxy would keep them."""
        said = "".join(self.ask("show map"))
        found = re.search(
            rf"\({re.escape(str(file))}\).* curr_ver=([0-9]+) next_ver=([0-9]+)", said
        )
        if not found:
            raise RuntimeApiError(f"show map: nothing of {file}")
        begun = range(int(found[1]) + 1, int(found[2]) + 1)
        self.tell(b"clear map @%d %s" % (version, bytes(file)) for version in begun)

    def set_version(self, version: int) -> None:
        """Say which version of the table the access log is to name."""
        said = self.ask("experimental-mode on", f"set var proc.table_version int({version})")
        if any(said):
            raise RuntimeApiError(f"set var: {said}")

    def failed_connections(self) -> int:
        """Return how many connections to cells and to the app have failed so far."""
        rows = "".join(self.ask("show stat cells 4 -1", "show stat app 4 -1")).splitlines()
        names = rows[0].lstrip("# ").split(",")
        column = names.index("econ")
        return sum(int(row.split(",")[column]) for row in rows if not row.startswith("#") and row)


@contextmanager
def session(path: Path, seconds: float = 30) -> Iterator[Session]:
    """Open a session; raises AwayError while HAProxy is not there."""
    opened = Session(path, seconds)
    try:
        opened.open()
        yield opened
    finally:
        opened.close()


def pieces(lines: bytes, limit: int) -> Iterator[bytes]:
    """Yield groups of whole lines, of at most `limit` bytes if none is longer."""
    start = 0
    while start < len(lines):
        end = lines.rfind(b"\n", start, start + limit) + 1 or lines.index(b"\n", start) + 1
        yield lines[start:end]
        start = end


def batches(items: Iterable[bytes], limit: int) -> Iterator[list[bytes]]:
    """Yield the items in groups of at most `limit` bytes, separators included."""
    batch: list[bytes] = []
    size = 0
    for item in items:
        if batch and size + len(item) + 1 > limit:
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += len(item) + 1
    if batch:
        yield batch
