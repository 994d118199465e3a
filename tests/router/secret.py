"""A Secret of type kubernetes.io/tls as kubelet mounts it, and an authority that issues for it."""

import datetime as dt
import ipaddress
import ssl
from itertools import count
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

Key = ec.EllipticCurvePrivateKey


def pem(key: Key) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


class Secret:
    """Certificates for one address; what is issued is put into the folder unless told not to."""

    def __init__(self, folder: Path, address: str) -> None:
        self.folder, self.address = folder, address
        self._numbers = count(1)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._authority = self._signed("authority", self._key.public_key(), authority=True)
        folder.chmod(0o755)
        self.rotate()

    def context(self, *protocols: str) -> ssl.SSLContext:
        """Return what a client needs that trusts the authority and no other."""
        authority = self._authority.public_bytes(serialization.Encoding.PEM).decode()
        context = ssl.create_default_context(cadata=authority)
        if protocols:
            context.set_alpn_protocols(protocols)
        return context

    def issue(self) -> tuple[str, str, int]:
        """Return a new certificate with its chain, its key, and its serial number."""
        key = ec.generate_private_key(ec.SECP256R1())
        found = self._signed("router", key.public_key(), authority=False)
        chain = [one.public_bytes(serialization.Encoding.PEM) for one in (found, self._authority)]
        return b"".join(chain).decode(), pem(key), found.serial_number

    def rotate(self) -> int:
        """Issue, put it into the folder, and return the serial number."""
        certificate, key, serial = self.issue()
        self.put(certificate, key)
        return serial

    def put(self, certificate: str | None, key: str | None) -> None:
        """Change the folder as kubelet does: a new folder with all files, then one link."""
        version = self.folder / f"..{next(self._numbers)}"
        version.mkdir(mode=0o755)
        for name, text in (("tls.crt", certificate), ("tls.key", key)):
            if text is not None:
                (version / name).write_text(text)
                (version / name).chmod(0o644)
            link = self.folder / name
            if not link.is_symlink():
                link.symlink_to(Path("..data") / name)
        (self.folder / "..coming").symlink_to(version.name)
        (self.folder / "..coming").rename(self.folder / "..data")

    def _signed(
        self, name: str, key: ec.EllipticCurvePublicKey, *, authority: bool
    ) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        called = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "authority")])
        address = x509.IPAddress(ipaddress.ip_address(self.address))
        own = self._key.public_key()
        usage = x509.KeyUsage(True, False, False, False, False, authority, False, False, False)  # noqa: FBT003
        return (
            x509.CertificateBuilder()
            .subject_name(called)
            .issuer_name(issuer)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(hours=1))
            .not_valid_after(now + dt.timedelta(hours=1))
            .add_extension(x509.BasicConstraints(authority, None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectAlternativeName([address]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(own), critical=False)
            .sign(self._key, hashes.SHA256())
        )
