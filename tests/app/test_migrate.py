"""Migrations: once, whoever tries, and a schema that organizations can be moved with."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.app.conftest import SECRETS, Environment
from tests.postgres.containers import (
    APP_IMAGE,
    DATA,
    PASSWORDS,
    POSTGRES_IMAGE,
    Postgres,
    container,
    docker,
    postgres_options,
    until,
    volume,
    write_passwords,
)

pytestmark = pytest.mark.docker

# The lock that every migration takes first; other programs of the owner can take it too.
LOCK = 0x63656C6C


def test_three_at_once_wait_for_the_database_and_one_migrates(
    network: str, postgres: Postgres, environment: Environment, tmp_path: Path
) -> None:
    write_passwords(tmp_path / "passwords", PASSWORDS)
    options = (f"--network={network}", *environment("owner", PGHOST="late"))
    with ExitStack() as stack:
        migrations = [
            stack.enter_context(container(APP_IMAGE, *options, command=("migrate",)))
            for _ in range(3)
        ]
        for one in migrations:
            one.follow("waiting for the database")
        data = stack.enter_context(volume())
        mounts = postgres_options(f"--volume={data}:{DATA}", tmp_path / "passwords")
        reached = (f"--network={network}", "--network-alias=late")
        late = Postgres(stack.enter_context(container(POSTGRES_IMAGE, *mounts, *reached)))
        assert [one.exit_code() for one in migrations] == [0, 0, 0]
        logs = [one.logs() for one in migrations]
        assert sorted("Running upgrade" in log for log in logs) == [False, False, True]
        version = "SELECT version_num FROM migrations.alembic_version"
        assert late.value(version) == postgres.value(version)


def test_the_role_of_the_placement_is_waited_for(
    network: str, environment: Environment, secrets: Path
) -> None:
    """Postgres of an older release has none; it comes when Postgres is started again."""
    with ExitStack() as stack:
        data = stack.enter_context(volume())
        options = postgres_options(f"--volume={data}:{DATA}", secrets)
        reached = (f"--network={network}", "--network-alias=older")
        older = Postgres(stack.enter_context(container(POSTGRES_IMAGE, *options, *reached)))
        older.wait()
        older.value(
            "DROP OWNED BY cell_placement",
            "DROP ROLE cell_placement",
            "GRANT ALL ON SCHEMA public TO cell_owner",
        )
        given = (f"--network={network}", *environment("owner", PGHOST="older"))
        migration = stack.enter_context(container(APP_IMAGE, *given, command=("migrate",)))
        migration.follow("the role cell_placement is not there yet")
        assert older.value("SELECT version_num FROM migrations.alembic_version") == "0003"
        older.value("CREATE ROLE cell_placement")
        assert migration.exit_code() == 0, migration.logs()


def test_one_after_the_other(network: str, postgres: Postgres, environment: Environment) -> None:
    options = (f"--network={network}", *environment("owner"))
    asked = "SELECT wait_event FROM pg_stat_activity WHERE usename = 'cell_owner'"
    with ExitStack() as stack:
        with postgres.transaction(f"SELECT pg_advisory_xact_lock({LOCK})"):
            second = stack.enter_context(container(APP_IMAGE, *options, command=("migrate",)))
            until(lambda: postgres.value(asked) == "advisory", "the second migration waits")
        assert second.exit_code() == 0


def test_again_changes_nothing(network: str, postgres: Postgres, environment: Environment) -> None:
    version = "SELECT xmin, version_num FROM migrations.alembic_version"
    before = postgres.value(version)
    options = (f"--network={network}", *environment("owner"))
    with container(APP_IMAGE, *options, command=("migrate",)) as again:
        assert again.exit_code() == 0
        assert "Running upgrade" not in again.logs()
    assert postgres.value(version) == before


def test_an_older_app_leaves_a_newer_schema_as_it_is(
    network: str, postgres: Postgres, environment: Environment
) -> None:
    """An app can be taken back to the version before: its Job must not fail."""
    version = "SELECT version_num FROM migrations.alembic_version"
    before = postgres.value(version)
    set_version = "UPDATE migrations.alembic_version SET version_num = '{}'"
    postgres.value(set_version.format("9999"))
    try:
        options = (f"--network={network}", *environment("owner"))
        with container(APP_IMAGE, *options, command=("migrate",)) as older:
            assert older.exit_code() == 0
            assert "the schema is newer than this app and stays as it is: 9999" in older.logs()
        assert postgres.value(version) == "9999"
    finally:
        postgres.value(set_version.format(before))


@pytest.mark.parametrize(
    ("variables", "seen"),
    [
        ({"PGHOST": "127.0.0.1"}, "Connection refused"),
        ({"PASSWORD_FILE": f"{SECRETS}/replication"}, "password authentication failed"),
    ],
)
def test_a_database_that_does_not_come_is_named(
    network: str,
    postgres: Postgres,
    environment: Environment,
    variables: dict[str, str],
    seen: str,
) -> None:
    assert postgres.container.running()
    options = (f"--network={network}", *environment("owner", **variables))
    command = ("migrate", "--deadline", "2")
    with container(APP_IMAGE, *options, command=command) as migration:
        assert migration.exit_code() == 1
        last = migration.logs().splitlines()[-1]
        assert "not migrated after 2 s; last seen: " in last
        assert seen in last
        for password in PASSWORDS.values():
            assert password not in migration.logs()


@pytest.mark.parametrize(
    ("file", "seen"),
    [
        ("/nowhere", "PASSWORD_FILE: /nowhere cannot be read: No such file or directory"),
        ("/etc/hostname", "/etc/hostname must hold lines of at least 16"),
    ],
)
def test_a_password_file_that_is_none_is_named(
    environment: Environment, file: str, seen: str
) -> None:
    options = (*environment("owner", PASSWORD_FILE=file), "--hostname=short")
    with container(APP_IMAGE, *options, command=("migrate",)) as migration:
        assert migration.exit_code() == 1
        assert seen in migration.logs().splitlines()[-1]


def test_a_migration_that_is_stopped_has_not_succeeded(
    network: str, environment: Environment
) -> None:
    """Otherwise a Job would be complete whose pod was evicted."""
    options = (f"--network={network}", *environment("owner", PGHOST="127.0.0.1"))
    with container(APP_IMAGE, *options, command=("migrate",)) as migration:
        migration.follow("waiting for the database")
        docker("kill", "--signal=TERM", migration.name)
        assert migration.exit_code() == 143


def test_a_migration_that_fails_says_why(
    network: str, postgres: Postgres, environment: Environment
) -> None:
    """Not an outage: the app's role may not migrate, and waiting would not help."""
    assert postgres.container.running()
    options = (f"--network={network}", *environment("app"))
    with container(APP_IMAGE, *options, command=("migrate",)) as migration:
        assert migration.exit_code() == 1
        assert "permission denied" in migration.logs().splitlines()[-1]


