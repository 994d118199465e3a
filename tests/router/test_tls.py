"""TLS at the router: what is spoken, and how certificates come and go while it serves."""

import http.client
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from tests.postgres.containers import until
from tests.router.conftest import Fleet
from tests.router.pods import Pod
from tests.router.secret import Secret

pytestmark = pytest.mark.docker


@contextmanager
def _connected(fleet: Fleet, *protocols: str) -> Iterator[http.client.HTTPSConnection]:
    context = fleet.secret.context(*protocols)
    connection = http.client.HTTPSConnection(fleet.alpha.address, 8443, timeout=20, context=context)
    with closing(connection):
        connection.connect()
        yield connection


def _socket(connection: http.client.HTTPSConnection) -> ssl.SSLSocket:
    assert isinstance(connection.sock, ssl.SSLSocket)
    return connection.sock


def _serial(fleet: Fleet) -> int:
    """Return the serial number that a new connection is shown."""
    with _connected(fleet) as connection:
        found = _socket(connection).getpeercert()
        assert found
        return int(str(found["serialNumber"]), 16)


def _told(fleet: Fleet) -> dict[str, str]:
    found: dict[str, str] = fleet.alpha.table()["certificates"]["clients"]
    return found


def _wait(fleet: Fleet, serial: int) -> None:
    until(lambda: _serial(fleet) == serial, "new connections are shown the new certificate")


def _client(fleet: Fleet, **options: bool) -> httpx.Client:
    base = f"https://{fleet.alpha.address}:8443"
    return httpx.Client(base_url=base, verify=fleet.secret.context(), timeout=20, **options)


@pytest.mark.parametrize(
    ("offered", "chosen"), [(("h2", "http/1.1"), "h2"), (("http/1.1",), "http/1.1"), ((), None)]
)
def test_handshake(fleet: Fleet, offered: tuple[str, ...], chosen: str | None) -> None:
    with _connected(fleet, *offered) as connection:
        assert _socket(connection).version() == "TLSv1.3"
        assert _socket(connection).selected_alpn_protocol() == chosen


