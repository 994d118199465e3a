"""Runs the app behind uvicorn until it is told to stop.

Settings come from the environment: CELL, the name of the app's own cell, and POOL_SIZE, the most
connections that one process opens (the pods together must stay below cell_app's limit). The
database is libpq's business (PGHOST, PGPORT, PGDATABASE, PGUSER, PGPASSWORD).
"""

import logging
from collections.abc import Mapping

import uvicorn

from app.api import build

PORT = 8080
# Longer than a router keeps an idle connection, so that it is never the app that hangs up.
_KEEP_ALIVE_S = 75
_GRACE_S = 20

_log = logging.getLogger(__name__)


def serve(environment: Mapping[str, str]) -> int:
    """Serve until SIGTERM, then answer what is under way; 1 if the settings are wrong."""
    cell = environment.get("CELL", "")
    size = environment.get("POOL_SIZE", "8")
    if not cell:
        _log.error("CELL must hold the name of the app's own cell")
        return 1
    if not size.isdecimal() or not 1 <= int(size) <= 100:
        _log.error("POOL_SIZE must be an integer from 1 to 100, and is %r", size)
        return 1
    config = uvicorn.Config(
        build(cell, int(size)),
        host="0.0.0.0",  # noqa: S104 - the pod's own address is not known; policies guard it
        port=PORT,
        http="h11",
        ws="none",
        loop="asyncio",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_GRACE_S,
    )
    uvicorn.Server(config).run()
    return 0
