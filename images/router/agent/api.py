"""The directory's ConfigMaps from the Kubernetes API: listed, then watched.

Plain HTTP from the standard library: two kinds of GET are all that is needed, and an agent that
must start when all else is away gains nothing from a client's layers. The token and the CA are
read anew for each connection, as kubelet rotates them. Refuses to write anything.
"""

import http.client
import json
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from agent.directory import Endpoint
from agent.log import log
from agent.table import CELLS, ConfigMap

PAGE = 4
"""ConfigMaps in one answer to a list: a full shard is about 1 MB."""

WATCH_SECONDS = 240
"""How long the API server is asked to keep one watch open."""

_LABEL = "cellwright.dev/directory"
_SHARDS = "cellwright.dev/shards"
_CHECKSUM = "cellwright.dev/checksum"
_EPOCH = "cellwright.dev/epoch"
_MAXIMUM_LOSS = "cellwright.dev/maximum-loss"


class Batch(NamedTuple):
    """ConfigMaps that came together, from a list or from a watch.

    With them everything up to resourceVersion `version` has been said; 0 while a list goes on.
    A list `begins` with the cells, and its end says which ConfigMaps are `present`; a watch says
    which are `gone`.
    """

    found: list[ConfigMap]
    version: int = 0
    begins: bool = False
    present: frozenset[str] | None = None
    gone: str = ""


class ApiError(Exception):
    """The API server is away, or its answer can't be used."""


class ExpiredError(ApiError):
    """The watch can't be continued from where it was: list again."""


class Directory:
    """The ConfigMaps of one namespace, as far as they carry the directory's label."""

    def __init__(self, api: Endpoint, credentials: Path, namespace: str) -> None:
        self._api = api
        self._credentials = credentials
        self._path = f"/api/v1/namespaces/{namespace}/configmaps"
        self._watching: socket.socket | None = None
        self.version = ""
        """The newest resourceVersion; empty before the first list has ended."""
        self.stale = True
        """Whether all has to be listed (again) before watching goes on."""
        self.heard: float | None = None
        """When the API server last said something, by the monotonic clock."""

    def listed(self) -> Iterator[Batch]:
        """Yield all ConfigMaps, the cells first, for they say how many shards there are."""
        cells = self._get(f"{self._path}/{CELLS}", {}, missing={})
        yield Batch(_config_maps([cells]), begins=True)
        names: set[str] = set()
        more = ""
        while True:
            query = {"labelSelector": _LABEL, "limit": str(PAGE)}
            page = self._get(self._path, {**query, "continue": more} if more else query)
            found = _config_maps(page.get("items") or [])
            names |= {one.name for one in found}
            metadata = page.get("metadata") or {}
            more = metadata.get("continue", "")
            if not more:
                break
            yield Batch(found)
        self.version = metadata.get("resourceVersion", "")
        yield Batch(found, _number(self.version), present=frozenset(names))

    def check(self) -> None:
        """Raise ExpiredError if the API server is behind what it has said before.

        One that was restored from a backup would take a watch from a version that it has yet to
        reach, and keep silent about all that comes until then.
        """
        query = {
            "labelSelector": f"{_LABEL}=none",
            "resourceVersion": self.version,
            "resourceVersionMatch": "NotOlderThan",
        }
        self._get(self._path, query)

    def watched(self) -> Iterator[Batch]:
        """Yield what changes from `version` on, until the API server ends the watch."""
        query = {
            "watch": "1",
            "labelSelector": _LABEL,
            "resourceVersion": self.version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(WATCH_SECONDS),
        }
        with self._answer(self._path, query, WATCH_SECONDS + 15) as answer:
            while not self.stale and (line := answer.readline()):
                event = _object(line)
                kind, subject = event.get("type"), event.get("object") or {}
                if kind == "ERROR":
                    raise ExpiredError(str(subject.get("message", "the watch failed")))
                self.heard = time.monotonic()
                metadata = subject.get("metadata") or {}
                version = _number(metadata.get("resourceVersion", ""))
                if version < _number(self.version):
                    raise ExpiredError("the API server is behind what it has said before")
                self.version = str(version)
                gone = ""
                if kind == "DELETED":
                    gone = metadata.get("name", "")
                    log("a ConfigMap of the directory vanished; what it said is kept", name=gone)
                changed = [subject] if kind in ("ADDED", "MODIFIED") else []
                yield Batch(_config_maps(changed), version, gone=gone)

    def interrupt(self) -> None:
        """End the watch, so that its reader lists again; from any thread."""
        self.stale = True
        watching = self._watching
        if watching is not None:
            socket.socket.shutdown(watching, socket.SHUT_RDWR)  # not TLS's: its reader is another

    def _get(
        self, path: str, query: Mapping[str, str], missing: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        with self._answer(path, query, 30, missing_is_fine=missing is not None) as answer:
            found = _object(answer.read()) if answer.status == 200 else missing or {}
        self.heard = time.monotonic()
        return found

    @contextmanager
    def _answer(
        self, path: str, query: Mapping[str, str], seconds: float, *, missing_is_fine: bool = False
    ) -> Iterator[http.client.HTTPResponse]:
        connection: http.client.HTTPSConnection | None = None
        try:
            connection = self._connect()
            token = (self._credentials / "token").read_text().strip()
            headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
            connection.request("GET", f"{path}?{urlencode(query)}", headers=headers)
            answer = connection.getresponse()
            if answer.status == 410:
                raise ExpiredError("the API server no longer knows this version")
            if answer.status == 504 and "resourceVersion" in query:
                raise ExpiredError("the API server is behind what it has said before")
            if answer.status != 200 and not (answer.status == 404 and missing_is_fine):
                raise ApiError(f"the API server answered {answer.status} {answer.reason}")
            connection.sock.settimeout(seconds)
            self._watching = connection.sock
            yield answer
        except (OSError, http.client.HTTPException) as error:
            raise ApiError(f"the API server is away: {error or type(error).__name__}") from error
        finally:
            self._watching = None
            if connection is not None:
                connection.close()

    def _connect(self) -> http.client.HTTPSConnection:
        context = ssl.create_default_context(cafile=str(self._credentials / "ca.crt"))
        connection = http.client.HTTPSConnection(
            self._api.host, self._api.port, timeout=10, context=context
        )
        connection.connect()
        # A server that vanished without a word is noticed within 25 seconds.
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 10)
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5)
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
        return connection


def _object(text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ApiError(f"the API server's answer is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise ApiError("the API server's answer is not an object")
    return found


def _number(version: str) -> int:
    """Return a resourceVersion as the number that it is, or 0."""
    return int(version) if version.isascii() and version.isdecimal() else 0


def _config_maps(items: list[dict[str, Any]]) -> list[ConfigMap]:
    found = []
    for item in items:
        metadata = item.get("metadata") or {}
        annotations = metadata.get("annotations") or {}
        name = metadata.get("name", "")
        text = (item.get("data") or {}).get("cells" if name == CELLS else "table", "")
        found.append(
            ConfigMap(
                name,
                text.encode(),
                annotations.get(_CHECKSUM, ""),
                annotations.get(_SHARDS, ""),
                _number(metadata.get("resourceVersion", "")),
                annotations.get(_EPOCH, ""),
                annotations.get(_MAXIMUM_LOSS, ""),
            )
        )
    return found
