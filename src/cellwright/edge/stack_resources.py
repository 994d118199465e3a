"""What a stack's state holds: each resource with how it may be deleted.

Refuses to read inputs and outputs, which may hold secrets.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cellwright.edge.backend import explained
from cellwright.edge.failure import CommandError
from cellwright.edge.process import run
from cellwright.retirement import Resource

_TIMEOUT = 120.0  # seconds
_OWN = ("pulumi:", "cellwright:")
"""Types of resources that stand for nothing in a cluster: the stack, providers, components."""


def read_resources(root: Path, stack: str) -> tuple[Resource, ...]:
    """Return what a stack holds in clusters. Raises CommandError if its state can't be read."""
    command = ["pulumi", "stack", "export", "--stack", stack, "--non-interactive"]
    try:
        exported = json.loads(run(command, directory=root, timeout=_TIMEOUT).output)
    except CommandError as error:
        raise explained(root, str(error)) or error from None
    except ValueError:
        raise CommandError(f"pulumi stack export: the state of {stack} is not JSON") from None
    return tuple(_resources(exported))


def _resources(exported: Mapping[str, Any]) -> Iterator[Resource]:
    for one in (exported.get("deployment") or {}).get("resources") or ():
        token = str(one.get("type", ""))
        if token.startswith(_OWN) or one.get("delete"):
            continue
        yield Resource(
            kind=token.rpartition(":")[2],
            name=str(one.get("urn", "")).rpartition("::")[2],
            protect=bool(one.get("protect")),
            retain=bool(one.get("retainOnDelete")),
        )
