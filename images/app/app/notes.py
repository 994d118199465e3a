"""The notes of an organization: what is kept, and the statements that keep it.

Every statement names the organization, the sharding key. Every write holds the organization before
it, every read checks it behind, in the transaction that `Database.run` has begun; both raise
NotPlacedError, NotHeldError or WrongNameError where that fails, and writes VisitorError.
Nothing here knows of HTTP.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg import AsyncCursor
from psycopg.rows import class_row

from app.database import Connection
from app.ids import new_id
from app.organizations import Organization, check, hold

_CREATE = """
INSERT INTO notes (organization_id, id, text) VALUES (%s, %s, %s)
RETURNING id, text, created_at, changed_at
"""
_PAGE = """
SELECT id, text, created_at, changed_at FROM notes
WHERE organization_id = %s AND id > %s ORDER BY id LIMIT %s
"""
_READ = """
SELECT id, text, created_at, changed_at FROM notes
WHERE organization_id = %s AND id = %s
"""
_CHANGE = """
UPDATE notes SET text = %s, changed_at = now()
WHERE organization_id = %s AND id = %s
RETURNING id, text, created_at, changed_at
"""
_DELETE = """
DELETE FROM notes WHERE organization_id = %s AND id = %s
RETURNING id, text, created_at, changed_at
"""

_BEFORE_ALL = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Note:
    """One note, without its organization."""

    id: UUID
    text: str
    created_at: datetime
    changed_at: datetime


async def create(connection: Connection, organization: Organization, text: str) -> Note:
    """Keep a new note."""
    await hold(connection, organization)
    async with _notes(connection) as cursor:
        await cursor.execute(_CREATE, [organization.id, new_id(), text])
        (note,) = await cursor.fetchall()
    return note


async def page(
    connection: Connection, organization: Organization, after: UUID | None, limit: int
) -> list[Note]:
    """Return up to `limit` notes in the order of their ids, from behind `after`."""
    async with _notes(connection) as cursor:
        await cursor.execute(_PAGE, [organization.id, after or _BEFORE_ALL, limit])
        await check(connection, organization)
        return await cursor.fetchall()


async def read(connection: Connection, organization: Organization, note_id: UUID) -> Note | None:
    """Return the note, or None."""
    async with _notes(connection) as cursor:
        await cursor.execute(_READ, [organization.id, note_id])
        await check(connection, organization)
        return await cursor.fetchone()


async def change(
    connection: Connection, organization: Organization, note_id: UUID, text: str
) -> Note | None:
    """Give the note a new text and return it, or None if there is none."""
    await hold(connection, organization)
    async with _notes(connection) as cursor:
        await cursor.execute(_CHANGE, [text, organization.id, note_id])
        return await cursor.fetchone()


async def delete(connection: Connection, organization: Organization, note_id: UUID) -> bool:
    """Delete the note; False if there is none."""
    await hold(connection, organization)
    async with _notes(connection) as cursor:
        await cursor.execute(_DELETE, [organization.id, note_id])
        return await cursor.fetchone() is not None


def _notes(connection: Connection) -> AsyncCursor[Note]:
    return connection.cursor(row_factory=class_row(Note))
