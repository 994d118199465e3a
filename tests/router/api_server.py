"""A small API server that lists the ConfigMaps of a directory and lets them be watched.

Written from the Kubernetes API's rules for lists with pages, watches, bookmarks and expired
versions, not from what the agent happens to do.
"""

import copy
import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.router.directory import NAMESPACE, Directory


class ApiServer:
    """Serves ConfigMaps of one namespace over TLS; can go away and come back."""

    def __init__(self, address: str, port: int, certificate: Path, token: str) -> None:
        self.address, self.port, self.token = address, port, token
        self.objects: dict[str, dict[str, Any]] = {}
        self.requests: list[str] = []
        self.odd_lists: list[bytes] = []
        """What is answered to the next requests for a list, in place of what they ask for."""
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(certificate)
        self._events: list[tuple[int, bytes]] = []
        self._lists: dict[int, list[dict[str, Any]]] = {}
        """What was listed at a version, for the pages that follow."""
        self._version = 100
        self._forgotten = 0
        self.changed = threading.Condition()
        self._server: _Server | None = None

    def publish(self, directory: Directory) -> None:
        """Make the ConfigMaps what the directory says; equal ones are not touched."""
        for one in directory.objects():
            self.put(one)

    def put(self, *wanted: dict[str, Any]) -> float:
        """Create or change objects, as an apply would; return since when they are told."""
        with self.changed:
            for one in wanted:
                name = one["metadata"]["name"]
                old = self.objects.get(name)
                if old is None or _without_version(old) != one:
                    new = copy.deepcopy(one)
                    self.objects[name] = new
                    self._note("MODIFIED" if old else "ADDED", new)
            self.changed.notify_all()
            return time.monotonic()

    def _note(self, kind: str, subject: dict[str, Any]) -> None:
        self._version += 1
        subject["metadata"]["resourceVersion"] = str(self._version)
        self._events.append((self._version, _line({"type": kind, "object": subject})))

    def say(self, line: bytes) -> None:
        """Let watches see a line that is no event of this API."""
        with self.changed:
            self._version += 1
            self._events.append((self._version, line.rstrip() + b"\n"))
            self.changed.notify_all()

    def delete(self, name: str) -> None:
        with self.changed:
            self._note("DELETED", self.objects.pop(name))
            self.changed.notify_all()

    def forget(self) -> None:
        """Compact: watches from before now get 410, those that are open an error event."""
        with self.changed:
            self._forgotten = self._version
            self._events.clear()
            self.changed.notify_all()

    def backup(self) -> tuple[int, dict[str, dict[str, Any]]]:
        """Return what `restore` takes."""
        with self.changed:
            return self._version, copy.deepcopy(self.objects)

    def restore(self, backup: tuple[int, dict[str, dict[str, Any]]]) -> None:
        """Go back to what was before, while away: what came since was never there."""
        assert self._server is None
        with self.changed:
            self._version, self.objects = backup[0], dict(backup[1])
            self._events = [event for event in self._events if event[0] <= self._version]

    def newest(self) -> int:
        """Return the largest resourceVersion of an object."""
        with self.changed:
            return max(int(one["metadata"]["resourceVersion"]) for one in self.objects.values())

    @property
    def version(self) -> int:
        return self._version

    def listed(self, more: str = "") -> tuple[int, list[dict[str, Any]]]:
        """Return what there is and the version of that; all pages of a list are of one version."""
        with self.changed:
            if not more:
                found = [self.objects[name] for name in sorted(self.objects)]
                self._lists[self._version] = found
                return self._version, found
            version = int(more.partition("/")[0])
            return version, self._lists[version]

    def events(self, after: int, still: Any) -> Iterator[tuple[int, bytes]]:
        """Yield versions and events in order, as lines; an empty one now and then without any.

        The version with that is the newest that has been told: a bookmark may say no more.
        """
        while still():
            with self.changed:
                if after < self._forgotten:
                    status = {"kind": "Status", "code": 410, "message": "too old resource version"}
                    yield after, _line({"type": "ERROR", "object": status})
                    return
                new = [event for event in self._events if event[0] > after]
                if not new:
                    self.changed.wait(0.1)
            for version, line in new:
                after = version
                yield version, line
            if not new:
                yield after, b""

    def start(self) -> None:
        self._server = _Server((self.address, self.port), self, self._context)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Go away: no new connections, and the open ones end."""
        server, self._server = self._server, None
        if server is not None:
            server.going = False
            server.shutdown()
            server.server_close()

    @contextmanager
    def away(self) -> Iterator[None]:
        self.stop()
        try:
            yield
        finally:
            self.start()


def _line(event: dict[str, Any]) -> bytes:
    return json.dumps(event).encode() + b"\n"


def _without_version(found: dict[str, Any]) -> dict[str, Any]:
    metadata = {key: value for key, value in found["metadata"].items() if key != "resourceVersion"}
    return {**found, "metadata": metadata}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], api: ApiServer, context: ssl.SSLContext) -> None:
        super().__init__(address, _Handler)
        self.api = api
        self.going = True
        self.socket = context.wrap_socket(
            self.socket, server_side=True, do_handshake_on_connect=False
        )

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: agents are killed in these tests."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:
        api = self.server.api
        api.requests.append(self.path)
        url = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        base = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
        if self.headers["Authorization"] != f"Bearer {api.token}":
            self._send(401, {"kind": "Status", "code": 401})
        elif url.path == base and query.get("watch") == "1":
            self._watch(int(query["resourceVersion"]))
        elif url.path == base and int(query.get("resourceVersion", "0")) > api.version:
            self._send(504, {"kind": "Status", "code": 504, "reason": "Timeout"})
        elif url.path == base:
            selector = query["labelSelector"]
            self._list(selector, int(query.get("limit", "500")), query.get("continue", ""))
        elif (name := url.path.removeprefix(f"{base}/")) in api.objects:
            self._send(200, api.objects[name])
        else:
            self._send(404, {"kind": "Status", "code": 404})

    def _list(self, selector: str, limit: int, more: str) -> None:
        key, _, value = selector.partition("=")
        version, listed = self.server.api.listed(more)
        after = more.partition("/")[2]
        found = [
            one
            for one in listed
            if one["metadata"]["name"] > after
            and key in one["metadata"]["labels"]
            and value in ("", one["metadata"]["labels"][key])
        ]
        if self.server.api.odd_lists:
            self._send_text(200, self.server.api.odd_lists.pop(0))
            return
        page = found[:limit]
        metadata = {"resourceVersion": str(version)}
        if len(found) > limit:
            metadata["continue"] = f"{version}/{page[-1]['metadata']['name']}"
        self._send(200, {"kind": "ConfigMapList", "metadata": metadata, "items": page})

    def _watch(self, after: int) -> None:
        api, server = self.server.api, self.server
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        quiet = time.monotonic()
        for version, event in api.events(after, lambda: server.going):
            if not event and time.monotonic() - quiet < 1:
                continue
            quiet = time.monotonic()
            mark = {"kind": "ConfigMap", "metadata": {"resourceVersion": str(version)}}
            line = event or _line({"type": "BOOKMARK", "object": mark})
            self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
        self.wfile.write(b"0\r\n\r\n")

    def _send(self, code: int, value: dict[str, Any]) -> None:
        self._send_text(code, json.dumps(value).encode())

    def _send_text(self, code: int, text: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name)
        """Say nothing."""
