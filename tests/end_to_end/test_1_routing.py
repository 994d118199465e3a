"""Every organization is answered by its own cell, through any router."""

import httpx


def test_every_organization_is_answered_by_its_own_cell_through_each_router(
    routers: dict[str, str], client: httpx.Client, organizations: dict[str, tuple[str, str]]
) -> None:
    assert len(organizations) >= 10
    for router in routers.values():
        for name, (path, cell) in organizations.items():
            answer = client.get(f"{router}/o/{path}/notes")
            assert answer.status_code == 200, (router, name, answer.text)
            assert answer.headers["X-Cellwright-Cell"] == cell, (router, name)
            assert answer.headers["X-Request-Id"]


def test_hosts_and_headers_find_the_same_cell(
    routers: dict[str, str], client: httpx.Client
) -> None:
    for router in routers.values():
        by_host = client.get(f"{router}/notes", headers={"Host": "acme.example.com"})
        assert (by_host.status_code, by_host.headers["X-Cellwright-Cell"]) == (200, "alpha")
        by_header = client.get(f"{router}/notes", headers={"X-Organization": "tyrell"})
        assert (by_header.status_code, by_header.headers["X-Cellwright-Cell"]) == (200, "gamma")


def test_an_unknown_organization_is_404(routers: dict[str, str], client: httpx.Client) -> None:
    for router in routers.values():
        assert client.get(f"{router}/o/nobody/notes").status_code == 404


def test_notes_of_one_organization_are_not_seen_by_another(
    routers: dict[str, str], client: httpx.Client
) -> None:
    made = client.post(f"{routers['beta']}/o/acme/notes", json={"text": "for acme only"})
    assert made.status_code == 201, made.text
    assert "for acme only" in client.get(f"{routers['gamma']}/o/acme/notes").text
    assert "for acme only" not in client.get(f"{routers['gamma']}/o/wonka/notes").text
