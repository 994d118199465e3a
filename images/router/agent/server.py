"""The agent's own port: probes, metrics, and which table is served.

Refuses everything but GET of four paths; nothing can be changed through it.
"""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from agent.status import Status


class Server(ThreadingHTTPServer):
    """Answers from `status`."""

    daemon_threads = True

    def __init__(self, address: str, port: int, status: Status) -> None:
        super().__init__((address, port), _Handler)
        self.status = status


class _Handler(BaseHTTPRequestHandler):
    server: Server
    timeout = 5
    server_version = "cellwright"
    sys_version = ""

    def do_GET(self) -> None:
        status = self.server.status
        if self.path == "/healthz":
            self._answer(200 if status.alive else 503, {"alive": status.alive})
        elif self.path == "/readyz":
            self._answer(200 if status.can_start else 503, {"ready": status.can_start})
        elif self.path == "/table":
            self._answer(200, status.table())
        elif self.path == "/metrics":
            self._send(200, "text/plain; version=0.0.4; charset=utf-8", status.metrics())
        else:
            self._answer(404, {"error": "not found"})

    def _answer(self, code: int, value: dict[str, object]) -> None:
        self._send(code, "application/json", json.dumps(value) + "\n")

    def _send(self, code: int, kind: str, text: str) -> None:
        body = text.encode()
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name)
        """Say nothing: probes come every few seconds."""
