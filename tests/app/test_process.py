"""The app as a process in a container: settings, logs, metrics, privileges, its end."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tests.app.conftest import (
    CELL,
    KEY,
    ROUTER_KEY,
    SECRETS,
    App,
    Environment,
    Organization,
    StartApp,
    placed,
)
from tests.app.test_fence import waiting
from tests.app.test_requests import assert_error
from tests.postgres.containers import (
    APP_IMAGE,
    PASSWORDS,
    Postgres,
    container,
    docker,
    until,
    write_passwords,
)

pytestmark = pytest.mark.docker


def test_health_names_the_cell(app: App) -> None:
    for path in ("/healthz", "/readyz"):
        answer = app.health.get(path)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok", "cell": CELL})
        assert answer.headers["X-Cellwright-Cell"] == CELL


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/o/acme/metrics"])
def test_what_machines_ask_is_not_there_for_organizations(
    app: App, organization: Organization, path: str
) -> None:
    assert_error(organization.ask("GET", path), 404, "Not Found")
    assert_error(app.client.get(path, headers=KEY), 404, "Not Found")


def test_nothing_of_organizations_is_there_for_machines(
    organization: Organization, app: App
) -> None:
    note = organization.note()
    beside = replace(organization, client=app.health)
    for path in ("/notes", f"/notes/{note}", "/o/acme/notes"):
        assert_error(beside.ask("GET", path), 404, "Not Found")
    assert_error(beside.ask("POST", json={"text": "x"}), 404, "Not Found")
    assert organization.texts() == ["a note"]


def test_metrics_count_by_route_and_never_by_what_clients_send(
    app: App, organization: Organization
) -> None:
    organization.note()
    organization.ask("BREW", "/no/such/path")
    metrics = app.health.get("/metrics").text
    assert 'app_requests_total{method="POST",route="Notes",status="201"}' in metrics
    assert 'app_requests_total{method="other",route="none",status="404"}' in metrics
    assert 'app_request_seconds_bucket{le="+Inf",method="POST",route="Notes"}' in metrics
    assert "app_pool_connections" in metrics
    assert "app_database_away_total" in metrics
    assert "process_resident_memory_bytes" in metrics
    assert "BREW" not in metrics
    assert "such" not in metrics


def test_logs_are_json_lines_that_say_what_was_asked_and_nothing_secret(
    app: App, organization: Organization
) -> None:
    organization.ask(
        "POST",
        "/o/acme/notes?token=query-secret",
        json={"text": "body-secret"},
        headers={
            "X-Request-Id": "seen-in-the-log",
            "Authorization": "Bearer header-secret",
            "Cookie": "session=cookie-secret",
        },
    )
    until(lambda: "seen-in-the-log" in app.container.logs(), "the request's line in the log")
    log = app.container.logs()
    lines = [json.loads(line) for line in log.splitlines()]
    (line,) = [line for line in lines if line.get("request_id") == "seen-in-the-log"]
    assert line["milliseconds"] > 0
    expected = {
        "level": "info",
        "cell": CELL,
        "organization": f"organization-{organization.id}",
        "organization_id": organization.id,
        "method": "POST",
        "path": "/o/acme/notes",
        "status": 201,
    }
    assert expected.items() <= line.items()
    for secret in ("-secret", ROUTER_KEY, *PASSWORDS.values()):
        assert secret not in log
    quiet = [line for line in lines if line.get("path") in ("/readyz", "/metrics")]
    assert not any(line["status"] == 200 for line in quiet)


def test_an_unexpected_failure_is_answered_and_logged(
    app: App, organization: Organization, postgres: Postgres
) -> None:
    postgres.value("ALTER TABLE notes RENAME COLUMN text TO other", role="owner")
    try:
        answer = organization.ask("POST", json={"text": "body-secret"})
    finally:
        postgres.value("ALTER TABLE notes RENAME COLUMN other TO text", role="owner")
    assert answer.status_code == 500
    assert answer.json()["request_id"] == answer.headers["X-Request-Id"]
    assert "column" not in answer.text
    lines = [json.loads(line) for line in app.container.logs().splitlines()]
    (failure,) = [
        line
        for line in lines
        if line.get("request_id") == answer.headers["X-Request-Id"] and line["level"] == "error"
    ]
    assert 'column "text" of relation "notes" does not exist' in failure["exception"]
    assert "body-secret" not in failure["exception"]
    organization.note("it goes on")


def test_what_is_under_way_is_answered_before_the_end(
    start_app: StartApp, postgres: Postgres
) -> None:
    with start_app() as app, ThreadPoolExecutor() as threads:
        organization = placed(postgres, Organization(app.client, "7000001"))
        with postgres.transaction("LOCK TABLE notes IN SHARE MODE"):
            answer = threads.submit(organization.ask, "POST", json={"text": "under way"})
            until(lambda: waiting(postgres), "the write is under way")
            docker("kill", "--signal=TERM", app.container.name)
            app.container.follow("Waiting for connections to close")
            # No endpoint of the Service any more, and not to be killed for it.
            assert app.health.get("/readyz").status_code == 503
            assert app.health.get("/healthz").status_code == 200
            assert "app_pool_connections" in app.health.get("/metrics").text
        assert answer.result().status_code == 201
        assert app.container.exit_code() == 0


def test_a_new_password_needs_no_restart(
    start_app: StartApp, other: Organization, postgres: Postgres, tmp_path: Path
) -> None:
    changed = "another-password-of-the-app"
    write_passwords(tmp_path, {"password": PASSWORDS["app"]})
    options = (f"--volume={tmp_path}:/changing:ro", "--env=PASSWORD_FILE=/changing/password")
    with start_app(*options) as app:
        address = app.container.inspect("{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}")
        organization = placed(postgres, Organization(app.client, "7000002"))
        organization.note("before")
        postgres.value(f"ALTER ROLE cell_app PASSWORD '{changed}'")
        try:
            write_passwords(tmp_path, {"password": changed})
            # Of this app alone: others stay logged in.
            own = f"FROM pg_stat_activity WHERE client_addr = '{address}'"
            assert postgres.value(f"SELECT bool_and(pg_terminate_backend(pid, 10000)) {own}") == "t"
            until(lambda: organization.ask("GET").status_code == 200, "the app logs in again")
        finally:
            postgres.value(f"ALTER ROLE cell_app PASSWORD '{PASSWORDS['app']}'")
            until(lambda: other.ask("GET").status_code == 200, "the app of all tests is back")
        assert changed not in app.container.logs()


def test_no_secret_is_in_the_environment(app: App) -> None:
    variables = _read(app, "/proc/1/environ")
    assert "CELL=alpha" in variables
    for secret in (ROUTER_KEY, *PASSWORDS.values()):
        assert secret not in variables


def test_unprivileged(app: App) -> None:
    lines = _read(app, "/proc/1/status").splitlines()
    found = dict(line.split(":", 1) for line in lines if ":" in line)
    assert found["Uid"].split() == ["10001"] * 4
    assert found["CapEff"].split() == ["0" * 16]


def _read(app: App, path: str) -> str:
    """Return a file of the container, which has no program to show it."""
    return docker("exec", app.container.name, "python3", "-c", f"print(open({path!r}).read())")


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"CELL": ""}, "CELL must hold the name"),
        ({"POOL_SIZE": "0"}, "POOL_SIZE must be an integer from 1 to 100"),
        ({"POOL_SIZE": "many"}, "POOL_SIZE must be an integer from 1 to 100"),
        ({"POOL_SIZE": "٣"}, "POOL_SIZE must be an integer from 1 to 100"),
        ({"POOL_SIZE": "8", "POOL_RESERVE": "8"}, "POOL_RESERVE must be an integer from 0 to 7"),
        ({"POOL_SIZE": "1", "POOL_RESERVE": "1"}, "POOL_RESERVE must be an integer from 0 to 0"),
        ({"POOL_RESERVE": "-1"}, "POOL_RESERVE must be an integer from 0 to 7"),
        ({"ROUTER_KEY_FILE": ""}, "ROUTER_KEY_FILE must name the file with the router's key"),
        ({"ROUTER_KEY_FILE": "/nowhere"}, "ROUTER_KEY_FILE: /nowhere cannot be read: No such file"),
        ({"ROUTER_KEY_FILE": SECRETS}, f"{SECRETS} cannot be read: Is a directory"),
        ({"PASSWORD_FILE": "/dev/null"}, "PASSWORD_FILE: /dev/null must hold lines of at least"),
        ({"PASSWORD_FILE": "/etc/passwd"}, "/etc/passwd must hold lines of at least 16"),
    ],
)
def test_wrong_settings_are_named(
    environment: Environment, variables: dict[str, str], message: str
) -> None:
    with container(APP_IMAGE, *environment("app", **variables)) as wrong:
        assert wrong.exit_code() == 1
        assert message in json.loads(wrong.logs())["message"]
