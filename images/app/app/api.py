"""The routes: HTTP on one side, notes of one organization on the other.

Nothing else is to be had on this port; what machines ask is in `health`. `/notes` and
`/o/{path}/notes` are the same: the router has found the organization, by whatever it classifies on,
and passed the path on unchanged. The app believes the router's headers, and `RouterOnly` sees to it
that they are the router's.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app import notes
from app.answers import HANDLERS
from app.database import Database
from app.metrics import Metrics
from app.observe import Observe
from app.requests import note_text, organization, page
from app.router_only import RouterOnly


@dataclass(frozen=True, slots=True)
class Services:
    """What the handlers use, made once."""

    cell: str
    database: Database
    metrics: Metrics


def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


def _form(note: notes.Note) -> dict[str, Any]:
    return {
        "id": str(note.id),
        "text": note.text,
        "created_at": note.created_at.isoformat(),
        "changed_at": note.changed_at.isoformat(),
    }


def _found(note: notes.Note | None) -> notes.Note:
    if note is None:
        raise HTTPException(404, "there is no such note")
    return note


class Notes(HTTPEndpoint):
    """All notes of the organization."""

    async def get(self, request: Request) -> Response:
        """Answer with one page; `next` is the `after` of the page behind it."""
        services = _services(request)
        asker = organization(request, services.cell)
        limit, after = page(request)
        work = partial(notes.page, organization=asker, after=after, limit=limit + 1)
        found = await services.database.run(asker.id, work)
        more = len(found) > limit
        shown = [_form(note) for note in found[:limit]]
        return JSONResponse({"notes": shown, "next": shown[-1]["id"] if more else None})

    async def post(self, request: Request) -> Response:
        """Keep a new note."""
        services = _services(request)
        asker = organization(request, services.cell)
        text = await note_text(request)
        work = partial(notes.create, organization=asker, text=text)
        note = await services.database.run(asker.id, work)
        where = {"Location": f"{request.url.path}/{note.id}"}
        return JSONResponse(_form(note), status_code=201, headers=where)


class Note(HTTPEndpoint):
    """One note of the organization."""

    async def get(self, request: Request) -> Response:
        """Answer with the note."""
        services = _services(request)
        asker = organization(request, services.cell)
        note_id = request.path_params["id"]
        work = partial(notes.read, organization=asker, note_id=note_id)
        return JSONResponse(_form(_found(await services.database.run(asker.id, work))))

    async def put(self, request: Request) -> Response:
        """Give the note a new text."""
        services = _services(request)
        asker = organization(request, services.cell)
        note_id = request.path_params["id"]
        text = await note_text(request)
        work = partial(notes.change, organization=asker, note_id=note_id, text=text)
        return JSONResponse(_form(_found(await services.database.run(asker.id, work))))

    async def delete(self, request: Request) -> Response:
        """Delete the note."""
        services = _services(request)
        asker = organization(request, services.cell)
        note_id = request.path_params["id"]
        work = partial(notes.delete, organization=asker, note_id=note_id)
        if not await services.database.run(asker.id, work):
            _found(None)
        return Response(status_code=204)


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    pool = app.state.services.database.pool
    await pool.open(wait=False)
    yield
    await pool.close(timeout=5)


def build(services: Services, router_keys: tuple[bytes, ...]) -> Starlette:
    """Return the app of a cell, for whoever has the key.

    The database is connected to when the app starts.
    """
    app = Starlette(
        routes=[
            route
            for prefix in ("", "/o/{path}")
            for route in (
                Route(f"{prefix}/notes", Notes),
                Route(f"{prefix}/notes/{{id:uuid}}", Note),
            )
        ],
        middleware=[
            Middleware(Observe, cell=services.cell, metrics=services.metrics),
            Middleware(RouterOnly, keys=router_keys),
        ],
        exception_handlers=HANDLERS,
        lifespan=_lifespan,
    )
    app.router.redirect_slashes = False
    app.state.services = services
    return app
