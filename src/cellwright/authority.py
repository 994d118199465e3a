"""The fleet's own certificate authorities, by which routers and apps know each other.

One is the fleet's. It signs two of each cell: one issues the certificates of its routers, the other
that of its app, each for one name and no subject (X.509 name constraints and extended key usage,
RFC 5280). Keys are Ed25519 (RFC 8032), the fleet's derived from the root secret, a cell's from the
cell's own; validity is fixed and serial numbers are derived, so that equal input gives equal bytes.
The key of the fleet's authority is in no text that templates can name: it never enters a cluster.
Refuses to issue what pods use, which they do by themselves, for hours only.
"""

import datetime as dt
import hashlib

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cellwright.derivation import derive_bytes
from cellwright.secret_text import PEM_NAME

DOMAIN = "cellwright.internal"
"""The end of the names in certificates, of a top-level domain that nobody can register."""
_FLEET = "fleet"
_BEGIN = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
_END = dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=dt.UTC)
"""RFC 5280, 4.1.2.5: what has no well-defined end. The root secret has none either."""
_USES = {
    "router": [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH],
    "app": [ExtendedKeyUsageOID.SERVER_AUTH],
}
"""What certificates may be used for: routers also call others, which see who it is."""

_ANY_SUBJECT = x509.DirectoryName(x509.Name([]))
"""What no certificate below a cell's authority may have: HAProxy takes a common name in a subject
for a host's name as well, and OpenSSL does not hold it against the names that are allowed."""


def pem(root: bytes, name: str, own: bytes | None = None) -> str:
    """Return what a secret is whose name is one of `PEM_NAME`, without a line's end at its end.

    `fleet/ca.crt` is the certificate of the fleet's authority, `cell/<cell>/<part>-ca.crt` and
    `.key` are certificate and key of that of a cell, where the part is `router` or `app`. Their
    keys follow from the cell's `own` secret, from the root secret where it has none.
    """
    match = PEM_NAME.fullmatch(name)
    if match is None:
        raise ValueError(f"no certificate or key is called {name!r}")
    cell, part, kind = match["cell"], match["part"], match["kind"]
    if cell is None:
        return _text(_of_fleet(root).public_bytes(serialization.Encoding.PEM))
    secret = root if own is None else own
    if kind == "crt":
        made = _of_cell(root, secret, cell, part)
        return _text(made.public_bytes(serialization.Encoding.PEM))
    return cell_key(secret, cell, part)


def cell_key(own: bytes, cell: str, part: str) -> str:
    """Return the key of a cell's authority, which follows from the cell's own secret."""
    private = _key(own, f"{cell}/{part}").private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return _text(private)


def _key(secret: bytes, whose: str) -> Ed25519PrivateKey:
    """Return an authority's key. No template can name its info: theirs begin with their owner."""
    return Ed25519PrivateKey.from_private_bytes(derive_bytes(secret, f"authority/{whose}", 32))


def _of_fleet(root: bytes) -> x509.Certificate:
    name = _fleet_name(root)
    return _builder(root, root, _FLEET, name, name).sign(_key(root, _FLEET), None)


def _fleet_name(root: bytes) -> x509.Name:
    public = _key(root, _FLEET).public_key().public_bytes_raw()
    number = hashlib.sha256(public).hexdigest()[:16]
    return _name((NameOID.COMMON_NAME, f"fleet {number}"))


def _of_cell(root: bytes, own: bytes, cell: str, part: str) -> x509.Certificate:
    name = _name((NameOID.ORGANIZATIONAL_UNIT_NAME, part), (NameOID.COMMON_NAME, cell))
    only = x509.NameConstraints([x509.DNSName(f"{part}.{cell}.{DOMAIN}")], [_ANY_SUBJECT])
    return (
        _builder(root, own, f"{cell}/{part}", name, _fleet_name(root))
        .add_extension(only, critical=True)
        .add_extension(x509.ExtendedKeyUsage(_USES[part]), critical=False)
        .sign(_key(root, _FLEET), None)
    )


def _name(*called: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    whole = ((NameOID.ORGANIZATION_NAME, "cellwright"), *called)
    return x509.Name([x509.NameAttribute(*one) for one in whole])


def _builder(
    root: bytes, secret: bytes, whose: str, subject: x509.Name, issuer: x509.Name
) -> x509.CertificateBuilder:
    """Return what all authorities have; the fleet's signs all of them, its own too."""
    own, above = _key(secret, whose).public_key(), _key(root, _FLEET).public_key()
    serial = int.from_bytes(derive_bytes(secret, f"authority/{whose}/serial", 16)) >> 1
    below = 1 if whose == _FLEET else 0
    only_signs = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(own)
        .serial_number(serial)
        .not_valid_before(_BEGIN)
        .not_valid_after(_END)
        .add_extension(x509.BasicConstraints(ca=True, path_length=below), critical=True)
        .add_extension(only_signs, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(above), critical=False)
    )


def _text(found: bytes) -> str:
    return found.decode().strip()
