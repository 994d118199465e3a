"""A cell serves whom it was given: no request and no statement of the app makes it another's."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.app.conftest import App, Organization, placed
from tests.app.test_requests import assert_error
from tests.app.test_row_security import DENIED, of
from tests.postgres.containers import Postgres

pytestmark = pytest.mark.docker

NOT_PLACED = "the organization is not placed in this cell"
VISITS = "the organization only visits this cell, by an override that refuses writes"
NOTE = "/notes/01890a5d-ac96-774b-bcce-b302099a8057"
READS: list[tuple[str, str, Any]] = [("GET", "/notes", None), ("GET", NOTE, None)]
WRITES: list[tuple[str, str, Any]] = [
    ("POST", "/notes", {"text": "x"}),
    ("PUT", NOTE, {"text": "x"}),
    ("DELETE", NOTE, None),
]


def rows(one: Organization, postgres: Postgres) -> str:
    """Return how many rows of an organization there are, in all tables."""
    where = f"WHERE organization_id = {one.id}"
    tables = ("organizations", "notes", "organization_visits")
    return postgres.value(*(f"SELECT count(*) FROM {name} {where}" for name in tables))  # noqa: S608


@pytest.mark.parametrize(("method", "path", "body"), [*READS, *WRITES])
def test_whom_the_cell_was_not_given_is_refused(
    stranger: Organization, postgres: Postgres, method: str, path: str, body: Any
) -> None:
    """The router's key is right, and so is its cell: still its word is not enough."""
    assert_error(stranger.ask(method, path, json=body), 421, NOT_PLACED)
    assert rows(stranger, postgres).split() == ["0", "0", "0"]


def test_refusals_are_counted(app: App, stranger: Organization) -> None:
    def counted() -> float:
        lines = app.health.get("/metrics").text.splitlines()
        return sum(float(one.split()[1]) for one in lines if one.startswith("app_not_placed_total"))

    before = counted()
    stranger.ask("GET")
    assert counted() == before + 1


def test_who_is_placed_is_served_from_the_next_request_on(
    stranger: Organization, postgres: Postgres
) -> None:
    assert stranger.ask("GET").status_code == 421
    placed(postgres, stranger)
    assert stranger.texts() == []
    stranger.note("mine")
    assert stranger.texts() == ["mine"]


@pytest.fixture
def visitor(stranger: Organization, postgres: Postgres) -> Iterator[Organization]:
    """Return an organization that an override sends here, and whose writes are refused."""
    visit(stranger, postgres)
    yield stranger
    leave(stranger, postgres)


def visit(one: Organization, postgres: Postgres) -> None:
    added = "INSERT INTO organization_visits (organization_id, name)"
    postgres.value(f"{added} VALUES ({one.id}, 'organization-{one.id}')", role="placement")


def leave(one: Organization, postgres: Postgres) -> None:
    ended = f"DELETE FROM organization_visits WHERE organization_id = {one.id}"  # noqa: S608
    postgres.value(ended, role="placement")


def test_a_visitor_reads_nothing_and_may_not_write(
    visitor: Organization, postgres: Postgres
) -> None:
    assert visitor.texts() == []
    assert visitor.ask("GET", NOTE).status_code == 404
    for method, path, body in WRITES:
        assert_error(visitor.ask(method, path, json=body), 409, VISITS)
    assert rows(visitor, postgres).split() == ["0", "0", "1"]
    leave(visitor, postgres)
    for method, path, body in (*READS, *WRITES):
        assert_error(visitor.ask(method, path, json=body), 421, NOT_PLACED)


def test_what_a_fork_has_left_is_read_and_not_written_while_writes_are_refused(
    organization: Organization, postgres: Postgres
) -> None:
    organization.note("of the fork")
    visit(organization, postgres)
    assert organization.texts() == ["of the fork"]
    for method, path, body in WRITES:
        assert_error(organization.ask(method, path, json=body), 409, VISITS)
    leave(organization, postgres)
    organization.note("after")
    assert len(organization.texts()) == 2


def test_a_visit_opens_nothing_that_a_move_has_closed(
    visitor: Organization, postgres: Postgres
) -> None:
    placed(postgres, visitor)
    where = f"WHERE organization_id = {visitor.id}"
    for state, status in (("moved", 421), ("fenced", 503)):
        postgres.value(f"UPDATE organizations SET state = '{state}' {where}")  # noqa: S608
        for method, path, body in (*READS, *WRITES):
            assert visitor.ask(method, path, json=body).status_code == status
    postgres.value(f"DELETE FROM organizations {where}")  # noqa: S608


def test_a_visit_of_another_name_shows_nothing(visitor: Organization) -> None:
    said = "the organization's id belongs to another one in this cell"
    for method, path, body in (*READS, *WRITES):
        answer = replace(visitor, name="another").ask(method, path, json=body)
        assert_error(answer, 421, said)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO organizations (organization_id) VALUES ({id})",
        "INSERT INTO organizations (organization_id, name) VALUES ({id}, 'x')",
        "INSERT INTO organizations (organization_id) VALUES ({id}) ON CONFLICT DO NOTHING",
        "INSERT INTO organization_visits (organization_id, name) VALUES ({id}, 'x')",
        "UPDATE organizations SET name = 'x'",
        "UPDATE organizations SET state = 'active'",
        "UPDATE organization_visits SET name = 'x'",
        "DELETE FROM organizations",
        "DELETE FROM organization_visits",
        "SELECT FROM organization_visits FOR SHARE",
    ],
)
def test_no_statement_of_the_app_makes_somebody_the_cells(
    stranger: Organization, postgres: Postgres, statement: str
) -> None:
    """Also not in the name of the organization: whoever takes over the app can say who it is."""
    done = postgres.psql(of(stranger), statement.format(id=stranger.id), role="app")
    assert done.stderr.strip() == DENIED


def test_without_a_row_of_the_placement_there_are_no_notes(
    stranger: Organization, postgres: Postgres
) -> None:
    added = f"INSERT INTO notes VALUES ({stranger.id}, gen_random_uuid(), 'x')"  # noqa: S608
    done = postgres.psql(of(stranger), added, role="app")
    assert done.stderr.strip() == "ERROR:  23503"
