"""Secrets of a fleet and of its cells: what follows from what, and what a cell is given."""

import base64
import json
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from cellwright.directory_key import DIRECTORY_KEY, public_key
from cellwright.fleet_secrets import (
    CA,
    FleetSecrets,
    MissingSecretError,
    first_secrets,
    read_record,
    read_secrets,
)
from cellwright.identity import fleet_id
from cellwright.secret import derived_from
from cellwright.secret_state import State

ROOT, NEW = bytes(range(32)), bytes(range(1, 33))
FIRST = first_secrets(ROOT)
CELL = "cell/alpha"
AUTHORITY = [f"{CELL}/{part}-ca.{kind}" for part in ("router", "app") for kind in ("crt", "key")]
NAMES = [f"{CELL}/postgres-app", f"{CELL}/app-key*", *AUTHORITY, CA, DIRECTORY_KEY, "fleet/own"]
ROTATED = FIRST.with_root(NEW)
STATES = ["1.0", "1.1", "1.7", "1.0>1.1 accept", "1.1>1.2 use", "1.1>2.2 accept", "2.2 end"]


def state(text: str) -> State:
    new, _, phase = text.partition(" ")
    old, _, last = new.rpartition(">")
    return State(last, old, phase or None)  # type: ignore[arg-type]


def value(text: str, name: str, secrets: FleetSecrets = ROTATED) -> str:
    return secrets.of_cell("alpha", state(text)).value(name)


def test_in_all_releases_the_same() -> None:
    """Other bytes would be other passwords under running databases."""
    assert value("1.0", f"{CELL}/postgres-app") == "8YDySIRtEKE_-54UfQT46la_z7UzI19AEPa30AkmzoY"
    assert value("1.1", f"{CELL}/postgres-app") == "JMqC03bmHwv19eN3dWgek9aq1ApBFYZk7YdHQCE4Cmk"
    assert FIRST.fleet_id == fleet_id(ROOT)


@pytest.mark.parametrize("name", NAMES)
def test_what_was_made_before_cells_had_a_secret_stays(name: str) -> None:
    assert value("1.0", name) == derived_from(ROOT)(name)


def test_versions_roots_and_cells_differ() -> None:
    found = {
        ROTATED.of_cell(cell, State(version)).value(f"cell/{cell}/{name}")
        for cell in ("alpha", "beta")
        for version in ("1.0", "1.1", "1.2", "2.1")
        for name in ("postgres-app", "app-key", "router-ca.key")
    }
    assert len(found) == 24


@pytest.mark.parametrize("text", STATES)
def test_a_record_gives_what_the_root_secret_gives(text: str) -> None:
    record = ROTATED.record("alpha", state(text), NAMES)
    own = read_record(record, "an-id")
    assert (own.fleet_id, own.tag, own.signing) == ("an-id", state(text).tag, None)
    for name in NAMES:
        assert own.value(name) == value(text, name)


@pytest.mark.parametrize("text", STATES)
def test_a_record_gives_nothing_of_the_fleet_or_of_others(text: str) -> None:
    record = ROTATED.record("alpha", state(text), NAMES)
    for root in (ROOT, NEW):
        assert base64.b64encode(root).decode().rstrip("=") not in record
    assert "cell/beta" not in record
    own = read_record(record, "an-id")
    with pytest.raises(MissingSecretError, match="fleet/another"):
        own.value("fleet/another")
    for one in json.loads(record)["valid"]:
        if one["secret"]:
            from_own = derived_from(base64.b64decode(one["secret"]))
            assert from_own("cell/beta/postgres-app") not in {
                ROTATED.of_cell("beta", State(version)).value("cell/beta/postgres-app")
                for version in ("1.0", "1.1", "2.2")
            }


def test_what_follows_from_a_cells_own_secret_needs_no_new_record() -> None:
    own = read_record(ROTATED.record("alpha", state("1.1"), []), "an-id")
    assert own.value(f"{CELL}/of-a-new-template") == value("1.1", f"{CELL}/of-a-new-template")
    old = read_record(ROTATED.record("alpha", state("1.0"), []), "an-id")
    with pytest.raises(MissingSecretError, match="of-a-new-template"):
        old.value(f"{CELL}/of-a-new-template")


@pytest.mark.parametrize("text", ["", "x", "{}", "[]", '{"tag": "1.1"}', "bm8="])
def test_what_is_no_record(text: str) -> None:
    with pytest.raises(ValueError, match="expected what `cellwright stacks` writes"):
        read_record(text, "an-id")


