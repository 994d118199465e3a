"""What a client sends to be taken for somebody else, or to be read in two ways.

The app trusts what the router says about the organization, so for each request: it is refused, or
the app is told the very organization that the router decided on, and nothing that the client said.
"""

import json

import pytest

from tests.router.conftest import Fleet
from tests.router.pods import APP_KEY

pytestmark = pytest.mark.docker

HOST = "Host: router.example.com\r\n"
_CHUNKED = "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"


def _get(target: str, extra: str = "", host: str = HOST) -> str:
    return f"GET {target} HTTP/1.1\r\n{host}Connection: close\r\n{extra}\r\n"


def _post(framing: str) -> str:
    return f"POST /o/acme/x HTTP/1.1\r\n{HOST}{framing}"


BAD_PATHS = [
    "/o/acme/../umb/notes",
    "/o/acme/..",
    "/o/acme/./x",
    "/o/../o/umb/",
    "/./o/umb/",
    "/x/../o/umb/",
    "/o/acme/%2e%2e/umb/",
    "/o/acme/%2E./umb/",
    "/o/acme/.%2e/umb/",
    "/o/acme/..%2fumb/",
    "/o/acme%2f..%2fumb/",
    "/o/acme/..;/umb/",
    "/o/acme/..%3b/umb/",
    "/o/acme/..\\umb/",
    "/o/acme/..%5cumb/",
    "/o\\umb/",
    "/o%5cumb/",
    "/o%2fumb/",
    "/o%2Fumb/",
    "/%2fo/umb/",
    "/%6f/umb/",
    "//o/umb/",
    "///o/umb/",
    "/O/umb/",
    "/o;x=1/umb/",
    "/o%3bx/umb/",
    "/o/acme/%00",
    "/o/acme/%0d%0aX-Cellwright-Cell:beta",
    "/o/acme/%0A",
    "/o/acme/%7f",
    "/o/acme/%",
    "/o/acme/%2",
    "/o/acme/%zz",
    "/o/acme/\x00",
    "/o/acme/\x7f",
    "/o/acme/\xc3\xa9",
    "/o/acme/\xff",
    "/o/acme/a b",
    "/o/acme/#/../umb",
    "o/acme/",
    "*",
    "",
]

UNKNOWN_PATHS = [
    "/o/ac%6de/",
    "/o/acme%20/",
    "/o/acme;x=1/",
    "/o/acme,umb/",
    "/o/ACME/",
    "/o//acme/",
    "/o/acme:alpha/",
    "/o/active:alpha:1001:acme/",
]

OTHER_REFUSALS = {
    "two hosts": _get("/x", host="Host: acme.example.com\r\nHost: u.example.org\r\n"),
    "a list of hosts": _get("/x", host="Host: acme.example.com,u.example.org\r\n"),
    "a space in the host": _get("/x", host="Host: acme.example.com u.example.org\r\n"),
    "another host in the target": _get("http://u.example.org/x", host="Host: acme.example.com\r\n"),
    "CONNECT": f"CONNECT acme.example.com:80 HTTP/1.1\r\n{HOST}\r\n",
    "TRACE": f"TRACE /o/acme/ HTTP/1.1\r\n{HOST}\r\n",
    "a method that is none": f"G{{T /o/acme/ HTTP/1.1\r\n{HOST}\r\n",
    "HTTP/0.9": "GET /o/acme/\r\n\r\n",
    "not HTTP": "\x16\x03\x01\x00\xa5\x01\x00\x00\r\n\r\n",
    "two header values for the organization": _get(
        "/x", "X-Organization: acme\r\nX-Organization: umbrella\r\n"
    ),
    "two lengths": _post("Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef"),
    "a signed length": _post("Content-Length: +5\r\n\r\nabcde"),
    "an unknown coding": _post("Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    "a space before the colon": _post("Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
    "chunked, then identity": _post(
        "Transfer-Encoding: chunked\r\nX: y\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n"
    ),
    "chunked twice": _post(f"Transfer-Encoding: chunked\r\n{_CHUNKED}"),
    "a chunk size that is none": _post(
        "Transfer-Encoding: chunked\r\n\r\n0x5\r\nabcde\r\n0\r\n\r\n"
    ),
    "CR in a header": _get("/o/acme/", "X-A: b\rX-Cellwright-Cell: z\r\n"),
    "NUL in a header": _get("/o/acme/", "X-A: b\x00c\r\n"),
    "a space in a header's name": _get("/o/acme/", "X-Cellwright Cell: z\r\n"),
    "a header larger than the buffer": _get("/o/acme/", f"X-A: {'a' * 15800}\r\n"),
    "more headers than are counted": _get("/o/acme/", "".join(f"X-{i}: a\r\n" for i in range(200))),
    "a path larger than the buffer": _get(f"/o/acme/{'a' * 15800}"),
    "two upgrades": _get("/o/acme/", "Upgrade: h2c\r\nUpgrade: websocket\r\n").replace(
        "close", "Upgrade"
    ),
}


def _statuses(answer: bytes) -> list[int]:
    """Return the status of each response on the connection."""
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]


def _asked(fleet: Fleet) -> int:
    return sum(len(one.requests) for one in (*fleet.apps.values(), fleet.gamma))


