"""Row level security: a statement that forgets the organization reaches nobody else's rows."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.app.conftest import Environment, Organization, StartApp
from tests.postgres.containers import (
    APP_IMAGE,
    DATA,
    PASSWORDS,
    POSTGRES_IMAGE,
    Postgres,
    container,
    postgres_options,
    until,
    volume,
)

pytestmark = pytest.mark.docker

APP = Path(__file__).parents[2] / "images/app/app"
DENIED = "ERROR:  42501"
NOTE = "'01890a5d-ac96-774b-bcce-b302099a8057', 'x'"
SECURED = "row-level security"
COUNT = "SELECT count(*) FROM notes"


def of(organization: Organization | str) -> str:
    """Return the statement that says whose the session is."""
    number = organization if isinstance(organization, str) else organization.id
    return f"SET cellwright.organization_id = '{number}'"


def test_without_an_organization_nothing_is_there(
    organization: Organization, postgres: Postgres
) -> None:
    organization.note()
    for table in ("notes", "organizations"):
        assert postgres.value(f"SELECT count(*) FROM {table}", role="app") == "0"  # noqa: S608
        assert postgres.value(f"SELECT count(*) FROM {table}") != "0"  # noqa: S608
    for statement in (
        "UPDATE notes SET text = 'theirs' RETURNING 1",
        "DELETE FROM notes RETURNING 1",
        "UPDATE organizations SET created_at = now() RETURNING 1",
    ):
        assert postgres.value(statement, role="app") == ""
    for statement in (
        f"INSERT INTO notes VALUES ({organization.id}, {NOTE})",  # noqa: S608
        "INSERT INTO organizations (organization_id) VALUES (987654)",
        "COPY notes (organization_id, id, text) FROM PROGRAM 'true'",
    ):
        assert postgres.psql(statement, role="app").stderr.strip() == DENIED, statement
    assert organization.texts() == ["a note"]


def test_statements_without_a_key_touch_the_organizations_own_rows_alone(
    organization: Organization, other: Organization, postgres: Postgres
) -> None:
    organization.note("mine")
    other.note("theirs")
    mine = of(organization)
    assert postgres.value(mine, "SELECT text FROM notes", role="app") == "mine"
    assert postgres.value(mine, "UPDATE notes SET text = 'new' RETURNING text", role="app") == "new"
    for statement in (
        f"INSERT INTO notes VALUES ({other.id}, {NOTE})",  # noqa: S608
        f"UPDATE notes SET organization_id = {other.id}",  # noqa: S608
    ):
        assert postgres.psql(mine, statement, role="app").stderr.strip() == DENIED, statement
    assert postgres.value(mine, "DELETE FROM notes RETURNING text", role="app") == "new"
    assert (organization.texts(), other.texts()) == ([], ["theirs"])


def test_the_organization_ends_with_the_transaction(
    organization: Organization, postgres: Postgres
) -> None:
    """The setting is an empty text then, which must be neither an error nor somebody."""
    organization.note()
    within = f"SELECT set_config('cellwright.organization_id', '{organization.id}', true)"
    found = postgres.value("BEGIN", within, COUNT, "COMMIT", COUNT, role="app")
    assert found.split() == [organization.id, "1", "0"]


@pytest.mark.parametrize("value", ["", "0", "-1", "9223372036854775807"])
def test_an_organization_that_there_is_not_has_no_rows(
    organization: Organization, postgres: Postgres, value: str
) -> None:
    organization.note()
    assert postgres.value(of(value), COUNT, role="app") == "0"


@pytest.mark.parametrize("value", ["x", "1 OR true", "1,2", "9223372036854775808", "NaN", " "])
def test_an_organization_that_can_not_be_is_an_error(
    organization: Organization, postgres: Postgres, value: str
) -> None:
    organization.note()
    done = postgres.psql(of(value), COUNT, role="app")
    assert done.stderr.strip() in ("ERROR:  22P02", "ERROR:  22003")
    assert done.stdout.strip() == ""


def test_row_security_can_not_be_switched_off_by_the_app(
    organization: Organization, postgres: Postgres
) -> None:
    organization.note()
    off = postgres.psql("SET row_security = off", of(organization), COUNT, role="app")
    assert off.stderr.strip() == DENIED
    for statement in (
        "ALTER TABLE notes DISABLE ROW LEVEL SECURITY",
        "DROP POLICY own_rows ON notes",
        "CREATE POLICY mine ON notes USING (true)",
        "ALTER ROLE cell_app BYPASSRLS",
    ):
        assert postgres.psql(statement, role="app").stderr.strip() == DENIED, statement


def test_the_owner_sees_all_rows_and_what_it_made_shows_the_app_no_more_than_its_own(
    organization: Organization, other: Organization, postgres: Postgres
) -> None:
    organization.note("mine")
    other.note("theirs")
    assert postgres.value(COUNT, role="owner") == postgres.value(COUNT)
    postgres.value(
        "CREATE VIEW all_texts AS SELECT text FROM notes",
        "CREATE FUNCTION texts() RETURNS SETOF text SECURITY DEFINER"
        " BEGIN ATOMIC SELECT text FROM notes; END",
        "GRANT EXECUTE ON FUNCTION texts TO cell_app",
        role="owner",
    )
    try:
        for source in ("all_texts", "texts()"):
            asked = f"SELECT * FROM {source}"  # noqa: S608
            assert postgres.value(asked, role="app") == ""
            assert postgres.value(of(organization), asked, role="app") == "mine"
            done = postgres.value(f"SELECT count(*) FROM {source}", role="owner")  # noqa: S608
            assert done == postgres.value(COUNT)
    finally:
        postgres.value("DROP VIEW all_texts", "DROP FUNCTION texts", role="owner")


def test_every_table_is_secured(postgres: Postgres) -> None:
    tables = postgres.value(
        "SELECT relname, relrowsecurity, relforcerowsecurity, (SELECT string_agg(polname, ' ' "
        "   ORDER BY polname) FROM pg_policy WHERE polrelid = c.oid) FROM pg_class c"
        " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') ORDER BY relname"
    )
    shared = "all_rows_of_the_owner own_rows"
    assert tables.splitlines() == [
        f"notes|t|t|{shared}",
        f"organization_visits|t|t|{shared} placement_decides",
        f"organizations|t|t|{shared} placement_adds placement_names placement_sees",
    ]


def test_an_app_that_forgets_the_key_shows_and_changes_no_others_rows(
    start_app: StartApp, organization: Organization, other: Organization, tmp_path: Path
) -> None:
    """The app as it is, but for its statements: none of them names an organization."""
    theirs = organization.note("theirs")
    source = (APP / "notes.py").read_text()
    forgetful, count = re.subn(r"WHERE organization_id = %s AND", "WHERE %s > 0 AND", source)
    assert count == 4
    (tmp_path / "notes.py").write_text(forgetful)
    with start_app(f"--volume={tmp_path}/notes.py:/opt/app/app/notes.py:ro") as app:
        me = Organization(app.client, other.id)
        mine = me.note("mine")
        assert me.texts() == ["mine"]
        for method, body in (("GET", None), ("PUT", {"text": "x"}), ("DELETE", None)):
            assert me.ask(method, f"/notes/{theirs}", json=body).status_code == 404
        assert me.ask("PUT", f"/notes/{mine}", json={"text": "y"}).status_code == 200
    assert (organization.texts(), other.texts()) == (["theirs"], ["y"])


@dataclass(frozen=True, slots=True)
class Another:
    """One more Postgres, which gets its schema when it is told to."""

    network: str
    environment: Environment
    server: Postgres

    def migrate(self, *options: str) -> None:
        given = (f"--network={self.network}", *self.environment("owner", PGHOST="another"))
        with container(APP_IMAGE, *given, *options, command=("migrate",)) as migration:
            assert migration.exit_code() == 0, migration.logs()


@pytest.fixture
def another(network: str, environment: Environment, secrets: Path) -> Iterator[Another]:
    with volume() as data:
        options = postgres_options(f"--volume={data}:{DATA}", secrets)
        reached = (f"--network={network}", "--network-alias=another")
        with container(POSTGRES_IMAGE, *options, *reached) as running:
            server = Postgres(running)
            server.wait()
            yield Another(network, environment, server)


def test_rows_of_an_older_schema_are_kept_and_secured(another: Another, tmp_path: Path) -> None:
    versions, server = tmp_path / "versions", another.server
    shutil.copytree(APP / "migrations/versions", versions)
    for newer in versions.glob("v000[3-9]*"):
        newer.unlink()
    another.migrate(f"--volume={versions}:/opt/app/app/migrations/versions:ro")
    assert server.value("SELECT version_num FROM migrations.alembic_version") == "0002"
    server.value(
        "INSERT INTO organizations (organization_id, name) SELECT n, 'o' || n"
        " FROM generate_series(1, 50) n",
        "INSERT INTO notes SELECT n, gen_random_uuid(), 'of ' || n"
        " FROM generate_series(1, 50) n, generate_series(1, 20)",
        "INSERT INTO organizations (organization_id) VALUES (51)",
        role="app",
    )
    digest = "SELECT md5(string_agg(n::text, ',' ORDER BY n)) FROM notes n"
    before = server.value(digest)
    another.migrate()
    assert server.value(digest) == before
    assert server.value(COUNT, role="app") == "0"
    seen = server.value(of("7"), "SELECT DISTINCT text FROM notes", COUNT, role="app")
    assert seen.splitlines() == ["of 7", "20"]
    assert server.value("SELECT count(*) FROM organizations WHERE state = 'active'") == "51"


def test_a_copy_lacks_no_rows(organization: Organization, postgres: Postgres) -> None:
    """What logical replication reads with, for its first copy too."""
    organization.note()
    copied = postgres.value("COPY notes TO STDOUT", role="replication").splitlines()
    assert len(copied) == int(postgres.value(COUNT))
    postgres.value("ALTER ROLE cell_replication NOBYPASSRLS")
    try:
        done = postgres.psql("COPY notes TO STDOUT", role="replication")
        assert (done.stdout, done.stderr.strip()) == ("", DENIED), "an error, and never fewer rows"
    finally:
        postgres.value("ALTER ROLE cell_replication BYPASSRLS")


def test_a_dump_is_whole_or_an_error(organization: Organization, postgres: Postgres) -> None:
    note = organization.note()

    def dump(role: str) -> str:
        login = f"PGPASSWORD={PASSWORDS[role]} pg_dump --host=127.0.0.1 --username=cell_{role}"
        return postgres.container.shell(f"{login} --schema=public --data-only cell 2>&1 || true")

    assert f"{organization.id}\t{note}" in dump("replication")
    assert "query would be affected by row-level security policy" in dump("owner")
    assert note not in dump("owner")


def test_rows_of_one_organization_are_replicated_into_secured_tables(
    another: Another, organization: Organization, other: Organization, postgres: Postgres
) -> None:
    """The first copy and what follows; applied by a role that is not subject to the policies."""
    for number in range(3):
        organization.note(f"before {number}")
    other.note("theirs")
    only = f"WHERE (organization_id = {organization.id})"
    password = PASSWORDS["replication"]
    publisher = f"host=postgres dbname=cell user=cell_replication password={password}"
    target = another.server
    another.migrate()
    postgres.value(
        f"CREATE PUBLICATION moved FOR TABLE organizations {only}, TABLE notes {only}", role="owner"
    )
    subscription = f"CREATE SUBSCRIPTION moved CONNECTION '{publisher}' PUBLICATION moved WITH"
    try:
        # By default rows are applied as the tables' owner, whom FORCE keeps from it.
        target.value(f"{subscription} (origin = none)")
        until(lambda: SECURED in target.container.logs(), "the default is refused")
        assert target.value(COUNT) == "0"
        target.value("DROP SUBSCRIPTION moved")
        target.value(f"{subscription} (run_as_owner = true, origin = none)")
        until(lambda: target.value(COUNT) == "3", "the first copy is there")
        organization.note("after")
        other.note("theirs too")
        until(lambda: target.value(COUNT) == "4", "what was written behind it is there")
        texts = target.value(of(organization), "SELECT text FROM notes ORDER BY 1", role="app")
        assert texts.splitlines() == ["after", "before 0", "before 1", "before 2"]
        assert target.value("SELECT organization_id FROM organizations") == organization.id
    finally:
        target.value("DROP SUBSCRIPTION IF EXISTS moved")
        postgres.value("DROP PUBLICATION moved", role="owner")
