"""The certificate of a cell's app: what stands in its folder, renewed, and which one it serves."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from cellwright.authority import pem
from tests.postgres.containers import container, docker, until
from tests.router.authorities import ROOT, give, name_of, server_context, shown_by
from tests.router.pods import IMAGE
from tests.router.upstream import Upstream

pytestmark = pytest.mark.docker

LIFETIME = 60
"""Seconds; a new one is issued every twenty."""
USER = "--user=10001:10001"
"""As whom the app's pod runs both of its containers."""


@dataclass(frozen=True, slots=True)
class Beside:
    """The container beside an app, its folder and its authority, and where the app is."""

    name: str
    address: str
    folder: Path
    authority: Path

    def ready(self) -> bool:
        try:
            return httpx.get(f"http://{self.address}:8082/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def metrics(self) -> dict[str, str]:
        text = httpx.get(f"http://{self.address}:8082/metrics").text
        lines = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
        return {name.partition("{")[0].removeprefix("cellwright_"): value for name, value in lines}

    def now(self, file: str) -> str:
        return (self.folder / file).read_text()


@pytest.fixture
def beside(tmp_path: Path, new_address: Callable[[], str]) -> Iterator[Beside]:
    folder, authority = tmp_path / "certificate", tmp_path / "authority"
    folder.mkdir()
    folder.chmod(0o777)  # as kubelet makes an emptyDir
    give(authority, "app", "alpha")
    address = new_address()
    variables = {
        "CELL": "alpha",
        "CERTIFICATE_LIFETIME": str(LIFETIME),
        "ROUTER_ADDRESS": address,
        "APP_HOST": address,
    }
    options = (
        *(f"--env={name}={value}" for name, value in variables.items()),
        *("--network=host", USER),
        f"--volume={folder}:/run/certificate",
        f"--volume={authority}:/var/run/secrets/cellwright-authority:ro",
    )
    command = ("python3", "-m", "agent.app_certificate")
    with container(IMAGE, *options, command=command) as running:
        found = Beside(running.name, address, folder, authority)
        until(found.ready, "a certificate is there")
        # What root has not made can be read by root alone, as the test is.
        yield found
        docker("exec", running.name, "python3", "-c", _EMPTY)


_EMPTY = """
import pathlib, shutil
for one in pathlib.Path("/run/certificate").iterdir():
    one.unlink() if one.is_symlink() else shutil.rmtree(one)
"""


def _context(beside: Beside) -> ssl.SSLContext:
    """Return what an app answers with that has just read its folder."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(beside.folder / "tls.crt", beside.folder / "tls.key")
    return context


def test_the_folder_holds_what_routers_believe(beside: Beside) -> None:
    with Upstream(beside.address, 8080, "app", _context(beside)):
        trust = ssl.create_default_context(cadata=pem(ROOT, "fleet/ca.crt"))
        for name, believed in ((name_of("app", "alpha"), True), (name_of("app", "beta"), False)):
            with httpx.Client(verify=trust) as client, ExitStack() as stack:
                if not believed:
                    stack.enter_context(pytest.raises(httpx.ConnectError, match="mismatch"))
                url, named = f"https://{beside.address}:8080/", {"sni_hostname": name}
                assert client.get(url, extensions=named).json()["app"] == "app"
    data = beside.folder / "..data"
    assert {one.name for one in data.iterdir()} == {"tls.crt", "tls.key"}
    assert {oct(one.stat().st_mode & 0o777) for one in data.iterdir()} == {"0o440"}


def test_it_is_renewed_and_which_one_is_served_is_told(beside: Beside) -> None:
    first = beside.now("tls.crt")
    assert beside.metrics()["certificate_served"] == "0"  # nobody is there
    with Upstream(beside.address, 8080, "app", _context(beside)) as app:
        until(lambda: beside.metrics()["certificate_served"] == "1", "the app serves it")
        told = float(beside.metrics()["certificate_not_after_seconds"])
        until(lambda: beside.now("tls.crt") != first, "another one is there")
        until(lambda: beside.metrics()["certificate_served"] == "0", "the app serves the old one")
        assert float(beside.metrics()["certificate_not_after_seconds"]) == told
        app.context = _context(beside)
        until(lambda: beside.metrics()["certificate_served"] == "1", "the app serves the new one")
        assert float(beside.metrics()["certificate_not_after_seconds"]) > told
        app.context = server_context("app", "alpha")
        until(lambda: beside.metrics()["certificate_served"] == "0", "one from elsewhere")
    assert len([one for one in beside.folder.glob("..[0-9]*")]) <= 2  # noqa: C416


def test_what_can_not_be_issued_is_told_and_the_last_one_kept(beside: Beside) -> None:
    (beside.authority / "ca.key").write_text(shown_by("app", "beta").key)
    until(lambda: beside.metrics()["certificate_refused"] == "1", "it is told")
    kept = beside.now("tls.key")
    assert beside.ready()
    give(beside.authority, "app", "alpha")
    until(lambda: beside.metrics()["certificate_refused"] == "0", "it is issued again")
    assert beside.now("tls.key") != kept


def test_it_goes_on_after_a_restart(beside: Beside) -> None:
    before = beside.now("tls.crt")
    docker("restart", "--time=5", beside.name)
    until(beside.ready, "it is back")
    until(lambda: beside.now("tls.crt") != before, "another one is there")
    _context(beside)
