"""What each role may do, found out by trying: every refusal here is one that must not go away."""

import pytest

from tests.postgres.containers import Postgres

pytestmark = pytest.mark.docker

DENIED = "42501"

# Statements that the app's role must not be able to run, and those of the others.
REFUSED = [
    ("app", "CREATE TABLE t (id int)"),
    ("app", "CREATE SCHEMA s"),
    ("app", "CREATE TEMPORARY TABLE t (id int)"),
    ("app", "TRUNCATE things"),
    ("app", "DROP TABLE things"),
    ("app", "ALTER TABLE things ADD COLUMN x int"),
    ("app", "CREATE INDEX ON things (n)"),
    ("app", "SET ROLE cell_owner"),
    ("app", "CREATE ROLE r"),
    ("app", "ALTER ROLE cell_owner PASSWORD 'x'"),
    ("app", "CREATE PUBLICATION p FOR ALL TABLES"),
    ("app", "SELECT pg_create_logical_replication_slot('s', 'pgoutput')"),
    ("app", "SELECT pg_read_file('/etc/cellwright/passwords/owner')"),
    ("app", "COPY things TO PROGRAM 'true'"),
    ("app", "COPY things TO '/tmp/things'"),
    ("app", "SELECT rolpassword FROM pg_authid"),
    ("app", "SELECT owners_secret()"),
    ("app", "SET session_replication_role = replica"),
    ("app", "SET temp_file_limit = -1"),
    ("app", "SET temp_file_limit = '1GB'"),
    ("app", "ALTER ROLE cell_app SET temp_file_limit = -1"),
    ("app", "ALTER ROLE cell_app BYPASSRLS"),
    ("app", "SELECT lo_create(0)"),
    ("app", "SELECT lo_creat(-1)"),
    ("app", "SELECT lo_from_bytea(0, 'x')"),
    ("app", "SELECT lo_import('/etc/hostname')"),
    ("app", "SELECT lo_open(1, 262144)"),
    ("app", "SELECT lo_put(1, 0, 'x')"),
    ("app", "SELECT lo_get(1)"),
    ("app", "SELECT lowrite(0, 'x')"),
    ("app", "SELECT data FROM pg_largeobject"),
    ("owner", "SELECT lo_from_bytea(0, 'x')"),
    ("owner", "GRANT EXECUTE ON FUNCTION lo_creat(int) TO cell_app"),
    ("owner", "ALTER ROLE cell_app SET temp_file_limit = -1"),
    ("owner", "ALTER ROLE cell_owner BYPASSRLS"),
    ("replication", "SELECT lo_from_bytea(0, 'x')"),
    ("owner", "CREATE ROLE r"),
    ("owner", "CREATE DATABASE d"),
    ("owner", "CREATE EXTENSION pageinspect"),
    ("owner", "SET ROLE postgres"),
    ("owner", "COPY things TO PROGRAM 'true'"),
    ("owner", "SELECT pg_read_file('/etc/cellwright/passwords/app')"),
    ("owner", "SELECT pg_create_logical_replication_slot('s', 'pgoutput')"),
    ("owner", "CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p WITH (connect = false)"),
    ("replication", "INSERT INTO things VALUES (9)"),
    ("replication", "UPDATE things SET n = 9"),
    ("replication", "DELETE FROM things"),
    ("replication", "CREATE TABLE t (id int)"),
    ("replication", "CREATE TEMPORARY TABLE t (id int)"),
    ("replication", "CREATE PUBLICATION p FOR ALL TABLES"),
    ("replication", "SET ROLE cell_app"),
]


@pytest.fixture(scope="module")
def things(postgres: Postgres) -> Postgres:
    """Return the Postgres with a table, a sequence and a function of the owner's."""
    postgres.value(
        "CREATE TABLE things (n int)",
        "INSERT INTO things VALUES (1)",
        "CREATE SEQUENCE numbers",
        "CREATE FUNCTION owners_secret() RETURNS int LANGUAGE sql SECURITY DEFINER RETURN 1",
        role="owner",
    )
    return postgres


@pytest.mark.parametrize(("role", "statement"), REFUSED)
def test_refused(things: Postgres, role: str, statement: str) -> None:
    done = things.psql(statement, role=role)
    assert (done.returncode, done.stderr.strip()) == (1, f"ERROR:  {DENIED}")


def test_the_app_reads_and_writes_rows(things: Postgres) -> None:
    assert (
        things.value(
            "INSERT INTO things VALUES (nextval('numbers') + 10)",
            "UPDATE things SET n = n + 10 WHERE n = 11",
            "SELECT n FROM things WHERE n = 21 FOR SHARE",
            "DELETE FROM things WHERE n = 21",
            role="app",
        )
        == "21"
    )


def test_the_owner_owns_the_database_and_its_schema(things: Postgres) -> None:
    owners = things.value(
        "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'cell'",
        "SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'public'",
    )
    assert owners.split() == ["cell_owner", "cell_owner"]


def test_replication_reads_rows_and_the_log(things: Postgres) -> None:
    assert things.value("SELECT n FROM things WHERE n = 1", role="replication") == "1"
    done = things.psql("IDENTIFY_SYSTEM", role="replication", database="dbname=cell replication=1")
    assert done.returncode == 0, done.stderr
    for other in ("app", "owner"):
        done = things.psql("IDENTIFY_SYSTEM", role=other, database="dbname=cell replication=1")
        assert done.returncode == 2
    made = things.value(
        "SELECT slot_name FROM pg_create_logical_replication_slot('moves', 'pgoutput')",
        "SELECT pg_drop_replication_slot('moves')",
        role="replication",
    )
    assert made == "moves"


