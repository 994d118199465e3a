"""Who reaches the app's port and is not its router can ask nothing, whatever else they say."""

import pytest

from tests.app.conftest import CELL, KEY, ROUTER_KEY, App, Organization
from tests.app.test_requests import assert_error
from tests.postgres.containers import until

pytestmark = pytest.mark.docker

REFUSED = "only the cell's router may ask here"
NAME = "X-Cellwright-Key"
WRONG: list[list[tuple[str, str]]] = [
    [],
    [(NAME, "")],
    [(NAME, "forged-by-somebody")],
    [(NAME, ROUTER_KEY[:-1])],
    [(NAME, f"{ROUTER_KEY}x")],
    [(NAME, ROUTER_KEY.upper())],
    [(NAME, f"{ROUTER_KEY}, {ROUTER_KEY}")],
    [(NAME, ROUTER_KEY), (NAME, ROUTER_KEY)],
    [(NAME, "forged-by-somebody"), (NAME, ROUTER_KEY)],
    [("X_Cellwright_Key", ROUTER_KEY)],
    [("Authorization", f"Bearer {ROUTER_KEY}")],
]


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/notes"), ("POST", "/o/a/notes"), ("GET", "/no/such/path"), ("BREW", "/")],
)
def test_without_the_key_nothing_is_answered(
    app: App, organization: Organization, method: str, path: str, wrong: list[tuple[str, str]]
) -> None:
    headers = [
        ("X-Cellwright-Cell", CELL),
        ("X-Cellwright-Organization", organization.name or f"organization-{organization.id}"),
        ("X-Cellwright-Organization-Id", organization.id),
        *wrong,
    ]
    assert_error(
        app.client.request(method, path, headers=headers, json={"text": "x"}), 403, REFUSED
    )
    assert organization.texts() == []


def test_neither_key_nor_guess_is_in_the_log(app: App, organization: Organization) -> None:
    guess = {"X-Cellwright-Key": "a-guess-of-somebody", "X-Request-Id": "guessed-once"}
    assert_error(app.client.get("/notes", headers=guess), 403, REFUSED)
    organization.note()
    until(lambda: "guessed-once" in app.container.logs(), "the refused request is logged")
    assert "a-guess-of-somebody" not in app.container.logs()
    assert ROUTER_KEY not in app.container.logs()


def test_machines_need_no_key(app: App) -> None:
    for path in ("/healthz", "/readyz", "/metrics"):
        assert app.health.get(path).status_code == 200
        assert ROUTER_KEY not in app.health.get(path, headers=KEY).text
