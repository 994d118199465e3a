"""What is made of Pulumi's words."""

import os
import socket
import subprocess
import sys

from cellwright.edge import stacks
from cellwright.edge.stacks import Finished

FAILED = """\
Updating (alpha):
 +  kubernetes:apps/v1:StatefulSet cell-alpha/postgres creating failed
Diagnostics:
  kubernetes:apps/v1:StatefulSet (cell-alpha/postgres):
    error: the volume is full

Resources:
    + 3 created
    1 errored

Duration: 5s
"""


def finished(text: str, *, ok: bool) -> Finished:
    return Finished(ok, tuple(text.splitlines()))


def test_the_summary_of_changes_stands_on_one_line() -> None:
    assert finished(FAILED, ok=False).changes == "+ 3 created, 1 errored"
    assert finished("nothing to see", ok=True).changes == "no summary"


def test_the_diagnostics_are_what_went_wrong() -> None:
    assert finished(FAILED, ok=False).diagnostics == (
        "  kubernetes:apps/v1:StatefulSet (cell-alpha/postgres):",
        "    error: the volume is full",
        "",
    )


def lock(pid: int, host: str) -> list[str]:
    return [
        "error: the stack is currently locked by 1 lock(s). Either wait for the other process(es)",
        f"  file:///state/locks/x.json: created by root@{host} (pid {pid}) at 2026-01-01T00:00:00Z",
    ]


def test_a_lock_is_stale_only_if_its_process_of_this_machine_is_gone() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    here = socket.gethostname()
    assert stacks._lock_is_stale(lock(ended.pid, here))
    assert not stacks._lock_is_stale(lock(os.getpid(), here))
    assert not stacks._lock_is_stale(lock(ended.pid, f"not-{here}"))
    assert not stacks._lock_is_stale(["error: something else"])
