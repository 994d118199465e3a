"""What a connection costs: little while it is open, and nothing once it has ended.

A router opens one for each client that comes, and ends those that it does not use with a reset.
Refuses to serve anything itself: uvicorn does.
"""

from asyncio import sslproto
from typing import Final

from uvicorn.protocols.http.h11_impl import H11Protocol

TLS_RECORD: Final = 16 * 1024
"""Bytes: no record of TLS is larger (RFC 8446, section 5.1)."""


class Connection(H11Protocol):
    """uvicorn's connection, which forgets its time-out also when it ends with a reset.

    Else the event loop would hold it, with all its buffers, as long as an idle one is kept.
    """

    def connection_lost(self, exc: Exception | None) -> None:
        """Let nothing hold the connection any more."""
        super().connection_lost(exc)
        self._unset_keepalive_if_required()


def read_by_record() -> None:
    """Let asyncio have a buffer of one record for each connection, not of sixteen."""
    sslproto.SSLProtocol.max_size = TLS_RECORD
