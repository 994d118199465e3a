"""Certificates: from a Secret's folder, or from who issues them, into HAProxy, also while it runs.

kubelet mounts a Secret and swaps its content at once when it changes. What passes HAProxy's own
check becomes the *kept* file, which HAProxy loads when it starts and is given when it runs;
connections go on with what they began with. Refuses to put anything in the place of a kept file
that HAProxy would not load: with a broken Secret all goes on, also over restarts.
"""

import os
import re
import ssl
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from agent.haproxy import AwayError, RuntimeApiError, Session, session
from agent.log import log
from agent.metrics import metric

TURN = 1.0
"""Seconds between looks at the folder; kubelet itself takes up to a minute or two."""

LIMIT = 15_000
"""Bytes of key and chain together; HAProxy takes what it is given at once in a buffer of 16 kB."""

_BASE64 = r"\s+([A-Za-z0-9+/=\s]+?)\s*"
_CERTIFICATE = re.compile(f"-----BEGIN (CERTIFICATE)-----{_BASE64}-----END CERTIFICATE-----")
_KEY = re.compile(rf"-----BEGIN ((?:RSA |EC )?PRIVATE KEY)-----{_BASE64}-----END \1-----")
_CHECK = """
global
    maxconn 10
defaults
    mode http
    timeout client 1s
frontend check
    bind 127.0.0.1:1 ssl crt {file}
"""


class RefusedError(Exception):
    """There is no new certificate that can be used; the message says why."""


@dataclass(slots=True)
class Certified:
    """What is told about the certificate; `refused` is why the newest is not in use."""

    kept: bool = False
    served: bool = False
    fingerprint: str = ""
    not_after: str = ""
    refused: str = ""
    updates: int = 0
    refusals: int = 0

    def told(self) -> dict[str, object]:
        """Return the part of `/table`."""
        return {
            "served": self.served,
            "sha1": self.fingerprint,
            "not_after": self.not_after,
            "refused": self.refused,
        }

    @property
    def expires(self) -> int | str:
        """Unix time, as metrics say it."""
        return ssl.cert_time_to_seconds(self.not_after) if self.not_after else "NaN"


def certificate_metrics(certificates: Mapping[str, Certified]) -> list[str]:
    """Return lines for `/metrics`; certificates are keyed by what they are for."""
    return [
        line
        for name, kind, text, value in (
            ("served", "gauge", "the last good certificate is in use", lambda one: int(one.served)),
            ("refused", "gauge", "the newest is not in use", lambda one: int(bool(one.refused))),
            (
                "not_after_seconds",
                "gauge",
                "when the one in use expires, Unix time",
                lambda one: one.expires,
            ),
            ("updates_total", "counter", "certificates brought into use", lambda one: one.updates),
            ("refusals_total", "counter", "certificates refused", lambda one: one.refusals),
        )
        for line in metric(
            f"certificate_{name}",
            kind,
            text,
            {f'{{purpose="{purpose}"}}': value(one) for purpose, one in certificates.items()},
        )
    ]


