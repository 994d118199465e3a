"""Connections to the database with a password from a file.

While passwords are rotated the file holds two, and the database takes one of them: the second is
tried where the first is refused, and there alone. Where the database is comes from libpq's own
environment (PGHOST, PGUSER, ...), and so does the password where no file is named.
"""

from collections.abc import Iterator
from typing import Any, Self

import psycopg
from psycopg import AsyncConnection, OperationalError
from psycopg.rows import TupleRow

from app.secret_files import read_secrets

_REFUSED = "password authentication failed"
"""What Postgres says; libpq gives its code away for queries only."""


class Connection(AsyncConnection[TupleRow]):
    """A connection that is made with `password_file` beside what psycopg takes."""

    @classmethod
    async def connect(  # type: ignore[override] # what is passed on is psycopg's affair
        cls, conninfo: str = "", *, password_file: str = "", **more: Any
    ) -> Self:
        """Return a connection. Raises OperationalError and SecretFileError."""
        for given, is_last in _given(password_file):
            try:
                return await super().connect(conninfo, **given, **more)
            except OperationalError as error:
                if is_last or _REFUSED not in str(error):
                    raise
        raise AssertionError("a file holds a password at least")


def connect(password_file: str, **more: Any) -> psycopg.Connection[Any]:
    """Return a connection. Raises OperationalError and SecretFileError."""
    for given, is_last in _given(password_file):
        try:
            return psycopg.connect("", **given, **more)
        except OperationalError as error:
            if is_last or _REFUSED not in str(error):
                raise
    raise AssertionError("a file holds a password at least")


def _given(password_file: str) -> Iterator[tuple[dict[str, Any], bool]]:
    """Yield what to log in with, one after the other, and whether it is the last."""
    passwords = read_secrets(password_file) if password_file else ()
    if not passwords:
        yield {}, True
    for number, password in enumerate(passwords, start=1):
        yield {"password": password}, number == len(passwords)
