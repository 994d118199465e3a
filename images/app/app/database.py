"""The pool of connections, and the promise that no request waits long for a database.

Organizations get connections in turn (see `turns`); what finds no turn in time is `BusyError`. All
work is done in a transaction that the database knows to be one organization's: row level security
shows it no rows of others, whatever a statement forgets.

A database that is away, slow, frozen or full becomes one exception, `DatabaseAwayError`, within a
few seconds. The pool connects again by itself; the app needs no restart and starts without it.
How a connection is made is `login`'s affair.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from psycopg import InterfaceError, OperationalError
from psycopg.errors import ReadOnlySqlTransaction
from psycopg_pool import AsyncConnectionPool

from app.login import Connection
from app.turns import BusyError, Turns

T = TypeVar("T")

# Seconds. The last one holds whatever happens; the others give better messages before it.
_CONNECT = 2
_WAIT_FOR_CONNECTION = 2.0
_STATEMENT = 3
_WHOLE = 5.0
# The pool gives up a row of attempts early, since each request for a connection starts a new one:
# its growing pauses would otherwise keep the app away long after the database is back.
_RECONNECT = 3.0

_SET_ORGANIZATION = "SELECT set_config('cellwright.organization_id', %s, true)"

_log = logging.getLogger(__name__)


class DatabaseAwayError(Exception):
    """The database did not do it in time; for a write, it is not known whether it did."""


class Database:
    """The cell's database: `run` does a piece of work on one of its connections."""

    def __init__(self, pool_size: int, reserve: int, password_file: str) -> None:
        self._abandoned: set[asyncio.Task[Any]] = set()
        self._answered = 0
        self.turns = Turns(pool_size, reserve)
        self.pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            connection_class=Connection,
            kwargs=_login(password_file),
            min_size=1,
            max_size=pool_size,
            timeout=_WAIT_FOR_CONNECTION,
            reconnect_timeout=_RECONNECT,
            check=AsyncConnectionPool.check_connection,
            open=False,
            name="database",
        )

    async def run(self, organization: int, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Return what `work` returns, given a connection in a transaction of the organization.

        The connection is in pipeline mode: what is executed goes out with the next fetch.
        Raises BusyError where the organization gets no turn, and DatabaseAwayError after at most
        five seconds, also when the server has frozen: the work is then cancelled, but its end,
        which may take longer, is not waited for.
        """
        task = asyncio.create_task(self._run(organization, work))
        try:
            done, _ = await asyncio.wait({task}, timeout=_WHOLE)
        except asyncio.CancelledError:
            self._abandon(task)
            raise
        if not done:
            self._abandon(task)
            raise DatabaseAwayError("the database does not answer")
        return task.result()

    async def _run(self, organization: int, work: Callable[[Connection], Awaitable[T]]) -> T:
        await self._turn(organization)
        try:
            async with self.pool.connection() as connection:
                self._answered += 1  # the pool has just checked it
                return await _transaction(connection, organization, work)
        except (OperationalError, InterfaceError, ReadOnlySqlTransaction) as error:
            raise DatabaseAwayError(str(error).partition("\n")[0]) from error
        finally:
            self.turns.give_back(organization)

    async def _turn(self, organization: int) -> None:
        """Wait for a turn; in vain while nobody is answered, the database is away."""
        answered = self._answered
        try:
            async with asyncio.timeout(_WAIT_FOR_CONNECTION):
                await self.turns.take(organization)
        except TimeoutError:
            if answered == self._answered:
                raise DatabaseAwayError("no connection became free") from None
            raise BusyError(own=self.turns.uses(organization)) from None

    def _abandon(self, task: asyncio.Task[Any]) -> None:
        task.cancel()
        self._abandoned.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._abandoned.discard(task)
        if not task.cancelled() and (error := task.exception()):
            _log.warning("work given up ended: %s", error)


async def _transaction(
    connection: Connection, organization: int, work: Callable[[Connection], Awaitable[T]]
) -> T:
    """Do the work between BEGIN and COMMIT; the pool rolls back what an exception leaves.

    `connection.transaction()` would wait for an answer to each of the two; so they cost nothing of
    their own: a read is two round trips, a write three.
    """
    async with connection.pipeline():
        await connection.execute("BEGIN")
        # With the transaction it ends, so that no other finds it on the connection.
        await connection.execute(_SET_ORGANIZATION, [str(organization)])
        result = await work(connection)
        await connection.execute("COMMIT")
    return result


def _login(password_file: str) -> dict[str, Any]:
    """Return what a new connection is made with, beside libpq's environment."""
    return {
        "password_file": password_file,
        "autocommit": True,
        "application_name": "app",
        "connect_timeout": _CONNECT,
        "tcp_user_timeout": _STATEMENT * 1000,
        "keepalives_idle": 10,
        "options": f"-c statement_timeout={_STATEMENT}s"
        f" -c idle_in_transaction_session_timeout={_STATEMENT}s",
    }
