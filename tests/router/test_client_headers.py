"""What clients and proxies say about a client, its host, its path and its method: believed of few.

Apps and their frameworks take such headers for the truth, so routers take them off, or say
themselves what is true.
"""

import json

import httpx
import pytest

from tests.router.conftest import Fleet

pytestmark = pytest.mark.docker

TAKEN_OFF = (
    "Forwarded",
    "X-Forwarded-Host",
    "X-Forwarded-Port",
    "X-Forwarded-Prefix",
    "X-Forwarded-Server",
    "X-Forwarded-User",
    "X-Real-IP",
    "X-Client-IP",
    "X-Cluster-Client-IP",
    "Client-IP",
    "True-Client-IP",
    "CF-Connecting-IP",
    "Fastly-Client-IP",
    "X-Original-URL",
    "X-Original-URI",
    "X-Original-Host",
    "X-Original-Method",
    "X-Original-Forwarded-For",
    "X-Rewrite-URL",
    "X-HTTP-Method",
    "X-HTTP-Method-Override",
    "X-Method-Override",
    "Proxy",
    "Proxy-Connection",
    "Keep-Alive",
)


def joined(answer: httpx.Response) -> dict[str, str]:
    """Return the headers that the app was told, those of one name joined as RFC 9110 has it."""
    found: dict[str, list[str]] = {}
    for name, value in answer.json()["headers"]:
        found.setdefault(name.lower(), []).append(value)
    return {name: ", ".join(values) for name, values in found.items()}


@pytest.mark.parametrize("path", ["/o/acme/x", "/o/umb/x"])
def test_what_others_say_about_a_client_reaches_no_app(fleet: Fleet, path: str) -> None:
    """Also not through another cell's router, and whatever the case of the name is."""
    for name in TAKEN_OFF:
        for spelled in (name, name.lower(), name.upper()):
            told = fleet.alpha.get(path, {spelled: "forged"}).json()["headers"]
            assert "forged" not in json.dumps(told), spelled


def test_the_address_of_a_client_is_the_one_that_it_has(fleet: Fleet) -> None:
    forged = {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https"}
    for path in ("/o/acme/x", "/o/umb/x"):
        told = joined(fleet.alpha.get(path, forged))
        assert told["x-forwarded-for"].startswith("127.")
        assert told["x-forwarded-proto"] == "http"


@pytest.mark.parametrize("path", ["/o/acme/x", "/o/umb/x"])
def test_a_trusted_proxy_is_believed(fleet: Fleet, path: str) -> None:
    said = {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "a"}
    with httpx.Client(transport=httpx.HTTPTransport(local_address="127.99.3.4")) as proxy:
        url = f"http://{fleet.alpha.address}:8080{path}"
        told = joined(proxy.get(url, headers=said))
        assert told["x-forwarded-for"] == "192.0.2.7, 127.99.3.4"
        assert told["x-forwarded-proto"] == "https"
        assert "x-forwarded-host" not in told
        odd = joined(proxy.get(url, headers={"X-Forwarded-Proto": "gopher"}))
        assert odd["x-forwarded-proto"] == "http"


@pytest.mark.parametrize(
    "head",
    [
        "GET /o/acme/x HTTP/1.1\r\n",
        "GET /o/acme/x HTTP/1.0\r\n",
        "GET /o/acme/x HTTP/1.1\r\nHost:\r\n",
        "GET /o/acme/x HTTP/1.1\r\nHost: acme.example.com..\r\n",
        "GET /o/acme/x HTTP/1.1\r\nHost: acme.example.com..:80\r\n",
        "GET /x HTTP/1.1\r\nHost: ..\r\n",
    ],
)
def test_a_request_needs_one_host_with_one_final_dot_at_most(fleet: Fleet, head: str) -> None:
    answer = fleet.alpha.raw(f"{head}Connection: close\r\n\r\n".encode())
    status, _, body = answer.partition(b"\r\n")
    assert b" 400 " in status
    assert json.loads(body.partition(b"\r\n\r\n")[2])["error"] == "bad request"


def test_a_final_dot_is_fine(fleet: Fleet) -> None:
    assert fleet.alpha.answered_by("/x", {"Host": "acme.example.com."}) == "alpha-app"
