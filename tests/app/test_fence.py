"""Organizations that are being moved or have moved: what the database says, the app keeps to."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.app.conftest import App, Organization
from tests.app.test_requests import assert_error
from tests.postgres.containers import Postgres, until

pytestmark = pytest.mark.docker


def set_state(organization: Organization, state: str) -> str:
    """Return the statement by which the mover sets the state."""
    return (
        "INSERT INTO organizations (organization_id, state)"  # noqa: S608 - values of the tests
        f" VALUES ({organization.id}, '{state}')"
        " ON CONFLICT (organization_id) DO UPDATE SET state = excluded.state"
    )


def waiting(postgres: Postgres) -> bool:
    """Tell whether a statement of the app waits for a lock."""
    asked = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'cell_app'"
    return postgres.value(f"{asked} AND wait_event_type = 'Lock'") != "0"


@pytest.mark.parametrize(("state", "status", "retry"), [("fenced", 503, "1"), ("moved", 421, None)])
def test_no_request_is_served_unless_active(
    organization: Organization, postgres: Postgres, state: str, status: int, retry: str | None
) -> None:
    note = f"/notes/{organization.note('before')}"
    postgres.value(set_state(organization, state))
    for method, path, body in (
        ("GET", "/notes", None),
        ("POST", "/notes", {"text": "after"}),
        ("GET", note, None),
        ("PUT", note, {"text": "after"}),
        ("DELETE", note, None),
    ):
        answer = organization.ask(method, path, json=body)
        assert_error(answer, status, f"the organization is {state} in this cell")
        assert answer.headers.get("Retry-After") == retry
    postgres.value(set_state(organization, "active"))
    assert organization.texts() == ["before"]


def test_an_organization_refused_before_its_first_use(
    organization: Organization, postgres: Postgres
) -> None:
    postgres.value(set_state(organization, "moved"))
    assert organization.ask("POST", json={"text": "x"}).status_code == 421


def test_a_write_that_meets_a_fence_under_way_is_refused(
    organization: Organization, postgres: Postgres
) -> None:
    organization.note("before")
    with ThreadPoolExecutor() as threads:
        with postgres.transaction(set_state(organization, "fenced")):
            answer = threads.submit(organization.ask, "POST", json={"text": "behind"})
            until(lambda: waiting(postgres), "the write waits for the fence")
        assert_error(answer.result(), 503, "the organization is fenced in this cell")
    count = f"SELECT count(*) FROM notes WHERE organization_id = {organization.id}"  # noqa: S608
    assert postgres.value(count) == "1"


@pytest.mark.parametrize("used", [True, False])
def test_a_fence_waits_for_the_writes_under_way(
    organization: Organization, postgres: Postgres, *, used: bool
) -> None:
    if used:
        organization.note("before")
    fence = set_state(organization, "fenced")
    with ThreadPoolExecutor() as threads:
        # The app's write stops between its look at the organization and its end.
        with postgres.transaction("LOCK TABLE notes IN SHARE MODE"):
            answer = threads.submit(organization.ask, "POST", json={"text": "under way"})
            until(lambda: waiting(postgres), "the write waits for the table")
            refused = postgres.psql("SET lock_timeout = '100ms'", fence)
            assert refused.stderr.strip() == "ERROR:  55P03"
        assert answer.result().status_code == 201
    postgres.value(fence)
    assert organization.ask("POST", json={"text": "after"}).status_code == 503


def test_writes_of_an_organization_do_not_wait_for_each_other(
    app: App, organization: Organization, postgres: Postgres
) -> None:
    organization.note("before")
    lock = f"SELECT FROM organizations WHERE organization_id = {organization.id} FOR SHARE"
    with postgres.transaction(lock):
        assert organization.ask("POST", json={"text": "beside"}).status_code == 201
    assert app.container.running()


def test_the_app_cannot_lift_a_fence(organization: Organization, postgres: Postgres) -> None:
    postgres.value(set_state(organization, "fenced"))
    for statement in (
        "UPDATE organizations SET state = 'active'",
        "UPDATE organizations SET organization_id = 9",
        "UPDATE organizations SET name = 'x'",
        "DELETE FROM organizations",
        "INSERT INTO organizations (organization_id, state) VALUES (987, 'moved')",
        "TRUNCATE organizations CASCADE",
        "UPDATE migrations.alembic_version SET version_num = 'x'",
    ):
        assert postgres.psql(statement, role="app").stderr.strip() == "ERROR:  42501", statement
