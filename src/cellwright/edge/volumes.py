"""How full the volumes of databases are, as `df` in each database's pod says.

Refuses to wait: what does not answer in some seconds is not known.
"""

import re
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from cellwright.edge.failure import CommandError
from cellwright.edge.kubectl import Kubectl
from cellwright.fleet_state import Volume
from cellwright.readiness import is_ready

Body = Mapping[str, Any]

_AT_ONCE = 16  # questions under way, of which each is a process
_FOLDER = "/var/lib/postgresql/data"
_CONTAINER = "postgres"
_LINE = re.compile(r"\S.*\s(\d+)\s+(\d+)\s+(\d+)\s+\d+%\s+/.*")


def measured(
    kubectl: Kubectl, objects: Iterable[Body], cells: Mapping[str, str]
) -> dict[str, Volume]:
    """Return the volumes of cells, given by their namespaces, whose database is among the objects.

    What could not be measured has a note that says why.
    """
    pods = {}
    for body in objects:
        metadata = body["metadata"]
        name = (metadata.get("labels") or {}).get("app.kubernetes.io/name")
        if body["kind"] == "Pod" and name == "postgres" and is_ready(body):
            pods[metadata.get("namespace")] = metadata["name"]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        asked = {
            cell: pool.submit(_volume, kubectl, namespace, pods[namespace])
            for namespace, cell in cells.items()
            if namespace in pods
        }
        return {cell: answer.result() for cell, answer in asked.items()}


def used_percent(output: str) -> int | None:
    """Return how full a file system is by the output of `df -Pk`, rounded up as df does.

    Format: POSIX, `df -P`. Blocks that are reserved for root are no part of it.
    """
    match = _LINE.fullmatch((output.strip().splitlines() or [""])[-1])
    if not match:
        return None
    used, free = int(match[2]), int(match[3])
    return -(-100 * used // (used + free)) if used + free else None


def _volume(kubectl: Kubectl, namespace: str, pod: str) -> Volume:
    try:
        output = kubectl.execute(namespace, pod, _CONTAINER, "df", "-Pk", _FOLDER)
    except CommandError as error:
        return Volume(None, f"the volume could not be measured: {error}")
    percent = used_percent(output)
    note = "" if percent is not None else "the volume could not be measured: df said something else"
    return Volume(percent, note)
