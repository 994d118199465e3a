"""An id that somebody had before: whoever gets it by mistake is shown nothing of theirs."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from tests.app.conftest import App, Organization
from tests.app.test_fence import waiting
from tests.app.test_requests import assert_error
from tests.postgres.containers import Postgres, until

pytestmark = pytest.mark.docker

REFUSED = "the organization's id belongs to another one in this cell"


def name_of(organization: Organization, postgres: Postgres) -> str:
    asked = "SELECT coalesce(name, '-') FROM organizations WHERE organization_id ="
    return postgres.value(f"{asked} {organization.id}")


def renamed(organization: Organization, value: str) -> str:
    """Return the statement that gives the organization another name."""
    where = f"WHERE organization_id = {organization.id}"
    return f"UPDATE organizations SET name = {value} {where}"  # noqa: S608 - values of the tests


def without_a_name(organization: Organization) -> str:
    """Return the statement by which the app's version before this one adds an organization."""
    return f"INSERT INTO organizations (organization_id) VALUES ({organization.id})"  # noqa: S608 - as above


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


@pytest.mark.parametrize("first", ["GET", "POST"])
def test_a_row_without_a_name_gets_that_of_the_first_request(
    organization: Organization, postgres: Postgres, first: str
) -> None:
    postgres.value(without_a_name(organization))
    assert name_of(organization, postgres) == "-"
    body = {"text": "x"} if first == "POST" else None
    assert organization.ask(first, json=body).status_code < 300
    assert name_of(organization, postgres) == f"organization-{organization.id}"
    assert_error(replace(organization, name="stranger").ask("GET"), 421, REFUSED)


def test_of_two_names_at_once_one_gets_the_row(
    organization: Organization, postgres: Postgres
) -> None:
    postgres.value(without_a_name(organization))
    named = renamed(organization, "'winner'")
    with ThreadPoolExecutor() as threads:
        with postgres.transaction(named):
            answer = threads.submit(organization.ask, "POST", json={"text": "second"})
            until(lambda: waiting(postgres), "the write waits for the name")
        assert_error(answer.result(), 421, REFUSED)
    assert replace(organization, name="winner").texts() == []


def test_many_first_writes_to_a_row_without_a_name_do_not_stop_each_other(
    organization: Organization, postgres: Postgres
) -> None:
    postgres.value(without_a_name(organization))
    with ThreadPoolExecutor(8) as threads:
        answers = list(
            threads.map(lambda _: organization.ask("POST", json={"text": "x"}), range(16))
        )
    assert {answer.status_code for answer in answers} == {201}


def test_a_name_never_changes(organization: Organization, postgres: Postgres) -> None:
    organization.note()
    for value in ("'stranger'", "NULL"):
        for role in ("app", "owner"):
            whose = f"SET cellwright.organization_id = '{organization.id}'"
            done = postgres.psql(whose, renamed(organization, value), role=role)
            assert done.stderr.strip() == "ERROR:  23000", role
