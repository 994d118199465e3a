"""HAProxy's runtime API: commands over its socket, and their answers checked.

One short session for each piece of work: an open session would keep a stopping HAProxy alive.
Keys and values come from `directory` and hold no character that means something here. Refuses to
go on after an answer that was not expected.
"""

import re
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from agent.maps import MARK, Lines

LIMIT = 12_000
"""Bytes in one line of commands; HAProxy reads each into one buffer of 16 kB."""

_PROMPT = b"\n> "
_VALUE = re.compile(r'found=yes, .*value="([^"]*)"')
_VERSION = re.compile(r"New version created: ([0-9]+)")


class AwayError(Exception):
    """HAProxy is not there, or went away."""


class RuntimeApiError(Exception):
    """HAProxy did not accept a command: what its maps hold is unknown now."""


class Session:
    """An open session in interactive mode."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.ask("prompt")

    def ask(self, *commands: str) -> list[str]:
        """Run the commands in one line, and return what HAProxy said to each."""
        said = b""
        try:
            self._connection.sendall(";".join(commands).encode() + b"\n")
            while not (said.endswith(_PROMPT) and said.count(_PROMPT) >= len(commands)):
                part = self._connection.recv(65536)
                if not part:
                    raise AwayError("HAProxy closed the session")
                said += part
        except OSError as error:
            raise AwayError(str(error)) from error
        return [one.strip() for one in said.decode().split(_PROMPT.decode())[: len(commands)]]

    def tell(self, commands: Iterable[str]) -> None:
        """Run any number of commands that have nothing to say."""
        for batch in batches(commands, LIMIT):
            for command, said in zip(batch, self.ask(*batch), strict=True):
                _expect_silence(command, said)

    def fill(self, command: str, lines: Iterable[str]) -> None:
        """Run a command that takes lines, as often as they need."""
        for batch in batches(lines, LIMIT):
            said = self.ask(f"{command} <<\n" + "\n".join(batch) + "\n")[0]
            _expect_silence(command, said.replace("+", ""))

    def mark(self, file: Path) -> str | None:
        """Return a map's mark, empty if it has none; None if HAProxy uses no such map."""
        said = self.ask(f"get map {file} {MARK.decode()}")[0]
        if said.startswith("Unknown map"):
            return None
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
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(seconds)
        try:
            connection.connect(str(path))
        except OSError as error:
            raise AwayError(str(error)) from error
        yield Session(connection)


def batches(items: Iterable[str], limit: int) -> Iterator[list[str]]:
    """Yield the items in groups of at most `limit` characters, separators included."""
    batch: list[str] = []
    size = 0
    for item in items:
        if batch and size + len(item) + 1 > limit:
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += len(item) + 1
    if batch:
        yield batch


def _expect_silence(command: str, said: str) -> None:
    if said.strip():
        raise RuntimeApiError(f"{command.split(maxsplit=1)[0]}: {said.strip()}")
