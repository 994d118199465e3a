"""Which organizations this cell holds, as its database says.

The row's state is set by whoever moves an organization; the app only reads it and adds a row on
first use. `hold` is what makes a fence sound: it locks the row against a change of state until the
writing transaction ends, so that once a fence is committed no write can be under way behind it.

The row keeps the name of the organization beside its id. A name never changes, so that a request
with the id and another name is for somebody who got an id that was used before: it is refused, and
nobody is shown another's rows. Rows of older schemas have no name; the first request gives it.
"""

from enum import StrEnum
from typing import LiteralString, NamedTuple

from psycopg.rows import TupleRow

from app.database import Connection

_READ = "SELECT state, name FROM organizations WHERE organization_id = %s"
# Finds no row without a name: it is given one by the statement below, which must not wait for
# others that have locked the row in this way.
_LOCK = """
SELECT state, name FROM organizations
WHERE organization_id = %s AND name IS NOT NULL FOR SHARE
"""
# Returns and locks the row of whoever was first.
_ADD = """
INSERT INTO organizations (organization_id, name) VALUES (%s, %s)
ON CONFLICT (organization_id) DO UPDATE SET name = coalesce(organizations.name, excluded.name)
RETURNING state, name
"""


class Organization(NamedTuple):
    """Whom a request is for, as the router found it."""

    id: int
    name: str


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


class WrongNameError(Exception):
    """The id belongs to the organization `owner` in this cell, and not to `asked`."""

    def __init__(self, asked: Organization, owner: str) -> None:
        super().__init__("the organization's id belongs to another one in this cell")
        self.asked = asked
        self.owner = owner


async def hold(connection: Connection, organization: Organization) -> None:
    """Make sure that the organization stays active until the transaction under way ends.

    Adds the organization's row on first use. Raises NotHeldError and WrongNameError.
    """
    row = await _row(connection, _LOCK, organization.id)
    if row is None:
        row = await _row(connection, _ADD, *organization)
    _refuse_unless_held(row, organization)


async def check(connection: Connection, organization: Organization) -> None:
    """Refuse rows that were read before this call, unless the organization is active.

    To be called after reading, and before what was read is fetched, so that both come with one
    round trip: an organization that leaves between the two statements is then
    refused instead of shown empty. One that is not known yet has no rows. Raises NotHeldError and
    WrongNameError.
    """
    row = await _row(connection, _READ, organization.id)
    if row is not None and row[1] is None:
        row = await _row(connection, _ADD, *organization)
    _refuse_unless_held(row, organization)


async def _row(
    connection: Connection, statement: LiteralString, *values: int | str
) -> TupleRow | None:
    cursor = await connection.execute(statement, values)
    return await cursor.fetchone()


def _refuse_unless_held(row: TupleRow | None, organization: Organization) -> None:
    if row is None:
        return
    state, owner = row
    if owner != organization.name:
        raise WrongNameError(organization, owner)
    if state != State.ACTIVE:
        raise NotHeldError(State(state))
