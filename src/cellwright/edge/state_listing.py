"""What `pulumi stack ls` says of the stacks of a backend in a folder, read from its files.

Pulumi takes seconds for the 150 MB of a thousand stacks. All of each file is read here, too, so
that one that was cut off is seen; but whatever is not as expected is left to Pulumi, which has the
last word on its own files.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from cellwright.edge.state_files import Backend

_VERSIONS = (3, 4)


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack as the backend lists it: when it was changed last, and how much it holds."""

    name: str
    updated: str
    resources: int


class _Manifest(msgspec.Struct):
    time: str


class _Resource(msgspec.Struct):
    urn: str


class _Deployment(msgspec.Struct):
    manifest: _Manifest
    resources: list[_Resource] | None = None


class _Checkpoint(msgspec.Struct):
    latest: _Deployment | None = None


class _File(msgspec.Struct):
    version: int
    checkpoint: _Checkpoint


_decode = msgspec.json.Decoder(_File).decode


def read_stacks(backend: Backend) -> dict[str, Stack] | None:
    """Return the project's stacks by name; None where Pulumi has to be asked.

    That is where a state is compressed, or none that could be read.
    """
    try:
        files = sorted(backend.below("stacks").iterdir())
        if any(path.name.endswith(".gz") for path in files):
            return None
        states = [path for path in files if path.name.endswith(".json")]
        return {path.stem: _stack(path.stem, path.read_bytes()) for path in states}
    except (OSError, ValueError, msgspec.MsgspecError):
        return None


def _stack(name: str, content: bytes) -> Stack:
    file: Any = _decode(content)
    if file.version not in _VERSIONS:
        raise ValueError(f"version {file.version}")
    latest = file.checkpoint.latest
    if latest is None:
        return Stack(name, "", 0)
    return Stack(name, _shown(latest.manifest.time), len(latest.resources or ()))


def _shown(time: str) -> str:
    """Return a time as Pulumi's list shows it: in UTC, with milliseconds."""
    moment = datetime.fromisoformat(time).astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"
