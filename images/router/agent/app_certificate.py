"""`python3 -m agent.app_certificate`: the certificate of a cell's app, in a container beside it.

It is issued from the cell's own authority for apps and put into a folder that looks as one where
kubelet mounts a Secret of type kubernetes.io/tls: the app reads `tls.crt` and `tls.key`, and takes
new ones when they change. Now and then the app's port is asked which one it serves. Refuses to
serve requests and to restart the app.
"""

import os
import shutil
import socket
import ssl
import sys
import threading
import time
from itertools import count
from pathlib import Path

from agent.certificate import Certified, RefusedError, certificate_metrics
from agent.directory import Endpoint
from agent.issue import AUTHORITY, Issued, Issuer
from agent.log import log
from agent.server import Server
from agent.settings import SettingsError, read_cell, read_lifetime, read_port
from agent.threads import prepare, start

FOLDER = Path("/run/certificate")
"""Where the app finds its certificate."""

TURN = 1.0
"""Seconds between looks at the time."""

LOOK = 8.0
"""Seconds between looks at what the app serves."""

STUCK = 120.0
"""Seconds without a turn after which the process is to be restarted."""

_REMEMBERED = 8


class AppCertificate:
    """Keeps a certificate in `folder`; `app` is where it is served."""

    def __init__(self, issuer: Issuer, folder: Path, app: Endpoint) -> None:
        self._issuer, self._folder, self._app = issuer, folder, app
        self._newest: Issued | None = None
        self._ends: dict[bytes, float] = {}
        self._numbers = count(1)
        self._turned = time.monotonic()
        self._looks = 0.0
        self.status = Certified(kept=(folder / "tls.crt").exists())

    @property
    def alive(self) -> bool:
        """Whether its work goes on."""
        return time.monotonic() - self._turned < STUCK

    @property
    def can_start(self) -> bool:
        """Whether the app can start."""
        return self.status.kept

    def metrics(self) -> str:
        """Return the answer of `/metrics`."""
        return "\n".join(certificate_metrics({"app": self.status})) + "\n"

    def run(self, stopping: threading.Event) -> None:
        """Turn until told to stop."""
        while not stopping.wait(TURN):
            self.turn()

    def turn(self) -> None:
        """Take a new certificate when it is time, and look at the app now and then."""
        self._turned = time.monotonic()
        try:
            self._take(self._issuer.current())
            self.status.refused = ""
        except (RefusedError, OSError) as error:
            if str(error) != self.status.refused:
                self.status.refusals += 1
                log("no new certificate; the last one is kept", reason=str(error))
            self.status.refused = str(error)
        if self._turned >= self._looks:
            self._looks = self._turned + LOOK
            self._look()

    def _take(self, found: Issued) -> None:
        if found is self._newest:
            return
        put(self._folder, f"..{time.time_ns()}-{next(self._numbers)}", found)
        self._newest = found
        self._ends[found.encoded] = found.not_after
        for one in list(self._ends)[:-_REMEMBERED]:
            del self._ends[one]
        self.status.kept = True
        self.status.updates += 1
        self._looks = self._turned + LOOK  # the app takes it up meanwhile
        log("a certificate for the app", not_after=_date(found.not_after))

    def _look(self) -> None:
        try:
            shown = served_by(self._app)
        except OSError:
            self.status.served = False  # it is not there yet, or speaks no TLS
            return
        newest = self._newest
        served = newest is not None and shown == newest.encoded
        if served != self.status.served:
            log(f"the app serves {'its' if served else 'another'} certificate")
        self.status.served = served
        if shown in self._ends:
            self.status.not_after = _date(self._ends[shown])


def put(folder: Path, version: str, found: Issued) -> None:
    """Change a folder as kubelet does: a new folder with all files, then one link."""
    for left in folder.glob("..[0-9]*"):
        if left.name != os.path.basename(os.path.realpath(folder / "..data")):  # noqa: PTH119
            shutil.rmtree(left)
    made = folder / version
    made.mkdir(mode=0o750)
    for name, text in (("tls.crt", found.chain), ("tls.key", found.key)):
        with os.fdopen(os.open(made / name, os.O_WRONLY | os.O_CREAT, 0o440), "w") as opened:
            opened.write(text)
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(Path("..data") / name)
    coming = folder / "..coming"
    coming.unlink(missing_ok=True)
    coming.symlink_to(version)
    coming.rename(folder / "..data")


def served_by(app: Endpoint) -> bytes:
    """Return the certificate that is shown there, in DER. Raises OSError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # which one it is, is what is asked
    with (
        socket.create_connection(app[:2], timeout=5) as plain,
        context.wrap_socket(plain) as secure,
    ):
        return secure.getpeercert(binary_form=True) or b""


def _date(clock: float) -> str:
    return time.strftime("%b %d %H:%M:%S %Y GMT", time.gmtime(clock))


def main() -> int:
    """Run until a signal asks to stop."""
    environment = os.environ
    try:
        issuer = Issuer(AUTHORITY, "app", read_cell(environment), read_lifetime(environment))
        app = Endpoint(
            environment.get("APP_HOST", "localhost"), read_port(environment, "APP_PORT", "8080")
        )
        port = read_port(environment, "AGENT_PORT", "8082")
    except SettingsError as error:
        log("the certificate can't be issued", error=str(error))
        return 2
    stopping = prepare()
    certificate = AppCertificate(issuer, FOLDER, app)
    server = Server(environment.get("ROUTER_ADDRESS", ""), port, certificate, {})
    start("server", server.run)
    certificate.turn()
    certificate.run(stopping)
    return 0


if __name__ == "__main__":
    sys.exit(main())
