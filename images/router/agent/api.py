"""The directory's ConfigMaps from the Kubernetes API: listed, then watched.

Plain HTTP from the standard library: two kinds of GET are all that is needed, and an agent that
must start when all else is away gains nothing from a client's layers. The token and the CA are
read anew for each connection, as kubelet rotates them. Refuses to write anything.
"""

import http.client
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

from agent.answers import MOST_BYTES, read_event, read_one, read_page
from agent.config_map import CELLS, ConfigMap
from agent.directory import Endpoint
from agent.log import log

PAGE = 4
"""ConfigMaps in one answer to a list: a full shard is about 1 MB."""

WATCH_SECONDS = 240
"""How long the API server is asked to keep one watch open."""

_LABEL = "cellwright.dev/directory"


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
    """The API server is away, or refuses to answer."""


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
        self.odd_answers = 0
        """How many of its answers had another form than they should."""

    def listed(self) -> Iterator[Batch]:
        """Yield all ConfigMaps, the cells first, for they say how many shards there are.

        Raises ApiError, and AnswerError, as `watched` does.
        """
        with self._answer(f"{self._path}/{CELLS}", {}, 30, missing_is_fine=True) as answer:
            cells = [read_one(answer.read(MOST_BYTES + 1))] if answer.status == 200 else []
        yield Batch(cells, begins=True)
        names: frozenset[str] = frozenset()
        more = ""
        while True:
            query = {"labelSelector": _LABEL, "limit": str(PAGE)}
            page = read_page(self._get(self._path, {**query, "continue": more} if more else query))
            names |= page.names
            more = page.more
            if not more:
                break
            yield Batch(page.found)
        self.version = page.version
        yield Batch(page.found, int(page.version or 0), present=names)

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
            while not self.stale and (line := answer.readline(MOST_BYTES + 1)):
                event = read_event(line)
                if event.kind == "ERROR":
                    raise ExpiredError(event.message)
                self.heard = time.monotonic()
                if event.version < int(self.version or 0):
                    raise ExpiredError("the API server is behind what it has said before")
                self.version = str(event.version)
                gone = event.name if event.kind == "DELETED" else ""
                if gone:
                    log("a ConfigMap of the directory vanished; what it said is kept", name=gone)
                yield Batch([event.found] if event.found else [], event.version, gone=gone)

    def interrupt(self) -> None:
        """End the watch, so that its reader lists again; from any thread."""
        self.stale = True
        watching = self._watching
        if watching is not None:
            with suppress(OSError):  # it may have ended just now
                socket.socket.shutdown(watching, socket.SHUT_RDWR)  # not TLS's: another reads

    def _get(self, path: str, query: Mapping[str, str]) -> bytes:
        with self._answer(path, query, 30) as answer:
            found = answer.read(MOST_BYTES + 1)
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
