"""The database goes away and comes back; the app stays, says so, and goes on by itself."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.app.conftest import App, Organization, StartApp
from tests.app.test_requests import assert_error
from tests.postgres.containers import Postgres, docker, until

pytestmark = pytest.mark.docker


def assert_away(app: App, organization: Organization) -> None:
    with ThreadPoolExecutor() as threads:
        writing = threads.submit(organization.ask, "POST", json={"text": "lost"})
        reading = threads.submit(organization.ask, "GET")
    assert_error(writing.result(), 503, "the database is away; what was sent may or may not")
    assert_error(reading.result(), 503, "the database is away")
    for answer in (writing.result(), reading.result()):
        assert answer.headers["Retry-After"] == "1"
    for path in ("/healthz", "/readyz", "/metrics"):
        assert app.health.get(path).status_code == 200


def goes_on(organization: Organization) -> bool:
    answer = organization.ask("POST", json={"text": "after"})
    assert answer.status_code in (201, 503)
    return answer.status_code == 201


def test_stopped(app: App, organization: Organization, postgres: Postgres) -> None:
    organization.note("before")
    started = app.container.inspect("{{.State.StartedAt}}")
    docker("stop", postgres.container.name)
    try:
        assert_away(app, organization)
    finally:
        docker("start", postgres.container.name)
    postgres.wait()
    until(lambda: goes_on(organization), "the app writes again")
    assert organization.texts() == ["before", "after"]
    assert app.container.inspect("{{.State.StartedAt}}") == started


def test_frozen(app: App, organization: Organization, postgres: Postgres) -> None:
    """Connections stay open and nothing answers, as when a node hangs."""
    organization.note("before")
    docker("pause", postgres.container.name)
    try:
        assert_away(app, organization)
    finally:
        docker("unpause", postgres.container.name)
    until(lambda: goes_on(organization), "the app writes again")
    assert organization.texts()[0] == "before"


def test_sessions_ended_by_the_server_are_not_noticed(
    organization: Organization, postgres: Postgres
) -> None:
    """A connection is checked before it is used: a restart costs no request afterwards."""
    organization.note("before")
    # What a freeze before this has left: attempts to connect that pause before the next one.
    rests = "SELECT min(now() - backend_start) > '4 s' FROM pg_stat_activity"
    rested = f"{rests} WHERE usename = 'cell_app'"
    until(lambda: postgres.value(rested) == "t", "the pool is at rest")
    # Waits for their end: a session that is still ending would pass the check and fail then.
    ended = "SELECT bool_and(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity"
    assert postgres.value(f"{ended} WHERE usename = 'cell_app'") == "t"
    organization.note("after")


def test_a_row_that_stays_locked_is_given_up(
    app: App, organization: Organization, postgres: Postgres
) -> None:
    note = organization.note("before")
    with postgres.transaction(f"SELECT FROM notes WHERE id = '{note}' FOR UPDATE"):
        answer = organization.ask("PUT", f"/notes/{note}", json={"text": "after"})
        assert_error(answer, 503, "the database is away")
    # By the server, so that nothing is left waiting there.
    assert "canceling statement due to lock timeout" in app.container.logs()
    assert organization.texts() == ["before"]


def test_an_app_starts_and_is_ready_without_a_database(start_app: StartApp) -> None:
    with start_app("--env=PGHOST=127.0.0.1") as lonely:
        assert_away(lonely, Organization(lonely.client, "1"))
