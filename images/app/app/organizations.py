"""Which organizations this cell holds, as its database says.

The row's state is set by whoever moves an organization; the app only reads it and adds a row on
first use. `hold` is what makes a fence sound: it locks the row against a change of state until the
writing transaction ends, so that once a fence is committed no write can be under way behind it.
"""

from enum import StrEnum
from typing import LiteralString

from psycopg.rows import TupleRow

from app.database import Connection

_READ = "SELECT state FROM organizations WHERE organization_id = %s"
_LOCK = "SELECT state FROM organizations WHERE organization_id = %s FOR SHARE"
# Returns and locks the row of whoever was first.
_ADD = """
INSERT INTO organizations (organization_id) VALUES (%s)
ON CONFLICT (organization_id) DO UPDATE SET created_at = organizations.created_at
RETURNING state
"""


class State(StrEnum):
    """What the cell does with an organization's requests."""

    ACTIVE = "active"
    FENCED = "fenced"
    MOVED = "moved"


class NotHeldError(Exception):
    """The organization is not served here; `state` says for what reason."""

    def __init__(self, state: State) -> None:
        super().__init__(f"the organization is {state} in this cell")
        self.state = state


async def hold(connection: Connection, organization_id: int) -> None:
    """Make sure that the organization stays active until the transaction under way ends.

    Adds the organization's row on first use. Raises NotHeldError.
    """
    row = await _row(connection, _LOCK, organization_id)
    if row is None:
        row = await _row(connection, _ADD, organization_id)
    _refuse_unless_active(row)


async def check(connection: Connection, organization_id: int) -> None:
    """Refuse rows that were read before this call, unless the organization is active.

    To be called after reading: an organization that leaves between the two statements is then
    refused instead of shown empty. One that is not known yet has no rows. Raises NotHeldError.
    """
    _refuse_unless_active(await _row(connection, _READ, organization_id))


async def _row(
    connection: Connection, statement: LiteralString, organization_id: int
) -> TupleRow | None:
    cursor = await connection.execute(statement, [organization_id])
    return await cursor.fetchone()


def _refuse_unless_active(row: TupleRow | None) -> None:
    if row is not None and row[0] != State.ACTIVE:
        raise NotHeldError(State(row[0]))
