"""What the API server answers, taken apart: JSON to ConfigMaps and events of a watch.

An answer can be anything: another server may stand behind the address, and what anybody wrote
into an object comes with it. Refuses to guess: what is not of the form that the Kubernetes API
describes is an AnswerError, and nothing of that answer is used.
"""

import json
import re
from typing import Any, NamedTuple

from agent.config_map import CELLS, ConfigMap

MOST_BYTES = 32_000_000
"""Bytes of one answer or one event of a watch: four ConfigMaps that are as full as etcd allows,
with what the API server writes beside them, are about 8 MB."""

_ANNOTATIONS = {
    "checksum": "cellwright.dev/checksum",
    "shards": "cellwright.dev/shards",
    "epoch": "cellwright.dev/epoch",
    "maximum_loss": "cellwright.dev/maximum-loss",
    "signature": "cellwright.dev/signature",
    "homes_signature": "cellwright.dev/homes-signature",
}
_FLEET = "cellwright.dev/fleet-id"
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
"""Names of ConfigMaps (DNS subdomains): they are told in logs and metrics."""
_LONGEST_VERSION = 19
"""Digits of a resourceVersion: etcd counts in 64 bits."""


class AnswerError(ValueError):
    """The API server's answer has another form than it should; says where and what."""


class Page(NamedTuple):
    """One answer to a list: `more` asks for the next one, empty at the end."""

    found: list[ConfigMap]
    names: frozenset[str]
    more: str
    version: str


class Event(NamedTuple):
    """One event of a watch: `found` is None for all but objects that were added or changed."""

    kind: str
    name: str
    version: int
    found: ConfigMap | None
    message: str


def read_page(text: bytes) -> Page:
    """Return what an answer to a list says; raises AnswerError."""
    page = _parsed(text)
    items = page.get("items") or []
    if not isinstance(items, list):
        raise AnswerError("items: not a list")
    found = [_config_map(_mapping(one, f"items[{at}]")) for at, one in enumerate(items)]
    metadata = _mapping(page.get("metadata"), "metadata")
    version = _text(metadata, "resourceVersion")
    return Page(
        found,
        frozenset(one.name for one in found),
        _text(metadata, "continue"),
        str(_number(version) or ""),
    )


def read_one(text: bytes) -> ConfigMap:
    """Return the ConfigMap that an answer is; raises AnswerError."""
    return _config_map(_parsed(text))


def read_event(line: bytes) -> Event:
    """Return what one line of a watch says; raises AnswerError."""
    event = _parsed(line)
    kind, body = _text(event, "type"), _mapping(event.get("object"), "object")
    if kind == "ERROR":
        return Event(kind, "", 0, None, _text(body, "message") or "the watch failed")
    metadata = _mapping(body.get("metadata"), "metadata")
    version = _number(_text(metadata, "resourceVersion"))
    found = _config_map(body) if kind in ("ADDED", "MODIFIED") else None
    name = _name(metadata) if found or kind == "DELETED" else ""
    return Event(kind, name, version, found, "")


def _parsed(text: bytes) -> dict[str, Any]:
    if len(text) > MOST_BYTES:
        raise AnswerError(f"more than {MOST_BYTES} bytes")
    try:
        found = json.loads(text)
    except RecursionError:
        raise AnswerError("JSON that is nested too deep") from None
    except ValueError as error:  # numbers of too many digits, too
        raise AnswerError(f"not JSON: {error}") from None
    if not isinstance(found, dict):
        raise AnswerError("not a JSON object")
    return found


def _config_map(body: dict[str, Any]) -> ConfigMap:
    metadata = _mapping(body.get("metadata"), "metadata")
    annotations = _mapping(metadata.get("annotations"), "metadata.annotations")
    name = _name(metadata)
    data = _mapping(body.get("data"), "data")
    text = _text(data, "cells" if name == CELLS else "table")
    return ConfigMap(
        name,
        text.encode(),
        homes=_text(data, "homes"),
        version=_number(_text(metadata, "resourceVersion")),
        fleet=_text(_mapping(metadata.get("labels"), "metadata.labels"), _FLEET),
        **{field: _text(annotations, key) for field, key in _ANNOTATIONS.items()},
    )


def _mapping(value: object, where: str) -> dict[str, Any]:
    """Return an object of the answer, an empty one where there is none."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise AnswerError(f"{where}: not an object")
    return value


def _text(values: dict[str, Any], key: str) -> str:
    """Return a text of an object that can be written as UTF-8, empty where there is none."""
    value = values.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise AnswerError(f"{key}: not text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise AnswerError(f"{key}: half of a surrogate pair") from None
    return value


def _name(metadata: dict[str, Any]) -> str:
    name = _text(metadata, "name")
    if not _NAME.fullmatch(name):
        raise AnswerError("metadata.name: not the name of a ConfigMap")
    return name


def _number(version: str) -> int:
    """Return a resourceVersion as the number that it is, 0 where there is none."""
    if not version:
        return 0
    if not (version.isascii() and version.isdecimal() and len(version) <= _LONGEST_VERSION):
        raise AnswerError("resourceVersion: not a number of 64 bits")
    return int(version)
