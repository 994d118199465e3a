"""What happens to every request whatever it is: an id, a log line, a count, and always an answer.

Plain ASGI around the rest of the app. It decides nothing about a request.
"""

import logging
import re
import time
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.answers import error
from app.metrics import Metrics

# What the router or a client may give as an id; anything else could be used to forge log lines.
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
# Asked every few seconds by machines; logged only when the answer is not 200.
_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
# No answer was sent: the client left or the server was stopped.
_NO_ANSWER = 499

_log = logging.getLogger("app.access")


class Observe:
    """ASGI middleware that puts `request_id` into the scope and the answer."""

    def __init__(self, app: ASGIApp, cell: str, metrics: Metrics) -> None:
        self._app = app
        self._cell = cell
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        headers = Headers(scope=scope)
        given = headers.get("X-Request-Id", "")
        scope["request_id"] = given if _REQUEST_ID.fullmatch(given) else uuid4().hex
        status = _NO_ANSWER

        async def observed_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                sent = MutableHeaders(scope=message)
                sent["X-Cellwright-Cell"] = self._cell
                sent["X-Request-Id"] = scope["request_id"]
            await send(message)

        try:
            await self._app(scope, receive, observed_send)
        except Exception:
            _log.exception("failed", extra={"fields": {"request_id": scope["request_id"]}})
            if status != _NO_ANSWER:
                raise
            answer = error(scope, 500, "the app failed; its log says why under this request id")
            await answer(scope, receive, observed_send)
        finally:
            seconds = time.perf_counter() - started
            route = getattr(scope.get("endpoint"), "__name__", "none")
            self._metrics.request(route, scope["method"], status, seconds)
            if status != 200 or scope["path"] not in _QUIET:
                self._write(scope, headers, status, seconds)

    def _write(self, scope: Scope, headers: Headers, status: int, seconds: float) -> None:
        fields = {
            "request_id": scope["request_id"],
            "cell": self._cell,
            "organization": headers.get("X-Cellwright-Organization"),
            "organization_id": headers.get("X-Cellwright-Organization-Id"),
            "method": scope["method"],
            "path": scope["path"],
            "status": status,
            "milliseconds": round(seconds * 1000, 1),
        }
        _log.info("request", extra={"fields": fields})