def test_every_table_has_the_sharding_key_in_its_primary_key(postgres: Postgres) -> None:
    """What moving an organization by row filters and replica identity rests on."""
    tables = postgres.value(
        "SELECT relname, relreplident, format_type(atttypid, atttypmod), attnotnull,"
        "   (SELECT indkey[0] = attnum FROM pg_index WHERE indrelid = c.oid AND indisprimary)"
        " FROM pg_class c LEFT JOIN pg_attribute ON attrelid = c.oid"
        "   AND attname = 'organization_id'"
        " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') ORDER BY relname"
    )
    names = ("notes", "organization_visits", "organizations")
    assert tables.splitlines() == [f"{name}|d|bigint|t|t" for name in names]


def test_rows_of_one_organization_can_be_published(postgres: Postgres) -> None:
    """The owner can publish them, and Postgres accepts updates and deletions under the filter."""
    only = "WHERE (organization_id = 999999)"
    added = "INSERT INTO organizations (organization_id, name) VALUES (999999, 'last')"
    postgres.value(added, role="placement")
    postgres.value(
        f"CREATE PUBLICATION one FOR TABLE organizations {only}, TABLE notes {only}", role="owner"
    )
    try:
        postgres.value(
            "SET cellwright.organization_id = '999999'",
            "INSERT INTO notes VALUES (999999, '01890a5d-ac96-774b-bcce-b302099a8057', 'x')",
            "UPDATE notes SET text = 'y' WHERE organization_id = 999999",
            "DELETE FROM notes WHERE organization_id = 999999",
            role="app",
        )
    finally:
        postgres.value("DROP PUBLICATION one", role="owner")
