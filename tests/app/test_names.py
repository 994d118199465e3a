"""An id that somebody had before: whoever gets it by mistake is shown nothing of theirs."""

from dataclasses import replace

import pytest

from tests.app.conftest import App, Organization
from tests.app.test_requests import assert_error
from tests.postgres.containers import Postgres

pytestmark = pytest.mark.docker

NOT_PLACED = "the organization is not placed in this cell"
REFUSED = "the organization's id belongs to another one in this cell"


def name_of(organization: Organization, postgres: Postgres) -> str:
    asked = "SELECT coalesce(name, '-') FROM organizations WHERE organization_id ="
    return postgres.value(f"{asked} {organization.id}")


def renamed(organization: Organization, value: str) -> str:
    """Return the statement that gives the organization another name."""
    where = f"WHERE organization_id = {organization.id}"
    return f"UPDATE organizations SET name = {value} {where}"  # noqa: S608 - values of the tests


def without_a_name(organization: Organization, state: str) -> str:
    """Return the statement that makes a row as older schemas have it."""
    added = "INSERT INTO organizations (organization_id, state)"
    return f"{added} VALUES ({organization.id}, '{state}')"


def test_no_request_of_another_name_is_served(
    app: App, organization: Organization, postgres: Postgres
) -> None:
    note = f"/notes/{organization.note('before')}"
    stranger = replace(organization, name="stranger")
    for method, path, body in (
        ("GET", "/notes", None),
        ("POST", "/notes", {"text": "after"}),
        ("GET", note, None),
        ("PUT", note, {"text": "after"}),
        ("DELETE", note, None),
    ):
        answer = stranger.ask(method, path, json=body)
        assert_error(answer, 421, REFUSED)
        assert f"organization-{organization.id}" not in answer.text
    assert organization.texts() == ["before"]
    assert name_of(organization, postgres) == f"organization-{organization.id}"
    lines = [line for line in app.container.logs().splitlines() if '"level": "error"' in line]
    assert f'"organization": "stranger", "owner": "organization-{organization.id}"' in lines[-1]
    counted = app.health.get("/metrics").text
    refused = [line for line in counted.splitlines() if line.startswith("app_wrong_organization_")]
    assert [float(line.split()[1]) >= 5 for line in refused] == [True]


@pytest.mark.parametrize("state", ["active", "fenced", "moved"])
def test_a_row_without_a_name_serves_nobody_until_the_placement_gives_it(
    stranger: Organization, postgres: Postgres, state: str
) -> None:
    postgres.value(without_a_name(stranger, state))
    for method, body in (("GET", None), ("POST", {"text": "x"})):
        assert_error(stranger.ask(method, json=body), 421, NOT_PLACED)
    assert name_of(stranger, postgres) == "-"
    given = renamed(stranger, f"'organization-{stranger.id}'")
    postgres.value(given, role="placement")
    expected = {"active": 201, "fenced": 503, "moved": 421}[state]
    assert stranger.ask("POST", json={"text": "x"}).status_code == expected
    assert_error(replace(stranger, name="another").ask("GET"), 421, REFUSED)


def test_a_name_never_changes(organization: Organization, postgres: Postgres) -> None:
    organization.note()
    for value in ("'stranger'", "NULL"):
        for role in ("app", "owner"):
            whose = f"SET cellwright.organization_id = '{organization.id}'"
            done = postgres.psql(whose, renamed(organization, value), role=role)
            expected = "23000" if role == "owner" else "42501"
            assert done.stderr.strip() == f"ERROR:  {expected}", role