@pytest.mark.parametrize("text", ["1.0", "1.3", "1.1>2.2 use"])
def test_a_cells_authorities_are_signed_by_the_fleets_of_its_root(text: str) -> None:
    trusted = x509.load_pem_x509_certificates(value(text, CA).encode())
    for part in ("router", "app"):
        (one,) = x509.load_pem_x509_certificates(value(text, f"{CELL}/{part}-ca.crt").encode())
        one.verify_directly_issued_by(trusted[0])
        key: Any = load_pem_private_key(value(text, f"{CELL}/{part}-ca.key").encode(), None)
        assert key.public_key() == one.public_key()


def test_during_a_rotation_both_are_valid_and_one_is_used() -> None:
    old, new = value("1.1", f"{CELL}/x"), value("2.2", f"{CELL}/x")
    assert value("1.1>2.2 accept", f"{CELL}/x*") == f"{old}\n{new}"
    assert value("1.1>2.2 accept", f"{CELL}/x") == old
    assert value("1.1>2.2 use", f"{CELL}/x*") == f"{new}\n{old}"
    assert value("1.1>2.2 use", f"{CELL}/x") == new
    assert value("2.2 end", f"{CELL}/x*") == new
    keys = [public_key(root) for root in (ROOT, NEW)]
    assert value("1.1>2.2 accept", DIRECTORY_KEY).split() == keys
    assert value("2.2", DIRECTORY_KEY).split() == keys[1:]
    assert value("1.1>1.2 use", CA).count("BEGIN") == 1


def test_the_fleets_own_stack_signs_with_the_root_in_use() -> None:
    phases = [ROTATED, ROTATED.in_state(ROTATED.state.next)]
    signing = [one.of_fleet().signing for one in phases]
    assert [one.public_key() for one in signing if one] == [
        first_secrets(root).of_fleet().signing.public_key()  # type: ignore[union-attr]
        for root in (ROOT, NEW)
    ]


def test_root_secrets_as_text() -> None:
    assert FIRST.text() == base64.b64encode(ROOT).decode()
    assert read_secrets(FIRST.text()) == FIRST
    assert read_secrets(ROTATED.text(), ROTATED.state) == ROTATED
    after = ROTATED.in_state(State("2"))
    assert after.text() == f"2.{FIRST.fleet_id}.{base64.b64encode(NEW).decode()}"
    assert read_secrets(after.text(), State("2")) == after
    assert read_secrets(after.text()) == after, "the state may be lost, as in a backup"


def test_a_root_secret_of_a_run_that_ended_too_early_is_kept() -> None:
    early = read_secrets(ROTATED.text())
    assert early.with_root(b"\x09" * 32) == ROTATED


@pytest.mark.parametrize(
    ("text", "now"),
    [
        ("", "1"),
        ("short", "1"),
        ("2.f4df0f600bd5a688.short", "2"),
        ("x.f4df0f600bd5a688." + base64.b64encode(ROOT).decode(), "2"),
        (FIRST.text(), "2"),
        (f"{FIRST.text()} {FIRST.text()}", "1"),
        (f"{FIRST.text()} 2.another.{base64.b64encode(NEW).decode()}", "1"),
    ],
)
def test_what_are_no_root_secrets(text: str, now: str) -> None:
    with pytest.raises(ValueError, match=r"expected|is missing") as raised:
        read_secrets(text, State(now))
    assert not text or text.split(maxsplit=1)[0] not in str(raised.value)


def test_the_last_phase_needs_the_new_root_secret_alone() -> None:
    """A run that ended between two changes of the settings has left it so."""
    ending = State("2", "1", ROTATED.state.next.next.phase)
    after = read_secrets(ROTATED.in_state(State("2")).text(), ending)
    assert (after.root, after.in_state(ending.next).text()) == (NEW, after.text())


def test_none_is_shown() -> None:
    shown = f"{ROTATED!r} {ROTATED.of_fleet()!r} {ROTATED.of_cell('alpha', State('1.1'))!r}"
    assert repr(ROOT) not in shown
    assert "value=" not in shown


def test_a_new_cell_takes_part_in_what_is_under_way() -> None:
    found = [FIRST.new_cell()]
    secrets = ROTATED
    while secrets.state.phase:
        found.append(secrets.new_cell())
        secrets = secrets.in_state(secrets.state.next)
    found.append(secrets.new_cell())
    assert [str(one) for one in found] == ["1.1", "1.1>2.1 accept", "1.1>2.1 use", "2.1", "2.1"]
