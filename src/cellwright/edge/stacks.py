"""The fleet's Pulumi stacks: made, asked and run through the `pulumi` command.

Refuses to know what is in a stack; that is the program's and the plan's.
"""

import base64
import json
import os
import re
import secrets
import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cellwright.edge.failure import CommandError
from cellwright.edge.process import run, stream
from cellwright.registration import Registration, is_applied
from cellwright.secret import ROOT_BYTES, ROOT_SECRET, decode_root

CHECKED = "CELLWRIGHT_CHECKED"
"""Tells the Pulumi program the digest of the workspace that was checked."""
_SETTING = f"cellwright:{ROOT_SECRET}"
_LOCKED = re.compile(r"created by \S+@(?P<host>\S+) \(pid (?P<pid>\d+)\)")
_TIMEOUT = 120.0  # seconds, for commands that only read or write the state


@dataclass(frozen=True, slots=True)
class Finished:
    """How a run of one stack ended; `lines` is all that Pulumi printed."""

    ok: bool
    lines: tuple[str, ...]

    @property
    def changes(self) -> str:
        """Pulumi's count of changes, on one line."""
        lines = [line.strip() for line in self.lines]
        if "Resources:" not in lines:
            return "no summary"
        counts = lines[lines.index("Resources:") + 1 :]
        return ", ".join(counts[: counts.index("")] if "" in counts else counts)

    @property
    def diagnostics(self) -> tuple[str, ...]:
        """What Pulumi says went wrong: the lines from `Diagnostics:` to the summary."""
        if "Diagnostics:" not in self.lines:
            return self.lines[-20:]
        found = self.lines[self.lines.index("Diagnostics:") + 1 :]
        ends = [index for index, line in enumerate(found) if line in ("Outputs:", "Resources:")]
        return found[: ends[0]] if ends else found


def existing(root: Path) -> list[str]:
    """Return the names of the project's stacks in the backend."""
    listed = json.loads(_pulumi(root, "stack", "ls", "--json"))
    return [str(one["name"]) for one in listed]


def ensure(root: Path, names: Sequence[str], on_made: Callable[[str], None]) -> list[str]:
    """Make the stacks that are missing, set the root secret where it is missing.

    Returns the stacks that there are beside these.

    All stacks share one root secret: that of a stack that has it, or else a new one. Raises
    CommandError where stacks hold resources but none has the secret, since a new one would
    change every password, and where two stacks have different ones: their routers would not
    believe each other.
    """
    there = existing(root)
    for name in names:
        if name not in there:
            _pulumi(root, "stack", "init", name, "--no-select")
            on_made(name)
    secret = {name: _root_secret(root, name) for name in names}
    missing = [name for name, text in secret.items() if not text]
    having = [name for name, text in secret.items() if text]
    found = secret[having[0]] if having else ""
    for name in having:
        if decode_root(secret[name]) != decode_root(found):
            raise CommandError(f"the stacks {having[0]} and {name} have different {_SETTING}s")
    if missing and not found:
        used = [name for name in missing if not is_empty(root, name)]
        if used:
            raise CommandError(
                f"stack {used[0]} has resources but no {_SETTING}; restore its file in stacks/"
            )
        found = base64.b64encode(secrets.token_bytes(ROOT_BYTES)).decode()
    for name in missing:
        _pulumi(root, "config", "set", "--secret", "--stack", name, _SETTING, given=found)
    return [name for name in there if name not in names]


def is_empty(root: Path, name: str) -> bool:
    """Return whether nothing has been applied by the stack so far."""
    return not _state(root, name).get("resources")


def is_up_to_date(root: Path, name: str, wanted: Iterable[Registration]) -> bool:
    """Return whether the stack's state holds exactly what is wanted."""
    return is_applied(_state(root, name), wanted)


def up(root: Path, name: str, digest: str) -> Finished:
    """Apply one stack, as long as the workspace is the one of this digest.

    A lock that a dead process of this machine left is taken away first.
    """
    finished = _up(root, name, digest)
    if not finished.ok and _lock_is_stale(finished.lines):
        _pulumi(root, "cancel", "--yes", "--stack", name)
        finished = _up(root, name, digest)
    return finished


def _up(root: Path, name: str, digest: str) -> Finished:
    lines: list[str] = []
    command = ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--color=never"]
    checked = {CHECKED: digest}
    code = stream([*command, "--stack", name], lines.append, directory=root, environment=checked)
    return Finished(code == 0, tuple(lines))


def _lock_is_stale(lines: Iterable[str]) -> bool:
    holders = [match for line in lines if (match := _LOCKED.search(line))]
    return bool(holders) and all(
        holder["host"] == socket.gethostname() and not _runs(int(holder["pid"]))
        for holder in holders
    )


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _state(root: Path, name: str) -> dict[str, Any]:
    exported = json.loads(_pulumi(root, "stack", "export", "--stack", name))
    return dict(exported.get("deployment") or {})


def _root_secret(root: Path, name: str) -> str:
    shown = _pulumi(root, "config", "--show-secrets", "--json", "--stack", name)
    text = str(json.loads(shown).get(_SETTING, {}).get("value", ""))
    if text:
        try:
            decode_root(text)
        except ValueError as error:
            raise CommandError(f"{_SETTING} of stack {name}: {error}") from None
    return text


def _pulumi(root: Path, *arguments: str, given: str | None = None) -> str:
    command = ["pulumi", *arguments, "--non-interactive"]
    return run(command, directory=root, given=given, timeout=_TIMEOUT).output
