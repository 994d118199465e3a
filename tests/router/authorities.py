"""A fleet's authorities, what pods are given of them, and certificates that tests issue from them.

The authorities are the package's own; leaves are issued apart from the agent, wrong ones too.
"""

import datetime as dt
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cellwright.authority import pem

ROOT = bytes(range(32))
OTHER_ROOT = bytes(range(1, 33))
"""Of another fleet."""
SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
BOTH = (SERVER, CLIENT)
_USES = {"router": BOTH, "app": (SERVER,)}


def name_of(part: str, cell: str) -> str:
    return f"{part}.{cell}.cellwright.internal"


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate with its key, which may sign others."""

    certificate: x509.Certificate
    key: Ed25519PrivateKey
    above: str = ""

    @property
    def text(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode() + self.above

    def leaf(
        self,
        name: str,
        uses: Sequence[x509.ObjectIdentifier] = BOTH,
        valid: tuple[float, float] = (-3600, 3600),
        *,
        called: Sequence[str] = (),
        issuer: x509.Name | None = None,
    ) -> "Shown":
        """Return a certificate for a name; it is valid between two times in seconds from now.

        It may have a subject with the common names by which it is `called`, and spell its issuer.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one) for one in called])
        made = _builder(subject, issuer or self.certificate.subject, *valid)
        made = made.public_key(key.public_key())
        made = made.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        made = made.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name)]), critical=True
        ).add_extension(x509.ExtendedKeyUsage(uses), critical=False)
        signed = made.sign(self.key, None).public_bytes(serialization.Encoding.PEM).decode()
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return Shown(signed + self.text, private.decode())

    def below(self, name: str) -> "Authority":
        """Return another authority that this one signs, though it may not."""
        key = Ed25519PrivateKey.generate()
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        made = _builder(subject, self.certificate.subject, -3600, 3600).public_key(key.public_key())
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        return Authority(made.sign(self.key, None), key, self.text)


@dataclass(frozen=True, slots=True)
class Shown:
    """A chain and a key, as one end of a connection shows them."""

    chain: str
    key: str

    def load_into(self, context: ssl.SSLContext) -> None:
        with TemporaryDirectory() as folder:
            file = Path(folder) / "shown.pem"
            file.write_text(self.key + self.chain)
            context.load_cert_chain(file)


def _builder(
    subject: x509.Name, issuer: x509.Name, begins: float, ends: float
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + dt.timedelta(seconds=begins))
        .not_valid_after(now + dt.timedelta(seconds=ends))
    )


def authority(part: str, cell: str, root: bytes = ROOT) -> Authority:
    """Return the authority for the routers or the app of a cell."""
    names = (f"cell/{cell}/{part}-ca.{kind}" for kind in ("crt", "key"))
    certificate, private = (pem(root, name).encode() for name in names)
    key = serialization.load_pem_private_key(private, None)
    assert isinstance(key, Ed25519PrivateKey)
    return Authority(x509.load_pem_x509_certificate(certificate), key)


def shown_by(part: str, cell: str) -> Shown:
    """Return what a router or an app of a cell shows."""
    return authority(part, cell).leaf(name_of(part, cell), _USES[part])


def give(folder: Path, part: str, cell: str) -> None:
    """Write certificate and key of an authority into a folder, as kubelet mounts them."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind in ("crt", "key"):
        (folder / f"ca.{kind}").write_text(pem(ROOT, f"cell/{cell}/{part}-ca.{kind}"))


def server_context(part: str, cell: str) -> ssl.SSLContext:
    """Return what an app of a cell answers with, or one of its routers, which asks who it is."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=pem(ROOT, "fleet/ca.crt"))
    shown_by(part, cell).load_into(context)
    if part == "router":
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(shown: Shown | None) -> ssl.SSLContext:
    """Return what a caller needs that trusts the fleet and shows this."""
    context = ssl.create_default_context(cadata=pem(ROOT, "fleet/ca.crt"))
    if shown:
        shown.load_into(context)
    return context
