"""Runs the app behind uvicorn until it is told to stop: two ports in one process.

Organizations' requests come in on one port, what machines ask on the other. The second is there
first and goes last: until the last request has been answered, probes and Prometheus are answered
too, and readiness says 503 from the moment on that no new requests are taken.
"""

import asyncio
import logging
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette

from app import api, health
from app.certificate import Certificate
from app.connections import Connection, read_by_record
from app.database import Database
from app.metrics import Metrics
from app.settings import Settings, SettingsError, settings

PORT = 8080
HEALTH_PORT = 8081
# Longer than a router keeps an idle connection, so that it is never the app that hangs up.
_KEEP_ALIVE_S = 75
_GRACE_S = 20

_log = logging.getLogger(__name__)


class _Beside(uvicorn.Server):
    """A server that is stopped by the one beside it, and leaves signals to that one."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def serve(environment: Mapping[str, str]) -> int:
    """Serve until SIGTERM, then answer what is under way; 1 if the settings are wrong."""
    try:
        given = settings(environment)
    except SettingsError as error:
        _log.error("%s", error)
        return 1
    read_by_record()
    asyncio.run(_serve(given))
    return 0


async def _serve(given: Settings) -> None:
    database = Database(given.pool_size, given.pool_reserve, given.password_file)
    services = api.Services(given.cell, database, Metrics(database))
    certificate = given.certificate
    config = _config(api.build(services, given.router_keys), PORT, _GRACE_S, certificate)
    server = uvicorn.Server(config)

    def serves() -> bool:
        return server.started and not server.should_exit

    answering = health.build(given.cell, services.metrics, serves)
    beside = _Beside(_config(answering, HEALTH_PORT, 1))
    running = asyncio.create_task(beside.serve())
    renewing = asyncio.create_task(certificate.follow()) if certificate else None
    try:
        await server.serve()
    finally:
        if renewing:
            renewing.cancel()
        beside.should_exit = True
        await running


def _config(
    app: Starlette, port: int, grace: int, certificate: Certificate | None = None
) -> uvicorn.Config:
    def context(*_: object) -> ssl.SSLContext:
        assert certificate is not None  # noqa: S101 - else nobody asks
        return certificate.context

    return uvicorn.Config(
        app,
        host="0.0.0.0",  # noqa: S104 - the pod's own address is not known; policies guard it
        port=port,
        http=Connection,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=grace,
        ssl_context_factory=context if certificate else None,
    )
