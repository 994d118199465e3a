"""TLS at the app: with the certificate in its folder, and with each new one."""

import json
import re
import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import httpx
import pytest

from tests.app.conftest import CELL, KEY, App, Environment, Organization, StartApp, placed
from tests.postgres.containers import APP_IMAGE, Postgres, container, docker, until
from tests.router.authorities import client_context, name_of, shown_by
from tests.router.secret import Secret

pytestmark = pytest.mark.docker

HEADERS = {
    **KEY,
    "X-Cellwright-Cell": CELL,
    "X-Cellwright-Organization": "over-tls",
    "X-Cellwright-Organization-Id": "900001",
}


@pytest.fixture
def secret(tmp_path: Path) -> Secret:
    """Return a folder that changes as the app's does."""
    folder = tmp_path / "certificate"
    folder.mkdir()
    found = Secret(folder, "127.0.0.1")
    rotate(found)
    return found


def rotate(secret: Secret) -> None:
    shown = shown_by("app", CELL)
    secret.put(shown.chain, shown.key)


def over_tls(start_app: StartApp, folder: Path) -> AbstractContextManager[App]:
    return start_app("--env=CERTIFICATE_DIRECTORY=/c", f"--volume={folder}:/c:ro")


@pytest.fixture
def app(start_app: StartApp, secret: Secret, postgres: Postgres) -> Iterator[App]:
    with over_tls(start_app, secret.folder) as running:
        placed(postgres, Organization(running.client, "900001", name="over-tls"))
        yield running


def ask(client: httpx.Client, app: App) -> httpx.Response:
    """Ask as a router does: by the app's name in the certificate."""
    url = f"https://127.0.0.1:{app.container.port(8080)}/notes"
    named = {"sni_hostname": name_of("app", CELL)}
    return client.get(url, headers=HEADERS, extensions=named)


def shown(app: App) -> int:
    """Return the serial number of the certificate that a new connection is shown."""
    address = ("127.0.0.1", app.container.port(8080))
    with (
        socket.create_connection(address, timeout=20) as plain,
        client_context(None).wrap_socket(plain, server_hostname=name_of("app", CELL)) as secure,
    ):
        assert secure.version() == "TLSv1.3"
        return int(str((secure.getpeercert() or {})["serialNumber"]), 16)


def test_requests_come_over_tls_alone(app: App) -> None:
    with httpx.Client(verify=client_context(None), timeout=20) as client:
        answer = ask(client, app)
        assert (answer.status_code, answer.json()) == (200, {"notes": [], "next": None})
    with pytest.raises(httpx.TransportError):
        app.client.get("/notes", headers=HEADERS)
    assert app.health.get("/readyz").status_code == 200


def test_a_new_certificate_is_served_and_connections_go_on(app: App, secret: Secret) -> None:
    with httpx.Client(verify=client_context(None), timeout=20) as client:
        assert ask(client, app).status_code == 200
        for _ in range(2):
            before = shown(app)
            rotate(secret)
            until(lambda before=before: shown(app) != before, "the new one is served")
            assert ask(client, app).status_code == 200
    assert app.container.running()


def test_the_last_good_one_is_served_while_the_new_one_is_broken(app: App, secret: Secret) -> None:
    before = shown(app)
    broken = shown_by("app", CELL)
    secret.put(broken.chain, shown_by("app", CELL).key)
    until(lambda: "the last good certificate is served" in app.container.logs(), "it is told")
    assert shown(app) == before
    rotate(secret)
    until(lambda: shown(app) != before, "the new one is served")


def test_without_a_certificate_it_does_not_start(environment: Environment, tmp_path: Path) -> None:
    options = ("--env=CERTIFICATE_DIRECTORY=/c", f"--volume={tmp_path}:/c:ro")
    with container(APP_IMAGE, *environment("app"), *options) as running:
        assert running.exit_code() == 1
        assert "CERTIFICATE_DIRECTORY: /c: " in running.logs()
        assert "Traceback" not in running.logs()


def memory(app: App) -> int:
    """Return the bytes that the app's process holds."""
    read = ("python3", "-c", "print(open('/proc/1/status').read())")
    (found,) = re.findall(r"RssAnon:\s+(\d+) kB", docker("exec", app.container.name, *read))
    return int(found) << 10


RESETS = """
import json, socket, ssl, struct, sys
context = ssl._create_unverified_context()
head = "".join(f"{name}: {value}\\r\\n" for name, value in json.loads(sys.argv[2]).items())
for _ in range(int(sys.argv[1])):
    plain = socket.create_connection(("127.0.0.1", 8080), timeout=20)
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with context.wrap_socket(plain) as secure:
        secure.sendall(f"GET /notes HTTP/1.1\\r\\nHost: a\\r\\n{head}\\r\\n".encode())
        assert secure.recv(9999).startswith(b"HTTP/1.1 200")
"""


def test_connections_that_end_with_a_reset_leave_nothing(app: App) -> None:
    """As a router ends those that it does not use: else clients could fill the app's memory."""

    def ask_and_reset(times: int) -> None:
        inside = ("python3", "-c", RESETS, str(times), json.dumps(HEADERS))
        docker("exec", app.container.name, *inside)

    ask_and_reset(50)
    before = memory(app)
    ask_and_reset(400)
    assert memory(app) - before < 10 << 20


def test_open_connections_cost_little(app: App) -> None:
    """As many as routers may have at a time fit into the app's memory."""
    address = ("127.0.0.1", app.container.port(8080))
    before = memory(app)
    context = client_context(None)
    with ExitStack() as stack:
        for _ in range(400):
            plain = stack.enter_context(socket.create_connection(address, timeout=20))
            secure = context.wrap_socket(plain, server_hostname=name_of("app", CELL))
            stack.enter_context(secure)
    assert memory(app) - before < 60 << 20