@pytest.mark.parametrize("database", ["postgres", "template1"])
@pytest.mark.parametrize("role", ["owner", "app", "replication"])
def test_no_other_database_over_the_network(things: Postgres, role: str, database: str) -> None:
    done = things.psql("SELECT 1", role=role, database=database)
    assert done.returncode == 2
    assert "no pg_hba.conf entry" in done.stderr


def test_the_superuser_is_not_to_be_had_over_the_network(things: Postgres) -> None:
    done = things.psql(
        "SELECT 1", database="host=127.0.0.1 user=postgres dbname=cell password=postgres"
    )
    assert done.returncode == 2
    assert "no pg_hba.conf entry" in done.stderr


def test_no_role_over_the_socket_without_its_password(things: Postgres) -> None:
    done = things.psql("SELECT 1", database="user=cell_owner dbname=cell")
    assert done.returncode == 2
    assert "no pg_hba.conf entry" in done.stderr


def test_a_wrong_password_is_refused(things: Postgres) -> None:
    done = things.psql("SELECT 1", role="app", password="wrong-password-of-the-app")
    assert done.returncode == 2
    assert "password authentication failed" in done.stderr


def test_settings_are_changed_in_files_only(things: Postgres) -> None:
    assert things.psql("ALTER SYSTEM SET work_mem = '1GB'").stderr.strip() == "ERROR:  0A000"


def test_connections_are_left_for_the_owner(things: Postgres) -> None:
    left = things.value(
        "SELECT current_setting('max_connections')::int - rolconnlimit FROM pg_roles"
        " WHERE rolname = 'cell_app'"
    )
    assert int(left) >= 8
    member = "SELECT pg_has_role('cell_owner', 'pg_use_reserved_connections', 'member')"
    assert things.value(member) == "t"


def test_settings_that_data_depends_on(things: Postgres) -> None:
    wanted = {
        "wal_level": "logical",
        "data_checksums": "on",
        "password_encryption": "scram-sha-256",
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
    }
    found = {name: things.value(f"SHOW {name}") for name in wanted}
    assert found == wanted
    locale = "SELECT datlocprovider, datlocale, pg_encoding_to_char(encoding) FROM pg_database"
    assert things.value(f"{locale} WHERE datname = 'cell'") == "b|C.UTF-8|UTF8"
    kept = "SELECT bool_and(rolpassword LIKE 'SCRAM-SHA-256$%') FROM pg_authid WHERE rolcanlogin"
    assert things.value(f"{kept} AND rolname LIKE 'cell%'") == "t"


LIMITS = {
    "lock_timeout": "2s",
    "statement_timeout": "5s",
    "idle_in_transaction_session_timeout": "5s",
    "transaction_timeout": "10s",
    "temp_file_limit": "256MB",
}
"""What the app's sessions have without saying anything."""


@pytest.mark.parametrize("name", LIMITS)
def test_limits_of_the_app_and_of_nobody_else(things: Postgres, name: str) -> None:
    assert things.value(f"SHOW {name}", role="app") == LIMITS[name]
    of_all = things.value(f"SHOW {name}")
    for role in ("owner", "replication"):
        assert things.value(f"SHOW {name}", role=role) == of_all != LIMITS[name]


LONGER = ("SET statement_timeout = 0", "SET transaction_timeout = 0")
SORT = (
    "SELECT count(*) FROM (SELECT repeat('x', 900) || n FROM generate_series(1, {}) n ORDER BY 1)"
)


@pytest.mark.parametrize(
    ("statements", "code", "error"),
    [
        (["SELECT pg_sleep(60)"], 1, "ERROR:  57014"),
        (
            ["SELECT count(*) FROM pg_class a, pg_class b, pg_class c, pg_class d"],
            1,
            "ERROR:  57014",
        ),
        (["BEGIN", "\\! sleep 8", "SELECT 1"], 2, "FATAL:  25P03"),
        (["BEGIN", *["SELECT pg_sleep(4)"] * 3, "COMMIT"], 2, "FATAL:  25P04"),
        ([*LONGER, SORT.format(1_000_000)], 1, "ERROR:  53400"),
    ],
    ids=["sleeps", "counts", "idle in a transaction", "a long transaction", "sorts on disk"],
)
def test_what_costs_too_much_is_ended_by_the_server(
    things: Postgres, statements: list[str], code: int, error: str
) -> None:
    done = things.psql(*statements, role="app")
    assert (done.returncode, done.stderr.splitlines()[0]) == (code, error)


def test_what_is_sorted_on_disk_within_the_limit_goes_on(things: Postgres) -> None:
    assert things.value(*LONGER, SORT.format(50_000), role="app") == "50000"


def test_a_lock_is_not_waited_for_long(things: Postgres) -> None:
    with things.transaction("LOCK TABLE things"):
        done = things.psql("SELECT n FROM things", role="app")
    assert (done.returncode, done.stderr.strip()) == (1, "ERROR:  55P03")


def test_large_objects_are_nobodys(things: Postgres) -> None:
    functions = (
        "FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace"
        " AND (proname ~ '^lo_' OR proname IN ('loread', 'lowrite'))"
    )
    assert int(things.value(f"SELECT count(*) {functions}")) > 15
    for role in ("app", "owner", "replication"):
        allowed = f"SELECT proname {functions} AND has_function_privilege(oid, 'EXECUTE')"
        assert things.value(allowed, role=role) == ""


def test_who_is_above_row_level_security(things: Postgres) -> None:
    """Whose copies must be whole, and nobody whom the app could become."""
    bypassing = "SELECT string_agg(rolname, ' ' ORDER BY rolname) FROM pg_roles WHERE rolbypassrls"
    assert things.value(bypassing) == "cell_replication postgres"
    assert things.value("SHOW row_security", role="replication") == "off"
