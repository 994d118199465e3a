"""What machines ask: whether the process answers, whether it serves, and its metrics.

On a port of its own, which no router passes requests to: whatever an organization asks for, it can
reach none of this.
"""

from collections.abc import Callable

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.answers import HANDLERS
from app.metrics import Metrics
from app.observe import Observe


def build(cell: str, metrics: Metrics, serves: Callable[[], bool]) -> Starlette:
    """Return the app of the second port; `serves` tells whether the first takes requests."""

    async def health(_request: Request) -> Response:
        return JSONResponse({"status": "ok", "cell": cell})

    async def ready(_request: Request) -> Response:
        """Leave the database out on purpose.

        All pods share it, so that taking them out of service when it is away would turn errors
        with a Retry-After into no answer at all.
        """
        if serves():
            return JSONResponse({"status": "ok", "cell": cell})
        return JSONResponse({"status": "not serving", "cell": cell}, status_code=503)

    async def exported(_request: Request) -> Response:
        text = generate_latest(metrics.registry)
        return Response(text, headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = Starlette(
        routes=[
            Route("/healthz", health),
            Route("/readyz", ready),
            Route("/metrics", exported),
        ],
        middleware=[Middleware(Observe, cell=cell, metrics=metrics)],
        exception_handlers=HANDLERS,
    )
    app.router.redirect_slashes = False
    return app