class Certificate:
    """Brings what `newest` gives to `file`, and `file` to the HAProxy behind `socket`.

    `newest` returns a key and a chain in PEM without empty lines, or raises RefusedError.
    """

    def __init__(self, newest: Callable[[], str], file: Path, socket: Path) -> None:
        self._newest, self._file, self._socket = newest, file, socket
        self._kept = file.read_text() if file.exists() else ""
        self._bad = ""
        self._served: tuple[str, str] | None = None
        self._failed = ""
        self.status = Certified(kept=bool(self._kept))

    def run(self) -> None:
        """Never returns."""
        turn = threading.Event()
        while True:
            self.turn()
            turn.wait(TURN)

    def turn(self) -> None:
        """Take what is new, and see to it that HAProxy serves what is kept."""
        try:
            self._take()
        except RefusedError as error:
            if str(error) != self.status.refused:
                self.status.refusals += 1
                log("certificate refused; the last good one is kept", reason=str(error))
            self.status.refused = str(error)
        if self._kept:
            self._serve()

    def _take(self) -> None:
        found = self._newest()
        if found == self._bad:
            return
        self._bad = ""
        if found != self._kept:
            coming = self._file.with_suffix(".coming")
            try:
                _write(coming, found)
                check(coming)
            except (OSError, subprocess.TimeoutExpired) as error:
                raise RefusedError(str(error)) from error
            except RefusedError:
                self._bad = found
                raise
            coming.rename(self._file)
            self._kept = found
            self.status.kept = True
        self.status.refused = ""

    def _serve(self) -> None:
        try:
            with session(self._socket) as opened:
                if self._served != (self._kept, _shown(opened, self._file)):
                    _replace(opened, self._file, self._kept)
                    shown = _shown(opened, self._file)
                    self._served = self._kept, shown
                    self._tell(shown)
        except AwayError:
            self.status.served = False  # it loads the kept file when it starts
        except RuntimeApiError as error:
            if str(error) != self._failed:
                log("HAProxy did not take a certificate", error=str(error))
            self.status.served, self._failed = False, str(error)
        else:
            self.status.served, self._failed = True, ""

    def _tell(self, shown: str) -> None:
        fields = dict(line.split(": ", 1) for line in shown.splitlines() if ": " in line)
        self.status.fingerprint = fields["SHA1 FingerPrint"].lower()
        self.status.not_after = fields["notAfter"]
        self.status.updates += 1
        log(
            "HAProxy serves a certificate",
            sha1=self.status.fingerprint,
            names=fields.get("Subject Alternative Name", ""),
            not_after=self.status.not_after,
        )


def read_pair(folder: Path) -> str:
    """Return the key and the chain as HAProxy reads them in one file, without empty lines.

    Both are of one moment. Raises RefusedError.
    """
    now = now_in(folder)
    try:
        key, chain = (now / "tls.key").read_text("latin-1"), (now / "tls.crt").read_text("latin-1")
    except OSError as error:
        raise RefusedError(f"{Path(error.filename).name}: {error.strerror}") from error
    blocks = _KEY.findall(key)[:1]
    if not blocks:
        raise RefusedError("tls.key: no private key, or one that asks for a password")
    certificates = _CERTIFICATE.findall(chain)
    if not certificates:
        raise RefusedError("tls.crt: no certificate")
    text = "".join(
        "\n".join((f"-----BEGIN {label}-----", *body.split(), f"-----END {label}-----\n"))
        for label, body in blocks + certificates
    )
    if len(text) > LIMIT:
        raise RefusedError(f"{len(text)} bytes of key and chain, more than {LIMIT}")
    return text


def now_in(folder: Path) -> Path:
    """Return where the files of a folder are now: kubelet's link `..data` is followed once."""
    return Path(os.path.realpath(folder / "..data")) if (folder / "..data").exists() else folder


def check(file: Path) -> None:
    """Have HAProxy judge a file that it does not use yet; raises RefusedError with its words."""
    done = subprocess.run(
        ["haproxy", "-c", "-f", "/dev/stdin"],  # noqa: S607
        input=_CHECK.format(file=file),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode != 0:
        found = re.search(r"section 'frontend' : (.*)", done.stderr)
        raise RefusedError(found[1].replace(str(file), file.name) if found else done.stderr.strip())


def _write(file: Path, text: str) -> None:
    file.unlink(missing_ok=True)  # of an agent that was killed
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        opened.write(text)


def _shown(opened: Session, file: Path) -> str:
    return opened.ask(f"show ssl cert {file}")[0]


def _replace(opened: Session, file: Path, text: str) -> None:
    said = opened.ask(f"set ssl cert {file} <<\n{text}")[0]
    if "Transaction created" in said or "Transaction updated" in said:
        said = opened.ask(f"commit ssl cert {file}")[0]
        if "Success!" in said:
            return
        opened.ask(f"abort ssl cert {file}")
    raise RuntimeApiError(f"set ssl cert: {said.replace('+', '').strip()}")
