"""What the app refuses, and that every refusal has the same form."""

import json
import socket
from typing import Any

import httpx
import pytest

from tests.app.conftest import CELL, KEY, ROUTER_KEY, App, Organization

pytestmark = pytest.mark.docker


def assert_error(answer: httpx.Response, status: int, text: str) -> None:
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert body.keys() == {"error", "request_id"}
    assert text in body["error"]
    assert body["request_id"] == answer.headers["X-Request-Id"]
    assert answer.headers["X-Cellwright-Cell"] == CELL


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "must be JSON"),
        (b"{", "must be JSON"),
        (b"\xff\xfe", "must be JSON"),
        (b'{"text": NaN', "must be JSON"),
        (b"[" * 60_000, "must be JSON"),
        (b"9" * 10_000, "must be JSON"),
        (b"null", "one member"),
        (b'["text"]', "one member"),
        (b"{}", "one member"),
        (b'{"text": "x", "id": 1}', "one member"),
        (b'{"text": 1}', "1 to 10000 characters"),
        (b'{"text": ""}', "1 to 10000 characters"),
        (json.dumps({"text": "x" * 10_001}).encode(), "1 to 10000 characters"),
        (rb'{"text": "a\u0000b"}', "NUL"),
        (rb'{"text": "\ud800"}', "surrogate"),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_bad_bodies(organization: Organization, method: str, body: bytes, text: str) -> None:
    path = "/notes" if method == "POST" else f"/notes/{organization.note()}"
    kept = organization.texts()
    assert_error(organization.ask(method, path, content=body), 400, text)
    assert organization.texts() == kept


@pytest.mark.parametrize(
    "params",
    [{"limit": "0"}, {"limit": "201"}, {"limit": "-1"}, {"limit": "x"}, {"limit": "1" * 5000}],
)
def test_bad_limits(organization: Organization, params: dict[str, str]) -> None:
    assert_error(organization.ask("GET", params=params), 400, "limit must be an integer from 1")


def test_bad_after(organization: Organization) -> None:
    answer = organization.ask("GET", params={"after": "yesterday"})
    assert_error(answer, 400, "after must be the id of a note")


def test_large_bodies_by_their_announced_length(organization: Organization) -> None:
    answer = organization.ask("POST", content=b" " * (64 * 1024 + 1))
    assert_error(answer, 413, "must not exceed 65536 bytes")
    assert organization.texts() == []


def test_large_bodies_are_not_read_to_their_end(app: App) -> None:
    head = (
        f"POST /notes HTTP/1.1\r\nHost: app\r\nX-Cellwright-Cell: {CELL}\r\n"
        f"X-Cellwright-Key: {ROUTER_KEY}\r\n"
        "X-Cellwright-Organization: a\r\nX-Cellwright-Organization-Id: 1\r\n"
        "Transfer-Encoding: chunked\r\n\r\n"
    )
    size = 66_000
    with socket.create_connection(("127.0.0.1", app.container.port(8080)), timeout=30) as client:
        client.sendall(head.encode() + f"{size:x}\r\n".encode() + b" " * size + b"\r\n")
        # No last chunk: the client would go on.
        answer = b""
        while part := client.recv(65_536):
            answer += part
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'{"error":"the body must not exceed 65536 bytes"' in answer


def test_unknown_paths_and_ids(organization: Organization) -> None:
    for path in ("/", "/o/acme", "/notes/", "/notes/1", "/o/a/b/notes"):
        assert_error(organization.ask("GET", path), 404, "Not Found")
    unknown = "/notes/01890a5d-ac96-774b-bcce-b302099a8057"
    assert_error(organization.ask("GET", unknown), 404, "there is no such note")


def test_methods_that_a_path_has_not(organization: Organization) -> None:
    answer = organization.ask("PATCH")
    assert_error(answer, 405, "Method Not Allowed")
    assert set(answer.headers["Allow"].split(", ")) >= {"GET", "POST"}


@pytest.mark.parametrize("cell", [None, "", "beta", "ALPHA"])
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("GET", "/notes", None), ("POST", "/o/a/notes", {"text": "x"})],
)
def test_requests_for_another_cell(
    app: App, method: str, path: str, body: Any, cell: str | None
) -> None:
    headers = {**KEY, "X-Cellwright-Organization-Id": "1"}
    if cell is not None:
        headers["X-Cellwright-Cell"] = cell
    answer = app.client.request(method, path, headers=headers, json=body)
    assert_error(answer, 421, "this is cell alpha")


@pytest.mark.parametrize("given", ["", "0", "-1", "x", "1.0", "+1", "٣", str(2**63), "1" * 5000])
def test_bad_organization_ids(app: App, given: str) -> None:
    headers = {
        b"X-Cellwright-Key": ROUTER_KEY.encode(),
        b"X-Cellwright-Cell": CELL.encode(),
        b"X-Cellwright-Organization-Id": given.encode(),
    }
    answer = app.client.get("/notes", headers=headers)
    assert_error(answer, 400, "must be a positive 64-bit integer")


@pytest.mark.parametrize("given", [None, "", "Acme", "a b", "a" * 64])
def test_bad_organization_names(app: App, given: str | None) -> None:
    headers = {**KEY, "X-Cellwright-Cell": CELL, "X-Cellwright-Organization-Id": "1"}
    if given is not None:
        headers["X-Cellwright-Organization"] = given
    answer = app.client.get("/notes", headers=headers)
    assert_error(answer, 400, "X-Cellwright-Organization must be an organization's name")


@pytest.mark.parametrize(("method", "path"), [("GET", "/notes"), ("POST", "/o/a/notes")])
def test_a_request_for_the_cell_and_no_organization(app: App, method: str, path: str) -> None:
    answer = app.client.request(method, path, headers={**KEY, "X-Cellwright-Cell": CELL}, json={})
    assert_error(answer, 400, "the request names none by path, host or header")


def test_a_request_id_is_kept_if_it_can_do_no_harm(organization: Organization) -> None:
    def answered(given: str) -> str:
        return str(organization.ask("GET", headers={"X-Request-Id": given}).headers["X-Request-Id"])

    assert answered("router-1:2.3_4") == "router-1:2.3_4"
    for given in ("", "a b", 'a","level":"error', "x" * 129):
        made = answered(given)
        assert made != given
        assert len(made) == 32
