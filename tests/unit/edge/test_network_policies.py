"""What a router's Python says when it tries to reach a Postgres."""

import socket
import subprocess
import sys
from contextlib import ExitStack

from cellwright.edge.network_policies import CONNECT

PORT = 5432
REACHED, SILENT, NOBODY = "127.88.0.1", "127.88.0.2", "127.88.0.3"


def said(address: str) -> str:
    command = [sys.executable, "-c", CONNECT, address]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_who_takes_connections_is_reached() -> None:
    with socket.create_server((REACHED, PORT)):
        assert said(REACHED) == "reached"


def test_who_stays_silent_is_not() -> None:
    """As behind a policy: here since there is no room for one more connection."""
    with ExitStack() as stack:
        stack.enter_context(socket.create_server((SILENT, PORT), backlog=0))
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)  # noqa: FBT003 - the standard library's own
            waiting.connect_ex((SILENT, PORT))
        assert said(SILENT) == "kept off"


def test_a_refusal_proves_nothing() -> None:
    assert said(NOBODY) not in ("reached", "kept off")
