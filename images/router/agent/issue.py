"""The pod's own certificate: issued by itself from its cell's authority, for hours, over and over.

`openssl` makes key and certificate; the authority's key is in files that this container alone has.
What is issued is good for one name, and has no subject, which the authority may not sign. Clocks
may differ: a certificate is valid from an hour before it was issued, and another one is issued when
the clock was set. Refuses to put it anywhere.
"""

import random
import ssl
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

from agent.certificate import RefusedError, now_in
from agent.log import log

AUTHORITY = Path("/var/run/secrets/cellwright-authority")
"""Where kubelet mounts certificate and key of the authority."""

LIFETIME = 24 * 3600
"""Seconds for which a certificate is valid; another one is issued after a third of them."""

SKEW = 3600
"""Seconds by which another machine's clock may be behind."""

_SET = 60.0
"""Seconds by which the clock may have been set before a new certificate is issued."""

_RETRY = 10.0
"""Seconds after which what has failed is tried again."""

_BEGIN = 1735689600
"""The beginning of 2025, before which the fleet's authorities are not valid."""

_USES = {"router": "serverAuth,clientAuth", "app": "serverAuth"}
_REQUEST = """
[req]
distinguished_name = nothing
x509_extensions = leaf
[nothing]
[leaf]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = {uses}
subjectAltName = critical, DNS:{part}.{cell}.cellwright.internal
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""


class Issued(NamedTuple):
    """A private key, the certificate with that of its issuer behind it, and when it expires."""

    key: str
    chain: str
    not_after: float

    @property
    def text(self) -> str:
        """Both in one, as HAProxy reads them."""
        return self.key + self.chain

    @property
    def encoded(self) -> bytes:
        """The certificate itself in DER."""
        return ssl.PEM_cert_to_DER_cert(self.chain.partition(_END)[0] + _END)


_END = "-----END CERTIFICATE-----"


class Issuer:
    """Has a certificate for a `part` of a cell, `router` or `app`, that is not old."""

    def __init__(self, authority: Path, part: str, cell: str, lifetime: int) -> None:
        self._authority, self._part, self._cell = authority, part, cell
        self._lifetime = lifetime
        self._issued: Issued | None = None
        self._failed = ""
        self._again = 0.0
        self._at = (0.0, 0.0)

    def current(self) -> Issued:
        """Return the certificate to use, a new one when it is time. Raises RefusedError."""
        steady, clock = time.monotonic(), time.time()
        moved = (clock - self._at[1]) - (steady - self._at[0])
        is_set = self._issued is not None and abs(moved) > _SET
        if steady >= self._again or is_set:
            if is_set:
                log("the clock was set; a new certificate is issued", seconds=round(moved))
            self._at = steady, clock
            self._issue(steady, clock)
        if self._failed:
            raise RefusedError(self._failed)
        assert self._issued is not None  # noqa: S101 - else it has failed
        return self._issued

    def _issue(self, steady: float, clock: float) -> None:
        try:
            self._issued = issue(self._authority, self._part, self._cell, clock, self._lifetime)
            self._failed = ""
            share = random.uniform(0.8, 1.2) / 3  # noqa: S311 - so that not all pods do it at once
            self._again = steady + self._lifetime * share
        except RefusedError as error:
            self._failed = str(error)
            self._again = steady + _RETRY


def issue(authority: Path, part: str, cell: str, clock: float, lifetime: int) -> Issued:
    """Return a new certificate for `<part>.<cell>.cellwright.internal`. Raises RefusedError.

    Its key is of the curve P-256, which every program knows.
    """
    if clock < _BEGIN:
        raise RefusedError(f"the clock is off: it says {time.strftime('%F', time.gmtime(clock))}")
    folder = now_in(authority)
    not_after = int(clock) + lifetime
    command = ["openssl", "req", "-x509", "-config", "/dev/stdin", "-subj", "/"]
    command += ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-keyout", "-"]
    command += ["-CA", str(folder / "ca.crt"), "-CAkey", str(folder / "ca.key")]
    command += ["-not_before", _time(clock - SKEW), "-not_after", _time(not_after)]
    request = _REQUEST.format(part=part, cell=cell, uses=_USES[part])
    try:
        above = (folder / "ca.crt").read_text().strip()
        done = subprocess.run(  # noqa: S603 - what a cell is called has been checked
            command, input=request, capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RefusedError(f"no certificate was issued: {error}") from error
    key, end, certificate = done.stdout.strip().partition("-----END PRIVATE KEY-----\n")
    if done.returncode != 0 or not end or not certificate.endswith(_END):
        reason = " ".join(done.stderr.split())[-300:]
        raise RefusedError(f"no certificate was issued: openssl: {reason}")
    return Issued(key + end, f"{certificate}\n{above}\n", not_after)


def _time(clock: float) -> str:
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(clock))
