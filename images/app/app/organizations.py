"""Which organizations this cell holds, as its database says.

A row is put there by the cell's placement, which follows the signed directory, and its state is set
by whoever moves an organization; the app reads both and changes neither. Who has no row is refused,
whatever the router says. `hold` is what makes a fence sound: it locks the row against a change of
state until the writing transaction ends, so that once a fence is committed no write can be under
way behind it.

The row keeps the name of the organization beside its id. A name never changes, so that a request
with the id and another name is for somebody who got an id that was used before: it is refused, and
nobody is shown another's rows. A row of an older schema has no name until the placement gives it.

Who visits, by an override whose writes are refused, has a row in `organization_visits`: reads are
answered, from whatever rows there are.
"""

from enum import StrEnum
from typing import LiteralString, NamedTuple

from psycopg.rows import TupleRow

from app.database import Connection

# Finds one row, also for an organization that there is not.
_READ = """
SELECT held.state, held.name, visit.name
FROM (SELECT %s::bigint AS id) AS asked
LEFT JOIN organizations AS held ON held.organization_id = asked.id
LEFT JOIN organization_visits AS visit ON visit.organization_id = asked.id
"""
_LOCK = """
SELECT held.state, held.name,
  (SELECT name FROM organization_visits WHERE organization_id = held.organization_id)
FROM organizations AS held WHERE held.organization_id = %s FOR SHARE OF held
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


class NotPlacedError(Exception):
    """The cell was not given the organization."""

    def __init__(self) -> None:
        super().__init__("the organization is not placed in this cell")


class VisitorError(Exception):
    """The organization visits the cell, and wants to write."""

    def __init__(self) -> None:
        super().__init__(
            "the organization only visits this cell, by an override that refuses writes"
        )


class WrongNameError(Exception):
    """The id belongs to the organization `owner` in this cell, and not to `asked`."""

    def __init__(self, asked: Organization, owner: str) -> None:
        super().__init__("the organization's id belongs to another one in this cell")
        self.asked = asked
        self.owner = owner


async def hold(connection: Connection, organization: Organization) -> None:
    """Make sure that the organization stays active until the transaction under way ends.

    Raises NotPlacedError, NotHeldError, WrongNameError, and VisitorError for who may only read.
    """
    row = await _row(connection, _LOCK, organization.id)
    if row is None:
        row = await _row(connection, _READ, organization.id)
    if _is_visitor(row, organization):
        raise VisitorError


async def check(connection: Connection, organization: Organization) -> None:
    """Refuse rows that were read before this call, unless the organization may read here.

    To be called after reading, and before what was read is fetched, so that both come with one
    round trip: an organization that leaves between the two statements is then
    refused instead of shown empty. Raises NotPlacedError, NotHeldError and WrongNameError.
    """
    _is_visitor(await _row(connection, _READ, organization.id), organization)


async def _row(
    connection: Connection, statement: LiteralString, organization: int
) -> TupleRow | None:
    cursor = await connection.execute(statement, [organization])
    return await cursor.fetchone()


def _is_visitor(row: TupleRow | None, organization: Organization) -> bool:
    """Tell whether an organization that may read visits only; raises for one that may not."""
    state, owner, visitor = row or (None, None, None)
    for name in (owner, visitor):
        if name is not None and name != organization.name:
            raise WrongNameError(organization, name)
    if owner is None and visitor is None:
        raise NotPlacedError
    if state is not None and state != State.ACTIVE:
        raise NotHeldError(State(state))
    return visitor is not None