@pytest.mark.parametrize("path", BAD_PATHS)
def test_a_path_that_can_be_read_in_two_ways_is_refused(fleet: Fleet, path: str) -> None:
    before = _asked(fleet)
    assert _statuses(fleet.alpha.raw(_get(path).encode("latin-1"))) == [400]
    assert _asked(fleet) == before


@pytest.mark.parametrize("path", UNKNOWN_PATHS)
def test_a_path_that_only_resembles_one_is_unknown(fleet: Fleet, path: str) -> None:
    assert _statuses(fleet.alpha.raw(_get(path).encode())) == [404]


@pytest.mark.parametrize("request_text", OTHER_REFUSALS.values(), ids=OTHER_REFUSALS)
def test_other_tricks_are_refused(fleet: Fleet, request_text: str) -> None:
    before = _asked(fleet)
    assert _statuses(fleet.alpha.raw(request_text.encode("latin-1"))) == [400]
    assert _asked(fleet) == before


@pytest.mark.parametrize(
    "path", ["/o/acme/a%2Fb/..c/d..", "/o/acme//b/.well-known/x", "/o/acme/%41?x=/../%2e%2e\\%zz"]
)
def test_what_is_only_unusual_is_passed_on_unchanged(fleet: Fleet, path: str) -> None:
    answer = fleet.alpha.raw(_get(path).encode())
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["line"] == f"GET {path} HTTP/1.1"


def test_a_target_with_a_host_goes_on_without_it(fleet: Fleet) -> None:
    answer = fleet.alpha.raw(_get("http://acme@router.example.com/o/umb/x?y").encode())
    told = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert (told["app"], told["line"]) == ("beta-app", "GET /o/umb/x?y HTTP/1.1")


FORGED = (
    "X-Cellwright-Organization: umbrella\r\nx-cellwright-organization-id: 1002\r\n"
    "X-CELLWRIGHT-CELL: beta\r\nX-Cellwright-Cell: beta\r\nX-Cellwright-Hop: wrong\r\n"
    "X-Cellwright-Key: forged\r\nx-cellwright-key: forged\r\nX_Cellwright_Key: forged\r\n"
    "X-Cellwright-New: 1\r\nX-Cellwright_Organization: umbrella\r\n"
    "X_Cellwright_Organization: umbrella\r\nX.Cellwright.Organization: umbrella\r\n"
    "X-A: b\r\n X-Cellwright-Organization: umbrella\r\n"
)


@pytest.mark.parametrize("path", ["/o/acme/", "/o/umb/", "/o/globex/"])
def test_forged_headers_are_taken_off(fleet: Fleet, path: str) -> None:
    answer = fleet.alpha.raw(_get(path, FORGED).encode())
    told = json.loads(answer.partition(b"\r\n\r\n")[2])
    internal = [(name, value) for name, value in told["headers"] if "cellwright" in name]
    expected = {
        "alpha-app": ("acme", "1001", "alpha"),
        "beta-app": ("umbrella", "1002", "beta"),
    }
    if told["app"] == "gamma":  # another router
        assert internal == [("x-cellwright-organization", "globex")]
    else:
        names = ("organization", "organization-id", "cell", "key")
        keys = [f"x-cellwright-{name}" for name in names]
        key = APP_KEY + told["app"].removesuffix("-app")
        assert internal == list(zip(keys, (*expected[told["app"]], key), strict=True))


def test_a_header_can_not_be_made_hop_by_hop(fleet: Fleet) -> None:
    names = "close, X-Cellwright-Key, X-Cellwright-Organization"
    for path in ("/o/acme/", "/o/globex/"):
        answer = fleet.alpha.raw(_get(path).replace("close", names).encode())
        told = dict(json.loads(answer.partition(b"\r\n\r\n")[2])["headers"])
        assert "cellwright" not in told.get("connection", "").lower()
        assert ("x-cellwright-key" in told) is (path == "/o/acme/")


@pytest.mark.parametrize(
    ("upgrade", "connection"),
    [
        ("h2c", "Upgrade, HTTP2-Settings, close"),
        ("TLS/1.2", "Upgrade"),
        ("websocket", "close"),
    ],
)
def test_a_second_protocol_is_not_passed_on(fleet: Fleet, upgrade: str, connection: str) -> None:
    extra = f"Upgrade: {upgrade}\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"
    request_text = _get("/o/acme/", extra).replace("close", connection)
    answer = fleet.alpha.raw(request_text.encode())
    told = dict(json.loads(answer.partition(b"\r\n\r\n")[2])["headers"])
    assert "upgrade" not in told
    assert "upgrade" not in told.get("connection", "").lower()


def test_a_body_that_hides_a_request_is_a_body(fleet: Fleet) -> None:
    hidden = f"GET /o/umb/hidden HTTP/1.1\r\n{HOST}\r\n"
    framing = f"Content-Length: {len(hidden) + 5}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    answer = fleet.alpha.raw((_post(framing) + hidden).encode())
    assert all("hidden" not in line for line in fleet.apps["beta"].requests)
    assert _statuses(answer) == [200]  # and the connection is closed
