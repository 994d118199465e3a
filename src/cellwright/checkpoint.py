"""Reads a checkpoint of Pulumi: the file in which a self-managed backend keeps a stack's state.

A file that a full disk or a crash has cut off is told from a whole one, and so is one that is
JSON but that Pulumi could not go on from. The format is Pulumi's `apitype.VersionedCheckpoint`;
what is checked of the resources is part of what its `Snapshot.VerifyIntegrity` checks.
"""

import gzip
import hashlib
import io
import json
import re
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

GZIP = b"\x1f\x8b"
"""The first bytes of a compressed checkpoint (`PULUMI_SELF_MANAGED_STATE_GZIP`)."""
_VERSIONS = (3, 4)
_BEGUN = re.compile(r"[tfn][a-z]{0,3}|\"|-|[.eE][+-]?|\\?u?[0-9a-fA-F]{0,4}")
"""What a file can end with, where it was cut off within a value, as JSON's errors show it."""
_LARGEST = 1 << 30
"""Bytes of the largest checkpoint that is read, so that a few can't fill the memory."""


NO_DEPLOYMENT = "holds no deployment, which Pulumi takes for an empty stack"
"""The flaw of a checkpoint without any state."""


class BrokenCheckpointError(ValueError):
    """Why Pulumi can't go on from a checkpoint, as words that follow its name."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A whole checkpoint: its JSON, its time, and what it holds.

    `pending` are operations that had begun and whose end is not known, each as
    `creating URN`.
    """

    data: bytes
    time: datetime
    resources: int
    pending: tuple[str, ...]


def read_checkpoint(data: bytes, project: str, stack: str) -> Checkpoint:
    """Return the checkpoint in a file of a stack; raises BrokenCheckpointError for any other."""
    text = _decompressed(data) if data.startswith(GZIP) else data
    document = _json(text)
    if not isinstance(document, dict):
        raise BrokenCheckpointError("not a checkpoint: expected a JSON object")
    version = document.get("version")
    if version not in _VERSIONS:
        known = " or ".join(map(str, _VERSIONS))
        raise BrokenCheckpointError(f"not a checkpoint: expected version {known}, not {version!r}")
    checkpoint = _object(document, "checkpoint")
    owner = f"organization/{project}/{stack}"
    if checkpoint.get("stack") not in (owner, stack):
        raise BrokenCheckpointError(f"belongs to stack {checkpoint.get('stack')!r}, not {owner!r}")
    deployment = _object(checkpoint, "latest")
    resources = _list(deployment, "resources")
    _check_resources(resources, f"urn:pulumi:{stack}::{project}::")
    pending = tuple(map(_operation, _list(deployment, "pending_operations")))
    return Checkpoint(text, _time(_object(deployment, "manifest")), len(resources), pending)


def compressed(checkpoint: Checkpoint) -> bytes:
    """Return a checkpoint as Pulumi writes it to files whose names end in `.gz`."""
    return gzip.compress(checkpoint.data, mtime=0)


def _decompressed(data: bytes) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            text = file.read(_LARGEST + 1)
    except EOFError:
        raise BrokenCheckpointError(f"cut off after {len(data)} bytes") from None
    except (OSError, zlib.error) as error:
        raise BrokenCheckpointError(f"not gzip: {error}") from None
    if len(text) > _LARGEST:
        raise BrokenCheckpointError(f"larger than {_LARGEST} bytes")
    return text


def _json(text: bytes) -> Any:
    if not text.strip():
        raise BrokenCheckpointError("empty")
    if not text.strip(b"\0"):
        raise BrokenCheckpointError(f"{len(text)} bytes of zeros")
    try:
        decoded = text.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":
            raise BrokenCheckpointError(f"cut off after {len(text)} bytes") from None
        raise BrokenCheckpointError(f"not JSON: byte {error.start} is not UTF-8") from None
    try:
        return json.loads(decoded)
    except RecursionError:
        raise BrokenCheckpointError("not a checkpoint: nested too deep") from None
    except json.JSONDecodeError as error:
        if _is_cut_off(decoded, error):
            raise BrokenCheckpointError(f"cut off after {len(text)} bytes") from None
        place = f"line {error.lineno} column {error.colno}"
        raise BrokenCheckpointError(f"not JSON: {error.msg} at {place}") from None


def _is_cut_off(text: str, error: json.JSONDecodeError) -> bool:
    """Return whether more text could have made it JSON."""
    rest = text[error.pos :].strip()
    return error.msg.startswith("Unterminated string") or bool(_BEGUN.fullmatch(rest))


def _object(parent: dict[str, Any], key: str) -> dict[str, Any]:
    value = parent.get(key)
    if not isinstance(value, dict) or not value:
        raise BrokenCheckpointError(NO_DEPLOYMENT if key == "latest" else f"holds no {key}")
    return value


def _list(parent: dict[str, Any], key: str) -> list[Any]:
    value = parent.get(key)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise BrokenCheckpointError(f"{key} is not a list of objects")
    return value


def _check_resources(resources: list[dict[str, Any]], prefix: str) -> None:
    """Refuse resources of another stack, and those whose parents or dependencies are missing."""
    known: set[str] = set()
    for number, resource in enumerate(resources, start=1):
        urn = resource.get("urn")
        if not isinstance(urn, str) or not urn.startswith(prefix):
            raise BrokenCheckpointError(f"resource {number} is {urn!r}, expected {prefix}…")
        dependencies = resource.get("dependencies") or []
        if not isinstance(dependencies, list):
            raise BrokenCheckpointError(f"dependencies of {urn} are not a list")
        for other in (resource.get("parent") or "", *dependencies):
            if other and other not in known:
                raise BrokenCheckpointError(f"{urn} needs {other}, which is missing")
        known.add(urn)


def _operation(operation: dict[str, Any]) -> str:
    resource = operation.get("resource")
    urn = resource.get("urn") if isinstance(resource, dict) else None
    return f"{operation.get('type')} {urn}"


def _time(manifest: dict[str, Any]) -> datetime:
    version = manifest.get("version")
    magic = hashlib.sha256(str(version).encode()).hexdigest()
    if version and manifest.get("magic") != magic:
        raise BrokenCheckpointError("its manifest is not the one that Pulumi wrote (magic)")
    try:
        time = datetime.fromisoformat(str(manifest.get("time")))
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise BrokenCheckpointError(f"its time is {manifest.get('time')!r}") from None
