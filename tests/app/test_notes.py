"""Notes of organizations: kept, listed, changed and deleted, each organization for itself."""

import uuid

import pytest

from tests.app.conftest import Organization, placed
from tests.postgres.containers import Postgres

pytestmark = pytest.mark.docker

TEXT = "Grüße, 世界 👋\n\"quoted\" \\ 'and' more; --"


@pytest.mark.parametrize("path", ["/notes", "/o/acme/notes"])
def test_from_creation_to_deletion(organization: Organization, path: str) -> None:
    created = organization.ask("POST", path, json={"text": TEXT})
    assert created.status_code == 201
    note = created.json()
    assert note.keys() == {"id", "text", "created_at", "changed_at"}
    assert note["text"] == TEXT
    one = created.headers["Location"]
    assert one == f"{path}/{note['id']}"

    assert organization.ask("GET", one).json() == note
    assert organization.ask("GET", path).json() == {"notes": [note], "next": None}

    changed = organization.ask("PUT", one, json={"text": "other"})
    assert changed.status_code == 200
    assert changed.json()["text"] == "other"
    assert changed.json()["created_at"] == note["created_at"]
    assert changed.json()["changed_at"] > note["changed_at"]
    assert organization.ask("GET", one).json() == changed.json()

    deleted = organization.ask("DELETE", one)
    assert (deleted.status_code, deleted.content) == (204, b"")
    for method, body in (("GET", None), ("PUT", {"text": "x"}), ("DELETE", None)):
        assert organization.ask(method, one, json=body).status_code == 404
    assert organization.texts() == []


def test_an_organization_sees_and_changes_its_own_notes_only(
    organization: Organization, other: Organization
) -> None:
    note = f"/notes/{organization.note('mine')}"
    other.note("theirs")
    assert other.ask("GET", note).status_code == 404
    assert other.ask("PUT", note, json={"text": "x"}).status_code == 404
    assert other.ask("DELETE", note).status_code == 404
    assert (organization.texts(), other.texts()) == (["mine"], ["theirs"])


def test_the_path_does_not_choose_the_organization(
    organization: Organization, other: Organization
) -> None:
    organization.note("mine")
    answer = other.ask("GET", f"/o/organization-{organization.id}/notes")
    assert answer.json() == {"notes": [], "next": None}


def test_pages_hold_every_note_once(organization: Organization) -> None:
    ids = sorted(organization.note(f"note {number}") for number in range(7))
    assert {uuid.UUID(note).version for note in ids} == {7}
    seen: list[list[str]] = []
    after = ""
    while after is not None:
        answer = organization.ask("GET", params={"limit": "3", "after": after}).json()
        seen.append([note["id"] for note in answer["notes"]])
        after = answer["next"]
    assert seen == [ids[:3], ids[3:6], ids[6:]]


def test_a_full_last_page_has_no_next(organization: Organization) -> None:
    for number in range(2):
        organization.note(f"note {number}")
    answer = organization.ask("GET", params={"limit": "2"}).json()
    assert (len(answer["notes"]), answer["next"]) == (2, None)


def test_the_largest_note_and_the_largest_id(
    organization: Organization, postgres: Postgres
) -> None:
    last = placed(postgres, Organization(organization.client, str(2**63 - 1)))
    text = "𝄞" * 10_000
    note = last.note(text)
    assert last.ask("GET", f"/notes/{note}").json()["text"] == text
    last.ask("DELETE", f"/notes/{note}")
