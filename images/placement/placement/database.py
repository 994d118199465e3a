"""The cell's database, as the placement may change it: rows are added, and names that lack.

`organizations` gets a row for each organization that the cell was given, `organization_visits` one
for each that visits. A row that is there is left alone: its state is a move's affair, and its name
never changes. Every statement may be repeated, and run by two placements at once.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, LiteralString, NamedTuple

import psycopg
from agent.settings import SettingsError

from placement.settings import passwords
from placement.wanted import Organization

MANY = 1000
"""Organizations in one statement, or transaction."""
SECONDS = 10
"""What a statement, and a server that has vanished, may take."""

_KNOWN = "SELECT organization_id, name, state FROM organizations WHERE organization_id = ANY(%s)"
_ADD = """
INSERT INTO organizations (organization_id, name)
SELECT id, name FROM unnest(%s::bigint[], %s::text[]) AS given (id, name)
ON CONFLICT (organization_id) DO NOTHING
"""
_NAME = """
UPDATE organizations SET name = given.name
FROM unnest(%s::bigint[], %s::text[]) AS given (id, name)
WHERE organization_id = given.id AND organizations.name IS NULL
"""
_VISITS = "SELECT organization_id, name FROM organization_visits"
_NAMES = """
SELECT organization_id, name FROM organizations
WHERE organization_id = ANY(%(ids)s) AND name IS NOT NULL
UNION ALL
SELECT organization_id, name FROM organization_visits WHERE organization_id = ANY(%(ids)s)
"""
_LEAVE = """
DELETE FROM organization_visits USING unnest(%s::bigint[], %s::text[]) AS given (id, name)
WHERE organization_id = given.id AND organization_visits.name = given.name
"""
_VISIT = """
INSERT INTO organization_visits (organization_id, name)
SELECT id, name FROM unnest(%s::bigint[], %s::text[]) AS given (id, name)
ON CONFLICT (organization_id) DO NOTHING
"""
_REFUSED = "password authentication failed"
"""What Postgres says of a password; libpq gives its code away for queries only."""
_ROW_REFUSED = (psycopg.IntegrityError, psycopg.DataError, psycopg.errors.RaiseException)
"""What the database says of a row that it does not take, whoever asks again."""
_ACTIVE = "active"
_NONE: Mapping[Organization, str] = MappingProxyType({})


class DatabaseError(Exception):
    """The database is away, or does not do what it was asked; worth another try."""


class Placed(NamedTuple):
    """What became of some organizations: how many rows came or went, and how many got their name.

    `owners` are the names that others have in the database, by the organizations with their ids;
    `refused` has why the database takes an organization's row not at all; `inactive` the states of
    rows by which the app refuses requests.
    """

    changed: int = 0
    named: int = 0
    owners: Mapping[Organization, str] = _NONE
    refused: Mapping[Organization, str] = _NONE
    inactive: Mapping[Organization, str] = _NONE


def joined(parts: Iterable[Placed]) -> Placed:
    """Return what became of all of them."""
    some = list(parts)
    return Placed(
        sum(one.changed for one in some),
        sum(one.named for one in some),
        _merged(one.owners for one in some),
        _merged(one.refused for one in some),
        _merged(one.inactive for one in some),
    )


def _merged(parts: Iterable[Mapping[Organization, str]]) -> dict[Organization, str]:
    return {one: said for some in parts for one, said in some.items()}


class Database:
    """One connection, made when it is needed; `connections` counts those that were made."""

    def __init__(self, password_file: Path) -> None:
        self._password_file = password_file
        self._connection: psycopg.Connection[Any] | None = None
        self.connections = 0

    def check(self) -> None:
        """Be connected to a database that answers. Raises DatabaseError."""
        try:
            self._open().execute("SELECT 1")
        except psycopg.Error as error:
            raise self._failed(error) from error

    def _open(self) -> psycopg.Connection[Any]:
        """Return the connection. Raises DatabaseError where there can't be one."""
        if self._connection is not None:
            return self._connection
        try:
            self._connection = _connected(passwords(self._password_file))
        except (psycopg.Error, SettingsError) as error:
            raise DatabaseError(_said(error)) from error
        self.connections += 1
        return self._connection

    def close(self) -> None:
        """Forget the connection; the next use makes another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def place(self, residents: Sequence[Organization]) -> Placed:
        """Give these organizations their rows. Raises DatabaseError."""
        return self._all(residents, self._place)

    def set_visits(
        self, visitors: Sequence[Organization], is_known: Callable[[str], bool]
    ) -> Placed:
        """Let these visit the cell, and nobody else whom `is_known`, by name, says are known.

        Raises DatabaseError.
        """
        try:
            found = {Organization(*row) for row in self._open().execute(_VISITS).fetchall()}
        except psycopg.Error as error:
            raise self._failed(error) from error
        leaving = sorted(one for one in found - set(visitors) if is_known(one.name))
        left = self._all(leaving, lambda some: Placed(self._many(_LEAVE, some)))
        return joined([left, self._all(visitors, self._visit)])

    def _all(
        self, organizations: Sequence[Organization], act: Callable[[Sequence[Organization]], Placed]
    ) -> Placed:
        starts = range(0, len(organizations), MANY)
        return joined(self._safely(organizations[one : one + MANY], act) for one in starts)

    def _safely(
        self, some: Sequence[Organization], act: Callable[[Sequence[Organization]], Placed]
    ) -> Placed:
        """Act on some; where the database refuses a row, in halves, so that it hinders no other."""
        try:
            return act(some)
        except _ROW_REFUSED as error:
            if len(some) == 1:
                return Placed(refused={some[0]: _said(error)})
        except psycopg.Error as error:
            raise self._failed(error) from error
        half = len(some) // 2
        return joined(self._safely(part, act) for part in (some[:half], some[half:]))

    def _place(self, some: Sequence[Organization]) -> Placed:
        with self._open().transaction():
            known = self._known(some)
            nameless = [one for one in some if one.id in known and known[one.id][0] is None]
            added = self._many(_ADD, [one for one in some if one.id not in known])
            named = self._many(_NAME, nameless)
            if added or named or len(known) < len({one.id for one in some}):
                known = self._known(some)
        rows = [(one, *known[one.id]) for one in some if one.id in known]
        return Placed(
            added,
            named,
            {one: name for one, name, _ in rows if name and name != one.name},
            inactive={one: state for one, name, state in rows if state != _ACTIVE},
        )

    def _visit(self, some: Sequence[Organization]) -> Placed:
        came = self._many(_VISIT, some)
        ids = {"ids": [one.id for one in some]}
        rows = self._open().execute(_NAMES, ids).fetchall()
        held: dict[int, list[str]] = {}
        for id_, name in rows:
            held.setdefault(id_, []).append(name)
        owners = {one: name for one in some for name in held.get(one.id, ()) if name != one.name}
        return Placed(came, owners=owners)

    def _known(self, some: Sequence[Organization]) -> dict[int, tuple[str | None, str]]:
        rows = self._open().execute(_KNOWN, [[one.id for one in some]]).fetchall()
        return {id_: (name, state) for id_, name, state in rows}

    def _many(self, statement: LiteralString, some: Iterable[Organization]) -> int:
        """Run a statement for some organizations; return how many rows it changed."""
        listed = sorted(some)
        if not listed:
            return 0
        ids, names = [one.id for one in listed], [one.name for one in listed]
        return self._open().execute(statement, [ids, names]).rowcount

    def _failed(self, error: psycopg.Error) -> DatabaseError:
        self.close()
        return DatabaseError(_said(error))


def _connected(valid: Sequence[str]) -> psycopg.Connection[Any]:
    """Return a connection by the first password that is not refused."""
    for number, password in enumerate(valid, 1):
        try:
            return psycopg.connect(
                password=password,
                autocommit=True,
                application_name="placement",
                connect_timeout=5,
                tcp_user_timeout=SECONDS * 1000,
                keepalives_idle=10,
                options=f"-c statement_timeout={SECONDS}s",
            )
        except psycopg.OperationalError as error:
            if number == len(valid) or _REFUSED not in str(error):
                raise
    raise AssertionError("there is a password")


def _said(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
