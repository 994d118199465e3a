"""Inside of the fleet: who speaks with whom shows a certificate, and others are refused."""

import json
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from cellwright.authority import pem
from cellwright.secret import decode_root
from tests.end_to_end.workspace import Workspace
from tests.router.authorities import Shown, authority, name_of


@pytest.fixture(scope="module")
def root(fleet: Workspace) -> bytes:
    """Return the fleet's root secret."""
    shown = fleet.must(
        "pulumi", "config", "--show-secrets", "--json", "--stack", "fleet", "--non-interactive"
    )
    return decode_root(json.loads(shown)["cellwright:rootSecret"]["value"])


@contextmanager
def forwarded(fleet: Workspace, name: str, port: int) -> Iterator[int]:
    """Yield a port of this machine that leads to a Service of alpha."""
    command = ["kubectl", "port-forward", "--namespace", "cell-alpha", f"service/{name}"]
    with subprocess.Popen(
        [*command, f":{port}"], env=dict(fleet.environment), stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        line = running.stdout.readline()  # Forwarding from 127.0.0.1:40001 -> 8444
        yield int(line.partition("127.0.0.1:")[2].split()[0])
        running.terminate()


def context(root: bytes, shown: Shown | None) -> ssl.SSLContext:
    found = ssl.create_default_context(cadata=pem(root, "fleet/ca.crt"))
    if shown:
        shown.load_into(found)
    return found


def router_of_beta(root: bytes) -> Shown:
    return authority("router", "beta", root).leaf(name_of("router", "beta"))


@pytest.mark.parametrize(("service", "part"), [("router-hop", "router"), ("app", "app")])
def test_who_answers_shows_who_it_is(
    fleet: Workspace, root: bytes, service: str, part: str
) -> None:
    port = 8444 if part == "router" else 8080
    with (
        forwarded(fleet, service, port) as at,
        socket.create_connection(("127.0.0.1", at), timeout=20) as plain,
        context(root, router_of_beta(root)).wrap_socket(
            plain, server_hostname=name_of(part, "alpha")
        ) as secure,
    ):
        shown = x509.load_der_x509_certificate(secure.getpeercert(binary_form=True) or b"")
    (issuer,) = shown.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert issuer.value == "alpha"
    assert (shown.not_valid_after_utc - shown.not_valid_before_utc).total_seconds() == 25 * 3600


@pytest.mark.parametrize(("service", "port"), [("router-hop", 8444), ("app", 8080)])
def test_plain_text_is_refused(fleet: Workspace, service: str, port: int) -> None:
    with forwarded(fleet, service, port) as at, pytest.raises(httpx.TransportError):
        httpx.get(f"http://127.0.0.1:{at}/o/acme/notes", timeout=20)


def test_a_request_that_was_passed_on_is_never_passed_on_again(
    fleet: Workspace, routers: dict[str, str], client: httpx.Client, root: bytes
) -> None:
    """What a router would do with a request that another router sent to the wrong cell."""
    passed_on = {"X-Cellwright-Organization": "hooli"}
    named = {"sni_hostname": name_of("router", "alpha")}
    with forwarded(fleet, "router-hop", 8444) as at:
        url = f"https://127.0.0.1:{at}/o/hooli/notes"
        with httpx.Client(verify=context(root, router_of_beta(root)), timeout=20) as proven:
            assert proven.get(url, headers=passed_on, extensions=named).status_code == 508
        with (
            httpx.Client(verify=context(root, None), timeout=20) as nobody,
            pytest.raises(httpx.TransportError),
        ):
            nobody.get(url, headers=passed_on, extensions=named)
    forged = client.get(f"{routers['alpha']}/o/hooli/notes", headers=passed_on)
    assert (forged.status_code, forged.headers["X-Cellwright-Cell"]) == (200, "gamma")
