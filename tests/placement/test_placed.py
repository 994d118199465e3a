"""What the placement puts into the database, and what it leaves alone."""

import pytest

from tests.placement.conftest import Cell
from tests.postgres.containers import PASSWORDS, docker, until
from tests.router.directory import shard_of

pytestmark = pytest.mark.docker


def insert(cell: Cell, name: str, columns: str, values: str) -> None:
    asked = f"INSERT INTO organizations (organization_id, {columns})"
    cell.postgres.value(f"{asked} VALUES ({cell.id(name)}, {values})")


def test_those_that_live_here_get_a_row_and_nobody_else(cell: Cell) -> None:
    here, there = cell.add(), cell.add(cell="beta")
    states = {
        state: cell.add(state=state) for state in ("fenced", "suspended", "maintenance", "gone")
    }
    cell.publish()
    assert cell.row(here) == f"{here}|active"
    assert cell.row(there) == ""
    found = {state: cell.row(name) for state, name in states.items()}
    assert found == {
        state: "" if state == "gone" else f"{name}|active" for state, name in states.items()
    }
    assert cell.placement.table()["organizations"] == cell.placement.metric(
        "placement_organizations"
    )


def test_a_home_that_changes_adds_a_row_and_takes_none(cell: Cell) -> None:
    name = cell.add(cell="beta")
    cell.publish()
    assert cell.row(name) == ""
    cell.directory.change(name, cell="alpha")
    cell.publish()
    assert cell.row(name) == f"{name}|active"
    cell.directory.change(name, cell="beta")
    cell.publish()
    assert cell.row(name) == f"{name}|active"


@pytest.mark.parametrize("state", ["fenced", "moved"])
def test_the_state_that_a_move_sets_is_left_alone(cell: Cell, state: str) -> None:
    name = cell.add()
    insert(cell, name, "name, state", f"'{name}', '{state}'")
    cell.publish()
    assert cell.row(name) == f"{name}|{state}"
    cell.placement.restart()
    cell.placement.wait(cell.api, cell.directory)
    assert cell.row(name) == f"{name}|{state}"
    assert cell.placement.table()["rows_not_active"][name] == state
    assert cell.placement.metric("placement_rows_not_active") >= 1
    cell.directory.change(name, cell="beta")
    cell.publish()
    assert name not in cell.placement.table()["rows_not_active"]


def test_a_row_without_a_name_gets_it(cell: Cell) -> None:
    name = cell.add()
    insert(cell, name, "state", "'fenced'")
    cell.publish()
    assert cell.row(name) == f"{name}|fenced"


def test_another_name_under_an_id_is_told_and_hinders_nobody(cell: Cell) -> None:
    taken = cell.add()
    insert(cell, taken, "name", "'somebody-else'")
    shard = shard_of(taken, cell.directory.shards)
    beside = next(name for n in range(100) if shard_of(name := f"beside-{taken}-{n}", 4) == shard)
    cell.add(beside)
    cell.publish()
    assert (cell.row(taken), cell.row(beside)) == ("somebody-else|active", f"{beside}|active")
    assert cell.placement.metric("placement_wrong_names") == 1
    assert taken in cell.placement.table()["wrong_names"]
    said = [line for line in cell.placement.logs().splitlines() if '"owner"' in line]
    assert f'"organization": "{taken}"' in said[-1]
    assert '"owner": "somebody-else"' in said[-1]
    assert cell.placement.ready()
    del cell.directory.organizations[taken]
    cell.publish()
    assert cell.placement.metric("placement_wrong_names") == 0


def test_a_row_that_the_database_refuses_hinders_nobody(cell: Cell) -> None:
    names = [cell.add() for _ in range(20)]
    bad = names[7]
    cell.postgres.value(
        f"ALTER TABLE organizations ADD CONSTRAINT not_this CHECK (name <> '{bad}') NOT VALID"
    )
    try:
        cell.publish()
        assert [name for name in names if cell.row(name) == ""] == [bad]
        assert cell.placement.metric("placement_rows_refused") == 1
        assert "not_this" in cell.placement.table()["rows_refused"][bad]
    finally:
        cell.postgres.value("ALTER TABLE organizations DROP CONSTRAINT not_this")
    cell.placement.restart()
    cell.placement.wait(cell.api, cell.directory)
    assert cell.row(bad) == f"{bad}|active"


def test_an_override_that_refuses_writes_is_a_visit_and_ends_without_a_row(cell: Cell) -> None:
    name = cell.add(cell="alpha", home="beta")
    cell.publish()
    assert (cell.row(name), cell.visits(name)) == ("", True)
    assert cell.placement.metric("placement_visitors") == 1
    cell.directory.change(name, cell="beta", home="")
    cell.publish()
    assert (cell.row(name), cell.visits(name)) == ("", False)


def test_a_visit_that_the_database_refuses_hinders_nobody(cell: Cell) -> None:
    names = [cell.add(cell="alpha", home="beta") for _ in range(20)]
    bad = names[7]
    cell.postgres.value(
        f"ALTER TABLE organization_visits ADD CONSTRAINT not_this CHECK (name <> '{bad}')"
    )
    try:
        cell.publish()
        assert [name for name in names if not cell.visits(name)] == [bad]
        assert "not_this" in cell.placement.table()["rows_refused"][bad]
    finally:
        cell.postgres.value("ALTER TABLE organization_visits DROP CONSTRAINT not_this")
    for name in names:
        cell.directory.change(name, cell="beta", home="")
    cell.publish()
    assert cell.postgres.value("SELECT count(*) FROM organization_visits") == "0"
    assert bad not in cell.placement.table()["rows_refused"]


