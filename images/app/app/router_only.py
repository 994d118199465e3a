"""Only the cell's router is believed: whoever else reaches the port could name any organization.

The router proves itself by a key of the cell, in a header that it takes off what clients send; two
are valid while the key is rotated. It goes no further than this: no handler can log it or show it.
"""

from hmac import compare_digest

from starlette.types import ASGIApp, Receive, Scope, Send

from app.answers import error

HEADER = b"x-cellwright-key"


class RouterOnly:
    """ASGI middleware that refuses requests without the key (403); it stands behind `Observe`."""

    def __init__(self, app: ASGIApp, keys: tuple[bytes, ...]) -> None:
        self._app = app
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what comes from the router."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = [value for name, value in scope["headers"] if name == HEADER]
        if len(given) != 1 or not any(compare_digest(given[0], key) for key in self._keys):
            await error(scope, 403, "only the cell's router may ask here")(scope, receive, send)
            return
        scope["headers"] = [header for header in scope["headers"] if header[0] != HEADER]
        await self._app(scope, receive, send)
