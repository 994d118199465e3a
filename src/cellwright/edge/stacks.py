"""The fleet's Pulumi stacks in their backend: listed, made and set, through the `pulumi` command.

Refuses to know what is in a stack, which is the program's and the plan's, and to run one
(`edge.engine` does).
"""

import base64
import json
import secrets
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from cellwright.edge.backend import explained, find_backend, named_backend
from cellwright.edge.failure import CommandError
from cellwright.edge.process import run
from cellwright.edge.settings import CLUSTERS, FLEET_ID, PREFIX, read_settings
from cellwright.edge.state_files import known_stacks, read_stack
from cellwright.edge.state_listing import Stack, read_stacks
from cellwright.identity import fleet_id
from cellwright.model import FLEET_STACK
from cellwright.secret import ROOT_BYTES, ROOT_SECRET, decode_root

_SETTING = f"{PREFIX}:{ROOT_SECRET}"
_TIMEOUT = 120.0  # seconds, for commands that only read or write the state


class Ownership(NamedTuple):
    """Whose a stack is: the fleet's root secret, and the UIDs of kube-system by name of cluster."""

    secret: bytes
    clusters: Mapping[str, str]


def listed(root: Path) -> dict[str, Stack]:
    """Return the project's stacks in the backend, by name. Raises CommandError."""
    backend = named_backend(root)
    known = None if backend is None else read_stacks(backend)
    if known is not None:
        return known
    found = json.loads(_pulumi(root, "stack", "ls", "--json"))
    return {
        str(one["name"]): Stack(
            str(one["name"]), str(one.get("lastUpdate") or ""), int(one.get("resourceCount") or 0)
        )
        for one in found
    }


def root_secret(root: Path, stack: str) -> bytes | None:
    """Return the root secret in a stack's settings, None if it has none.

    Raises CommandError for one that can't be decrypted or is malformed.
    """
    if not read_settings(root, stack).has_root:
        return None
    shown = _pulumi(root, "config", "--show-secrets", "--json", "--stack", stack)
    text = str(json.loads(shown).get(_SETTING, {}).get("value", ""))
    try:
        return decode_root(text)
    except ValueError as error:
        raise CommandError(f"{_SETTING} of stack {stack}: {error}") from None


def fleet_root(
    root: Path, stacks: Iterable[str], there: Mapping[str, Stack], *, may_lack: bool = False
) -> bytes | None:
    """Return the fleet's root secret, by the first stack that has it; None if none has.

    Raises CommandError where a stack has resources and nothing has the secret, unless it
    `may_lack`: with a new one, every password would change.
    """
    names = [FLEET_STACK, *(name for name in stacks if name != FLEET_STACK)]
    for name in names:
        if name in there and (found := root_secret(root, name)):
            return found
    used = [name for name in names if name in there and there[name].resources]
    if used and not may_lack:
        raise CommandError(
            f"stack {used[0]} has resources but no {_SETTING}; restore its file in stacks/, or see "
            "docs/recovery.md"
        )
    return None


def new_root() -> bytes:
    """Return a new root secret."""
    return secrets.token_bytes(ROOT_BYTES)


def ensure(
    root: Path, name: str, owner: Ownership, there: Collection[str], on_made: Callable[[str], None]
) -> None:
    """Make a stack unless it is there, with its settings: the root secret, and whose it is.

    Raises CommandError where the stack has another root secret, since its routers and the others'
    would reject each other.
    """
    if name not in there:
        _require_undamaged(root, name)
        _pulumi(root, "stack", "init", name, "--no-select")
        on_made(name)
    secret = owner.secret
    found = root_secret(root, name)
    if found is None:
        text = base64.b64encode(secret).decode()
        _pulumi(root, "config", "set", "--secret", "--stack", name, _SETTING, given=text)
    elif found != secret:
        raise CommandError(
            f"stack {name} has another {_SETTING} than the rest of the fleet: its routers and the "
            "others would reject each other's certificates"
        )
    settings = read_settings(root, name)
    number = fleet_id(secret)
    plain = {f"{PREFIX}:{FLEET_ID}": number} if settings.fleet_id != number else {}
    known = settings.clusters or {}
    for cluster, uid in owner.clusters.items():
        if known.get(cluster) != uid:
            plain[f"{PREFIX}:{CLUSTERS}.{cluster}"] = uid
    if plain:
        words = [word for key, value in plain.items() for word in ("--plaintext", f"{key}={value}")]
        _pulumi(root, "config", "set-all", "--path", "--stack", name, *words)


def _require_undamaged(root: Path, name: str) -> None:
    """Raise CommandError for a stack whose state is missing while its history is there: Pulumi
    would make a new, empty one in its place.
    """
    if not read_settings(root, name).has_root:
        return  # it was never made
    try:
        backend = find_backend(root)
    except CommandError:  # not in files, so that its store has versions of its own
        return
    if name in known_stacks(backend) and read_stack(backend, name).is_damaged:
        raise CommandError(
            f"the state of stack {name} is missing, and its history is there: run "
            f"`cellwright restore-state {name}`"
        )


def remove(root: Path, name: str) -> None:
    """Remove an empty stack and its settings. Raises CommandError if it holds resources."""
    _pulumi(root, "stack", "rm", "--yes", name)


def cancel(root: Path, name: str) -> None:
    """Remove the locks of a stack. Raises CommandError."""
    _pulumi(root, "cancel", "--yes", "--stack", name)


def _pulumi(root: Path, *arguments: str, given: str | None = None) -> str:
    command = ["pulumi", *arguments, "--non-interactive"]
    try:
        return run(command, directory=root, given=given, timeout=_TIMEOUT).output
    except CommandError as error:
        raise explained(root, str(error)) or error from None
