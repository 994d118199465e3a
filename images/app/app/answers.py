"""How the app says no: one form for every error, the same as the router's own.

The body is `{"error": "...", "request_id": "..."}`. An error's text is for the client; what is
only the operator's business goes to the log under the same request id.
"""

import asyncio
import logging

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.types import ExceptionHandler, Scope

from app.database import DatabaseAwayError
from app.organizations import (
    NotHeldError,
    NotPlacedError,
    State,
    VisitorError,
    WrongNameError,
)
from app.turns import BusyError

RETRY_AFTER = {"Retry-After": "1"}
_PAUSE_S = 1.0
"""Before an organization is told that it asks for too much: as it is asked to wait then."""

_log = logging.getLogger(__name__)


def error(
    scope: Scope, status: int, text: str, headers: dict[str, str] | None = None
) -> JSONResponse:
    """Return the answer to a request that fails; its id was put into the scope by `Observe`."""
    body = {"error": text, "request_id": scope["request_id"]}
    return JSONResponse(body, status_code=status, headers=headers)


def _refused(request: Request, problem: Exception) -> JSONResponse:
    assert isinstance(problem, HTTPException)  # noqa: S101 - for the types; the table below says so
    headers = dict(problem.headers or {})
    return error(request.scope, problem.status_code, problem.detail, headers)


def _not_held(request: Request, problem: Exception) -> JSONResponse:
    if isinstance(problem, NotHeldError) and problem.state is State.FENCED:
        return error(request.scope, 503, str(problem), RETRY_AFTER)
    return error(request.scope, 421, str(problem))


def _not_placed(request: Request, problem: Exception) -> JSONResponse:
    request.app.state.services.metrics.not_placed.inc()
    return error(request.scope, 421, str(problem))


def _visitor(request: Request, problem: Exception) -> JSONResponse:
    return error(request.scope, 409, str(problem))


def _wrong_name(request: Request, problem: Exception) -> JSONResponse:
    """Refuse to show one organization's rows to another, and tell the operator of whom."""
    assert isinstance(problem, WrongNameError)  # noqa: S101 - for the types
    request.app.state.services.metrics.wrong_names.inc()
    fields = {
        "request_id": request.scope["request_id"],
        "organization_id": problem.asked.id,
        "organization": problem.asked.name,
        "owner": problem.owner,
    }
    _log.error("%s", problem, extra={"fields": fields})
    return error(request.scope, 421, str(problem))


def _database_away(request: Request, problem: Exception) -> JSONResponse:
    request.app.state.services.metrics.away.inc()
    _log.warning(
        "the database is away: %s",
        problem,
        extra={"fields": {"request_id": request.scope["request_id"]}},
    )
    text = "the database is away"
    if request.method not in ("GET", "HEAD"):
        text += "; what was sent may or may not have been kept"
    return error(request.scope, 503, text, RETRY_AFTER)


async def _busy(request: Request, problem: Exception) -> JSONResponse:
    """Say whose requests are too many; nothing was done.

    A client that asks again at once would else have most of the app's time, for refusals.
    """
    assert isinstance(problem, BusyError)  # noqa: S101 - for the types
    whose = "own" if problem.own else "all"
    request.app.state.services.metrics.busy.labels(whose).inc()
    if problem.own:
        await asyncio.sleep(_PAUSE_S)
    return error(request.scope, 429 if problem.own else 503, str(problem), RETRY_AFTER)


def _disconnected(request: Request, _problem: Exception) -> JSONResponse:
    return error(request.scope, 400, "the request ended early")


HANDLERS: dict[int | type[Exception], ExceptionHandler] = {
    HTTPException: _refused,
    NotHeldError: _not_held,
    NotPlacedError: _not_placed,
    VisitorError: _visitor,
    WrongNameError: _wrong_name,
    DatabaseAwayError: _database_away,
    BusyError: _busy,
    ClientDisconnect: _disconnected,
}