def test_a_visitor_whose_id_is_anothers_is_told(cell: Cell) -> None:
    name = cell.add(cell="alpha", home="beta")
    insert(cell, name, "name", "'somebody-else'")
    cell.publish()
    assert "belongs to somebody-else" in cell.placement.table()["wrong_names"][name]
    del cell.directory.organizations[name]
    cell.publish()
    assert name not in cell.placement.table()["wrong_names"]


def test_an_override_that_forks_is_placed(cell: Cell) -> None:
    name = cell.add(cell="alpha", home="beta", writes="refuse")
    cell.publish()
    assert (cell.row(name), cell.visits(name)) == ("", True)
    cell.directory.change(name, writes="fork")
    cell.publish()
    assert (cell.row(name), cell.visits(name)) == (f"{name}|active", False)
    cell.directory.change(name, writes="refuse")
    cell.publish()
    assert (cell.row(name), cell.visits(name)) == (f"{name}|active", True)


def test_an_override_to_elsewhere_leaves_the_row_at_home(cell: Cell) -> None:
    name = cell.add(cell="beta", home="alpha")
    cell.publish()
    assert (cell.row(name), cell.visits(name)) == (f"{name}|active", False)


def test_another_number_of_shards_changes_no_row(cell: Cell) -> None:
    visitor = cell.add(cell="alpha", home="beta")
    cell.publish()
    digest = "SELECT md5(string_agg(o::text, ',' ORDER BY o)) FROM organizations o"
    before = cell.postgres.value(digest)
    for shards in (7, 2, 4):
        cell.directory.shards = shards
        cell.publish()
        assert cell.postgres.value(digest) == before
        assert cell.visits(visitor)


def test_a_row_that_got_lost_comes_back(cell: Cell) -> None:
    """With the next connection: the database may be another one, as after a restore."""
    name = cell.add()
    cell.publish()
    cell.postgres.value(
        f"DELETE FROM organizations WHERE organization_id = {cell.id(name)}",  # noqa: S608
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'cell_placement'",
    )
    cell.placement.until(lambda: cell.row(name) == f"{name}|active", "the row is back")


REFUSED = [
    "INSERT INTO organizations (organization_id, name, state) VALUES (77777, 'x', 'active')",
    "INSERT INTO organizations (organization_id, state) VALUES (77777, 'moved')",
    "UPDATE organizations SET state = 'active'",
    "UPDATE organizations SET organization_id = 77777",
    "UPDATE organizations SET created_at = now()",
    "DELETE FROM organizations",
    "TRUNCATE organizations CASCADE",
    "SELECT text FROM notes",
    "INSERT INTO notes VALUES (1, gen_random_uuid(), 'x')",
    "DELETE FROM notes",
    "UPDATE organization_visits SET name = 'x'",
    "INSERT INTO organization_visits (organization_id, name, created_at) VALUES (1, 'x', now())",
    "CREATE TABLE mine (n int)",
    "CREATE TEMPORARY TABLE mine (n int)",
    "SET ROLE cell_app",
    "SET ROLE cell_owner",
    "ALTER ROLE cell_placement BYPASSRLS",
    "SELECT rolpassword FROM pg_authid",
    "SELECT version_num FROM migrations.alembic_version",
    "CREATE POLICY mine ON organizations USING (true)",
]


@pytest.mark.parametrize("statement", REFUSED)
def test_its_role_may_do_no_more(cell: Cell, statement: str) -> None:
    done = cell.postgres.psql(statement, role="placement")
    assert (done.returncode, done.stderr.strip()) == (1, "ERROR:  42501"), done


def test_its_role_changes_no_name_that_is_there(cell: Cell) -> None:
    acme = cell.id("acme")
    for whose in ("SELECT 1", f"SET cellwright.organization_id = '{acme}'"):
        named = f"UPDATE organizations SET name = 'x' WHERE organization_id = {acme}"  # noqa: S608
        done = cell.postgres.psql(whose, named, role="placement")
        assert done.stderr.strip() in ("", "ERROR:  23000")
        assert cell.row("acme") == "acme|active"


def test_its_role_is_there_while_the_app_has_taken_all(cell: Cell) -> None:
    postgres, placement = cell.postgres, cell.placement
    placement.remove()
    one = "sleep 300 | psql --quiet --host=127.0.0.1 --username=cell_app --dbname=cell"
    password = f"PGPASSWORD={PASSWORDS['app']}"
    start = ("exec", "--detach", "--env", password, postgres.container.name, "sh", "-c")
    docker(*start, f"for n in $(seq 100); do {one} & done; wait")

    def are_taken() -> bool:
        """Take one more if there is one: some of a hundred at once may not have got theirs."""
        if postgres.psql("SELECT 1", role="app").returncode == 2:
            return True
        docker(*start, one)
        return False

    try:
        until(are_taken, "all are taken")
        name = cell.add()
        cell.api.publish(cell.directory)
        placement.start()
        placement.wait(cell.api, cell.directory)
        assert cell.row(name) == f"{name}|active"
        assert postgres.psql("SELECT 1", role="app").returncode == 2
    finally:
        postgres.value(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'cell_app'"
        )
