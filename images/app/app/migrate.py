"""Brings the schema of the cell's database up to date, once, whoever else tries at the same time.

Runs as the owner of the schema, before the app's new version serves. It waits for a database that
is not up yet, and gives way to the running app: a migration that cannot get its locks soon is tried
again instead of making every request queue behind it. It never goes back to an older schema.
"""

import logging
import time
from collections.abc import Mapping
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from app.login import connect
from app.secret_files import SecretFileError
from app.settings import SettingsError, password_file

SCHEMA = "migrations"
_MIGRATIONS = Path(__file__).parent / "migrations"
# Any number that no other program locks in this database.
_LOCK = 0x63656C6C
_PAUSE_S = 1.0

_log = logging.getLogger(__name__)


def migrate(deadline: float, environment: Mapping[str, str]) -> int:
    """Return 0 once the schema is current; 1 after `deadline` seconds or if waiting cannot help."""
    end = time.monotonic() + deadline
    seen = ""
    try:
        file = password_file(environment)
    except SettingsError as error:
        _log.error("not migrated: %s", error)
        return 1
    while True:
        try:
            _upgrade(file)
        except OperationalError as error:
            last, seen = seen, str(error.orig).partition("\n")[0]
            if time.monotonic() + _PAUSE_S >= end:
                _log.error("not migrated after %g s; last seen: %s", deadline, seen)
                return 1
            if seen != last:
                _log.info("waiting for the database: %s", seen)
            time.sleep(_PAUSE_S)
        except (SQLAlchemyError, CommandError, SecretFileError):
            _log.exception("not migrated")
            return 1
        else:
            return 0


def _upgrade(file: str) -> None:
    engine = create_engine(
        "postgresql+psycopg://",
        poolclass=NullPool,
        creator=lambda: connect(
            file,
            application_name="app-migrate",
            connect_timeout=5,
            options="-c lock_timeout=5s",
        ),
    )
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    with engine.connect() as connection:
        # The session's lock: held over all transactions, gone with the connection.
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
        # Not in `public`, where every table belongs to organizations and the app may write.
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
        context = MigrationContext.configure(connection, opts={"version_table_schema": SCHEMA})
        found, own = context.get_current_revision(), ScriptDirectory.from_config(config)
        connection.commit()
        # Revisions are numbers of four digits. A newer schema serves an older app, so that an app
        # can be taken back to its version before; that is what migrations have to see to.
        if found is not None and found > (own.get_current_head() or ""):
            _log.warning("the schema is newer than this app and stays as it is: %s", found)
            return
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    _log.info("the schema is current")
