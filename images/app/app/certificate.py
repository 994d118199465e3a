"""The app's certificate: renewed in its folder every few hours, and taken while requests go on.

The folder is one as kubelet mounts a Secret of type kubernetes.io/tls: a link to what it holds now.
Connections go on with what they began with. Refuses to give up a good certificate for one that
can't be loaded.
"""

import asyncio
import logging
import os
import ssl
from pathlib import Path

_PERIOD_S = 5.0

_log = logging.getLogger(__name__)


class CertificateError(Exception):
    """There is no certificate that can be used; the text says why."""


class Certificate:
    """What a TLS server is started with: `context`. Raises CertificateError."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)
        self._taken: Path | None = None
        self.context = _context()
        self._take(self._now())

    async def follow(self) -> None:
        """Take what is new, for ever."""
        failed = ""
        while True:
            await asyncio.sleep(_PERIOD_S)
            try:
                if (now := self._now()) != self._taken:
                    self._take(now)
                    _log.info("a new certificate is served")
                failed = ""
            except CertificateError as error:
                if str(error) != failed:
                    _log.error("the last good certificate is served: %s", error)
                failed = str(error)

    def _now(self) -> Path:
        """Return where the files are now: key and certificate must be of one moment."""
        link = self._folder / "..data"
        try:
            return Path(os.path.realpath(link)) if link.exists() else self._folder
        except OSError as error:
            raise CertificateError(f"{self._folder}: {error.strerror}") from None

    def _take(self, now: Path) -> None:
        certificate, key = now / "tls.crt", now / "tls.key"
        try:
            _context().load_cert_chain(certificate, key)
            self.context.load_cert_chain(certificate, key)
        except (OSError, ssl.SSLError) as error:
            raise CertificateError(f"{self._folder}: {error}") from None
        self._taken = now


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3  # routers are the only clients
    return context
