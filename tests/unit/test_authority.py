"""The fleet's authorities: what they may sign, and that equal input gives equal bytes."""

import hashlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cellwright.authority import pem
from cellwright.derivation import derive_bytes
from cellwright.edge.files import read
from cellwright.plan import plan
from cellwright.secret import derive, derived_from, resolve
from cellwright.secret_text import SecretText, could_be, is_pem, names
from tests.fleets import ROOT as WORKSPACE
from tests.manifests import secret

ROOT = bytes(range(32))
NAMES = (
    "fleet/ca.crt",
    *(f"cell/alpha/{part}-ca.{kind}" for part in ("router", "app") for kind in ("crt", "key")),
)

EXPECTED = {
    "fleet/ca.crt": "3fe2609470e7102d",
    "cell/alpha/router-ca.crt": "55d43db35a421403",
    "cell/alpha/router-ca.key": "433e4905298bfe7c",
    "cell/alpha/app-ca.crt": "9d2a758ea285eba9",
    "cell/alpha/app-ca.key": "5a2325f45ba10e24",
}


def certificate(name: str, root: bytes = ROOT) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem(root, name).encode())


def test_equal_input_gives_equal_bytes() -> None:
    """In all releases: another byte would be another authority, which no router knows."""
    found = {name: hashlib.sha256(pem(ROOT, name).encode()).hexdigest()[:16] for name in NAMES}
    assert found == EXPECTED


def test_other_roots_cells_and_parts_have_other_keys() -> None:
    keys = {
        pem(root, f"cell/{cell}/{part}-ca.key")
        for root in (ROOT, b"\1" * 32)
        for cell in ("alpha", "beta")
        for part in ("router", "app")
    }
    assert len(keys) == 8
    assert certificate("fleet/ca.crt").subject != certificate("fleet/ca.crt", b"\1" * 32).subject


@pytest.mark.parametrize("part", ["router", "app"])
def test_a_cells_authority_may_sign_for_one_name_alone(part: str) -> None:
    found, fleet = certificate(f"cell/alpha/{part}-ca.crt"), certificate("fleet/ca.crt")
    found.verify_directly_issued_by(fleet)
    assert found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "alpha"
    basic = found.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (basic.critical, basic.value.ca, basic.value.path_length) == (True, True, 0)
    constraints = found.extensions.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical
    allowed = [x509.DNSName(f"{part}.alpha.cellwright.internal")]
    assert constraints.value.permitted_subtrees == allowed
    no_subject = [x509.DirectoryName(x509.Name([]))]
    assert constraints.value.excluded_subtrees == no_subject, "a common name would be a host's"
    uses = set(found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    calls = {ExtendedKeyUsageOID.CLIENT_AUTH} if part == "router" else set()
    assert uses == {ExtendedKeyUsageOID.SERVER_AUTH, *calls}
    key = load_pem_private_key(pem(ROOT, f"cell/alpha/{part}-ca.key").encode(), None)
    assert key.public_key() == found.public_key()


def test_the_fleets_key_has_no_name() -> None:
    """Nor can a template name what it is derived from: names of secrets begin with their owner."""
    for name in ("fleet/ca.key", "fleet/ca", "fleet/authority/fleet", "cell/alpha/ca.key"):
        assert not is_pem(name)
        with pytest.raises(ValueError, match="is called"):
            pem(ROOT, name)
        assert resolve(secret(name), derived_from(ROOT)) == derive(ROOT, name)
    own = derive_bytes(ROOT, "authority/fleet", 32)
    assert own != derive_bytes(ROOT, "fleet/fleet", 32)


def test_no_manifest_holds_the_fleets_key_or_another_cells() -> None:
    for stack, manifests in plan(read(WORKSPACE)).stacks.items():
        for one in manifests:
            for value in (one.body.get("stringData") or {}).values():
                named = names(value) if isinstance(value, SecretText) else []
                for name in named:
                    assert name.startswith(("fleet/", f"cell/{stack}/"))
                    assert "fleet" not in name or name in {"fleet/ca.crt", "fleet/directory-key"}


@pytest.mark.parametrize("name", NAMES)
def test_what_a_cluster_holds_is_recognized_without_the_root_secret(name: str) -> None:
    text = secret(name)
    held = pem(ROOT, name)
    assert not held.endswith("\n")
    assert resolve(text, derived_from(ROOT)) == held
    assert could_be(text, held)
    assert not could_be(text, derive(ROOT, name))
    assert not could_be(text, held + "\nmore")
    assert not could_be(secret("cell/alpha/other"), held)


def test_the_name_in_the_routers_configuration_is_the_one_that_is_signed_for() -> None:
    text = (WORKSPACE / "templates/router/haproxy.cfg.j2").read_text("utf-8")
    for part in ("router", "app"):
        (name,) = (
            certificate(f"cell/alpha/{part}-ca.crt")
            .extensions.get_extension_for_class(x509.NameConstraints)
            .value.permitted_subtrees
            or ()
        )
        domain = str(name.value).removeprefix(f"{part}.alpha.")
        assert f"{part}.%[var(txn.organization),field(2,:)].{domain}" in text or (
            f"str({part}.{{{{ cell.name }}}}.{domain})" in text
        )
