"""Derivation of secrets: against RFC 5869 itself, and against leaks."""

import base64
import hashlib
import hmac

import pytest

from cellwright.secret import decode_root, derive, derived_from, resolve
from cellwright.secret_text import Reference, composed
from tests.manifests import secret

ROOT = bytes(range(32))


def test_derivation_is_hkdf_sha256_of_rfc_5869() -> None:
    extracted = hmac.new(b"cellwright/v1", ROOT, hashlib.sha256).digest()
    expanded = hmac.new(extracted, b"cell/alpha/x\x01", hashlib.sha256).digest()
    expected = base64.urlsafe_b64encode(expanded).decode().rstrip("=")
    assert derive(ROOT, "cell/alpha/x") == expected
    assert len(expected) == 43


def test_other_names_and_other_roots_give_other_secrets() -> None:
    found = {derive(root, info) for root in (ROOT, b"\1" * 32) for info in ("a", "b")}
    assert len(found) == 4


def test_resolve_replaces_references_at_any_depth_and_nothing_else() -> None:
    user = {"cellwright.dev/secret": "x"}
    shown = "(secret x)"
    value = {"a": [{"b": secret("x")}, "text"], "c": user, "d": shown, "e": repr(Reference("x"))}
    assert resolve(value, derived_from(ROOT)) == {
        "a": [{"b": derive(ROOT, "x")}, "text"],
        "c": user,
        "d": shown,
        "e": repr(Reference("x")),
    }


def test_secrets_are_resolved_inside_of_text() -> None:
    text = composed(["app:", secret("x"), ":", secret("y"), ""])
    assert resolve(text, derived_from(ROOT)) == f"app:{derive(ROOT, 'x')}:{derive(ROOT, 'y')}"


@pytest.mark.parametrize("text", ["", "%%%", "c2hvcnQ=", base64.b64encode(b"x" * 33).decode(), "ü"])
def test_a_wrong_root_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(ValueError, match="32 bytes in base64") as raised:
        decode_root(text)
    assert not text or text not in str(raised.value)
