"""How a request finds its organization's cell, and what is said where it has none."""

import json
from uuid import uuid4

import httpx
import pytest

from tests.postgres.containers import until
from tests.router.conftest import Fleet
from tests.router.pods import APP_KEY

pytestmark = pytest.mark.docker

WHERE = {
    "/o/acme/notes": "alpha-app",
    "/o/acme": "alpha-app",
    "/o/umb/notes?q=1": "beta-app",
    "/o/other/": "alpha-app",
    "/o/globex/notes": "gamma",
}


@pytest.mark.parametrize(("path", "app"), WHERE.items())
def test_a_path_leads_to_its_cell_through_every_router(fleet: Fleet, path: str, app: str) -> None:
    for router in fleet.routers:
        answer = router.get(path)
        assert answer.json()["app"] == app
        assert answer.json()["line"] == f"GET {path} HTTP/1.1"


@pytest.mark.parametrize(
    ("host", "app"),
    [
        ("acme.example.com", "alpha-app"),
        ("ACME.Example.COM.:8080", "alpha-app"),
        ("u.example.org:80", "beta-app"),
        ("globex.example.com", "gamma"),
    ],
)
def test_a_host_leads_to_its_cell(fleet: Fleet, host: str, app: str) -> None:
    for router in fleet.routers:
        assert router.answered_by("/notes", {"Host": host}) == app


@pytest.mark.parametrize(
    ("name", "app"), [("acme", "alpha-app"), ("umbrella", "beta-app"), ("umb", "alpha-app")]
)
def test_a_header_holds_the_name_not_the_path(fleet: Fleet, name: str, app: str) -> None:
    for router in fleet.routers:
        assert router.answered_by("/notes", {"X-Organization": name}) == app


def test_the_first_rule_wins(fleet: Fleet) -> None:
    every = {"Host": "u.example.org", "X-Organization": "globex"}
    assert fleet.alpha.answered_by("/o/acme/", every) == "alpha-app"
    assert fleet.alpha.answered_by("/notes", every) == "beta-app"
    assert fleet.alpha.answered_by("/o/nobody/", every) == "404"


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/o/nobody/notes", {}),
        ("/o/umbrella/notes", {}),  # its name, not its path
        ("/o/Acme/notes", {}),
        ("/o/", {}),
        ("/o//acme", {}),
        ("/notes", {}),
        ("/", {"Host": "nobody.example.com"}),
        ("/", {"Host": "example.com"}),
        ("/", {"X-Organization": "nobody"}),
        ("/", {"X-Organization": "ACME"}),
        ("/", {"X-Organization": "other"}),  # a path, not a name
        ("/", {"X-Organization": ""}),
        ("/", {"X-Organization": "acme, umbrella"}),
        # The agent's own mark in each map is no organization.
        ("/", {"X-Organization": "/table"}),
        ("/o/%2ftable/", {}),
    ],
)
def test_unknown_organization(fleet: Fleet, path: str, headers: dict[str, str]) -> None:
    answer = fleet.alpha.get(path, headers)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Cellwright-Cell"] == "alpha"
    assert answer.json() == {
        "error": "unknown organization",
        "request_id": answer.headers["X-Request-Id"],
    }


@pytest.mark.parametrize(
    ("state", "status", "retry"),
    [
        ("maintenance", 403, False),
        ("maintenance-900", 503, True),
        ("fenced", 503, True),
        ("suspended", 403, False),
        ("gone", 410, False),
    ],
)
def test_states(fleet: Fleet, state: str, status: int, *, retry: bool) -> None:
    for router in fleet.routers:
        before = len(fleet.apps["alpha"].requests)
        answer = router.get(f"/o/in-{state}/notes")
        assert answer.status_code == status
        assert ("Retry-After" in answer.headers) is retry
        assert answer.json()["request_id"] == answer.headers["X-Request-Id"]
        assert len(fleet.apps["alpha"].requests) == before


def test_the_app_is_told_the_organization(fleet: Fleet) -> None:
    for router in fleet.routers:
        answer = router.get("/o/umb/notes", {"X-Request-Id": "mine-1"})
        headers = dict(answer.json()["headers"])
        assert headers["x-cellwright-organization"] == "umbrella"
        assert headers["x-cellwright-organization-id"] == "1002"
        assert headers["x-cellwright-cell"] == "beta"
        assert headers["x-request-id"] == answer.headers["X-Request-Id"] == "mine-1"
        assert headers["x-cellwright-key"] == f"{APP_KEY}beta"
        assert answer.headers["X-Cellwright-Cell"] == "beta"