@pytest.mark.parametrize(
    ("version", "ciphers", "welcome"),
    [
        (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES128-GCM-SHA256", True),
        (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES128-SHA256", False),
        (ssl.TLSVersion.TLSv1_2, "ALL:!AESGCM:!CHACHA20", False),
        (ssl.TLSVersion.TLSv1_1, "ALL", False),
        (ssl.TLSVersion.TLSv1, "ALL", False),
    ],
)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")
def test_old_versions_and_ciphers_are_refused(
    fleet: Fleet, version: ssl.TLSVersion, ciphers: str, welcome: bool
) -> None:
    context = fleet.secret.context()
    context.set_ciphers(f"{ciphers}:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    connection = http.client.HTTPSConnection(fleet.alpha.address, 8443, timeout=20, context=context)
    with closing(connection):
        if welcome:
            connection.connect()
            return
        with pytest.raises(ssl.SSLError, match="ALERT"):
            connection.connect()


@pytest.mark.parametrize("http2", [False, True])
@pytest.mark.parametrize(("path", "app"), [("/o/acme/x", "alpha-app"), ("/o/umb/x", "beta-app")])
def test_the_app_is_told_the_scheme(fleet: Fleet, path: str, app: str, *, http2: bool) -> None:
    """What the client says of it is taken off; a second router leaves it as it is."""
    forged = {"X-Forwarded-Proto": "gopher"}
    plain = fleet.alpha.get(path, forged).json()
    with _client(fleet, http1=not http2, http2=http2) as client:
        answer = client.get(path, headers=forged)
        assert answer.http_version == ("HTTP/2" if http2 else "HTTP/1.1")
    for told, scheme in ((plain, "http"), (answer.json(), "https")):
        assert told["app"] == app
        found = [value for name, value in told["headers"] if name == "x-forwarded-proto"]
        assert found == [scheme]


def _all_more(answers: list[int], before: list[int]) -> bool:
    return all(now > then for now, then in zip(answers, before, strict=True))


def test_a_rotation_drops_nothing(fleet: Fleet) -> None:
    """Under load, with a connection from before, and several times."""
    wrong: list[str] = []
    done = threading.Event()
    answers = [0, 0, 0]

    def ask(number: int) -> None:
        """Two keep their connection, one makes a new one for each request."""
        client = _client(fleet, http1=number != 1, http2=number == 1)
        while not done.is_set():
            if number == 2:
                client.close()
                client = _client(fleet)
            try:
                answer = client.get("/o/acme/load")
            except httpx.HTTPError as error:
                wrong.append(repr(error))
            else:
                answers[number] += 1
                if answer.status_code != 200:
                    wrong.append(answer.text)
        client.close()

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(3)]
    before = fleet.alpha.process()
    with _connected(fleet) as old:
        for thread in threads:
            thread.start()
        try:
            for _ in range(3):
                _wait(fleet, fleet.secret.rotate())
                reached = list(answers)
                until(
                    lambda reached=reached: _all_more(answers, reached),
                    "answers on every connection",
                )
        finally:
            done.set()
            for thread in threads:
                thread.join()
        old.request("GET", "/o/acme/")
        assert old.getresponse().status == 200
    assert wrong == []
    assert fleet.alpha.process() == before


def test_a_broken_certificate_is_refused(fleet: Fleet) -> None:
    serial = fleet.secret.rotate()
    _wait(fleet, serial)
    certificate, _, _ = fleet.secret.issue()
    _, key, _ = fleet.secret.issue()
    damaged = certificate.splitlines(keepends=True)
    del damaged[3:5]
    for broken, reason in (
        (certificate, "inconsistencies between private key and certificate"),
        ("".join(damaged), "unable to load certificate"),
        (None, "tls.crt: No such file"),
    ):
        fleet.secret.put(broken, key)
        until(lambda reason=reason: reason in _told(fleet)["refused"], f"refused: {reason}")
        assert _serial(fleet) == serial
    _wait(fleet, fleet.secret.rotate())
    until(lambda: not _told(fleet)["refused"], "nothing is refused any more")


def test_restarts_keep_the_last_good_certificate(fleet: Fleet) -> None:
    """HAProxy's, with a broken Secret; the agent's, with a Secret that changed meanwhile."""
    serial = fleet.secret.rotate()
    _wait(fleet, serial)
    certificate, _, _ = fleet.secret.issue()
    fleet.secret.put(certificate, "no key")
    until(lambda: _told(fleet)["refused"] != "", "refused")
    fleet.alpha.remove(fleet.alpha.haproxy)
    fleet.alpha.start_haproxy()
    assert _serial(fleet) == serial
    fleet.alpha.remove(fleet.alpha.agent)
    newer = fleet.secret.rotate()
    assert _serial(fleet) == serial
    fleet.alpha.start_agent()
    _wait(fleet, newer)
    fleet.alpha.wait(fleet.directory.mark())


def test_haproxy_with_an_older_certificate_is_mended(fleet: Fleet) -> None:
    """As when HAProxy had read its file just before the agent wrote the next one."""
    kept = fleet.alpha.folder / "certificate" / "router.pem"
    older = kept.read_bytes()
    newer = fleet.secret.rotate()
    _wait(fleet, newer)
    fleet.alpha.remove(fleet.alpha.haproxy)
    written = kept.read_bytes()
    kept.write_bytes(older)
    fleet.alpha.start_haproxy()
    kept.write_bytes(written)
    _wait(fleet, newer)
    fleet.alpha.wait(fleet.directory.mark())


def test_a_new_pod_waits_for_a_good_certificate(fleet: Fleet, tmp_path: Path) -> None:
    folder = tmp_path / "secret"
    folder.mkdir()
    secret = Secret(folder, fleet.beta.address)
    certificate, key, _ = secret.issue()
    secret.put(certificate, "no key")
    pod = Pod(
        "beta",
        fleet.beta.address,
        tmp_path,
        fleet.api.address,
        fleet.beta.options,
        secret=secret.folder,
    )
    # Its agent takes the place of beta's own, which has the same address.
    fleet.beta.remove(fleet.beta.agent)
    try:
        pod.launch_agent()
        until(lambda: "on disk" in pod.logs(pod.agent), "the table is on disk")
        assert "private key" in pod.table()["certificates"]["clients"]["refused"]
        assert not pod.ready()
        secret.put(certificate, key)
        until(pod.ready, "ready")
    finally:
        pod.remove(pod.agent)
        fleet.beta.start_agent()


def test_the_certificate_is_told(fleet: Fleet) -> None:
    _wait(fleet, fleet.secret.rotate())
    until(lambda: _told(fleet)["not_after"] != "", "the agent tells")
    text = httpx.get(f"http://{fleet.alpha.address}:8405/metrics").text
    found = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    with _connected(fleet) as connection:
        shown = _socket(connection).getpeercert()
        assert shown
        assert _told(fleet)["not_after"] == shown["notAfter"]
        end = ssl.cert_time_to_seconds(str(shown["notAfter"]))
    assert float(found['cellwright_certificate_not_after_seconds{purpose="clients"}']) == end
    assert found['cellwright_certificate_served{purpose="clients"}'] == "1"
    assert found['cellwright_certificate_refused{purpose="clients"}'] == "0"
    assert 'purpose="clients"' not in httpx.get(f"http://{fleet.beta.address}:8405/metrics").text
    assert fleet.beta.table()["certificates"].keys() == {"routers"}