@pytest.mark.parametrize("given", ["", "a b", 'a"b', "ä", "a" * 65, "{}"])
def test_a_request_id_that_could_do_harm_is_replaced(fleet: Fleet, given: str) -> None:
    answer = fleet.alpha.get("/o/acme/", {"X-Request-Id": given.encode()})  # type: ignore[dict-item]
    made = answer.headers["X-Request-Id"]
    assert len(made) == 36
    assert dict(answer.json()["headers"])["x-request-id"] == made


def test_access_log(fleet: Fleet) -> None:
    secret = "very-secret"
    headers = {"X-Request-Id": "logged-1", "Authorization": f"Bearer {secret}", "Cookie": secret}
    fleet.alpha.get(f"/o/umb/a%22b?token={secret}", headers)
    first, second = (router.access("logged-1") for router in fleet.routers)
    for line in (first, second):
        assert secret not in json.dumps(line)
        assert APP_KEY not in json.dumps(line)
        assert line["organization"] == "umbrella"
        assert line["cell"] == "beta"
        assert line["status"] == 200
        assert line["path"] == "/o/umb/a%22b"
        assert {"time", "client", "method", "total_ms", "response_ms"} <= line.keys()
    assert (first["target"], second["target"]) == ("cells", "app")
    assert (first["rule"], second["rule"]) == ("path", "hop")
    assert (first.get("hop", ""), second["hop"]) == ("", "alpha")


def test_the_access_log_names_the_version_of_the_table(fleet: Fleet) -> None:
    """It is that of the newest ConfigMap in the table, also for a HAProxy that was restarted."""

    def logged(request_id: str) -> int:
        fleet.alpha.get("/o/acme/", {"X-Request-Id": request_id})
        return int(fleet.alpha.access(request_id)["table_version"])

    def newest() -> int:
        found = fleet.directory.texts()
        return max(int(fleet.api.objects[n]["metadata"]["resourceVersion"]) for n in found)

    before = newest()
    assert logged("version-1") == before
    fleet.directory.add("hooli", "beta")
    fleet.publish()
    assert newest() > before
    assert logged("version-2") == newest()
    del fleet.directory.organizations["hooli"]
    fleet.publish()
    fleet.alpha.remove(fleet.alpha.haproxy)
    fleet.alpha.start_haproxy()
    until(lambda: logged(f"version-{uuid4()}") == newest(), "the version after a restart")


def test_health_and_metrics(fleet: Fleet) -> None:
    base = f"http://{fleet.alpha.address}"
    assert httpx.get(f"{base}:8404/healthz").status_code == 200
    assert "haproxy_process_current_connections" in httpx.get(f"{base}:8404/metrics").text
    assert httpx.get(f"{base}:8404/other").status_code == 404
    assert httpx.get(f"{base}:8405/healthz").status_code == 200
    assert httpx.get(f"{base}:8405/readyz").status_code == 200
    assert httpx.get(f"{base}:8405/other").status_code == 404
    metrics = httpx.get(f"{base}:8405/metrics").text
    assert f'cellwright_table_entries{{key="path"}} {len(fleet.directory.organizations)}' in metrics
    assert "cellwright_table_served 1" in metrics
    assert f"cellwright_table_version {fleet.alpha.table()['version']}\n" in metrics
    states = [one.state.partition("-")[0] for one in fleet.directory.organizations.values()]
    for state in ("active", "maintenance", "fenced", "suspended", "gone"):
        line = f'cellwright_table_organizations{{state="{state}"}} {states.count(state)}\n'
        assert line in metrics
    assert "cellwright_table_oldest_fence_seconds 0\n" not in metrics


def test_table(fleet: Fleet) -> None:
    table = fleet.alpha.table()
    assert table["checksum"] == fleet.directory.mark()
    assert table["entries"] == len(fleet.directory.organizations)
    assert table["resource_version"] == str(fleet.api.version)
    assert table["age_seconds"] >= 0
    assert table["refused"] == {}
