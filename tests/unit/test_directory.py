"""The tables that routers read: canonical, spread, complete."""

import hashlib
import zlib
from dataclasses import replace
from itertools import count, islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellwright.directory import bucket_of, entries, shard_number, shard_tables
from cellwright.model import Limits, Organization

names = st.from_regex(r"[a-z]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)


def organization(name: str, number: int = 1) -> Organization:
    hosts = (f"{name}.example.com", f"www.{name}.example.com")
    return Organization(name, number, "alpha", f"path-{name}", hosts, (), "active")


def lines_of(*organizations: Organization, shards: int = 1) -> dict[str, str]:
    """Return the lines by bucket, or by key where one stands by itself."""
    text = "".join(table.text for table in shard_tables(organizations, shards))
    return dict(line.split(" ") for line in text.splitlines())


def entries_of(*organizations: Organization, shards: int = 1) -> dict[str, str]:
    tables = shard_tables(organizations, shards)
    return dict(entry for table in tables for entry in entries(table.text))


def test_entries_have_all_that_a_router_needs() -> None:
    assert entries_of(organization("acme", 7)) == {
        "path-acme": "@acme",
        "@acme": "active:alpha:7:acme",
        "acme.example.com": "acme",
        "www.acme.example.com": "acme",
    }
    plain = replace(organization("acme"), path="acme", hosts=())
    (table,) = shard_tables([plain], 1)
    assert table.text == f"{bucket_of('acme')} ,acme=active:alpha:1:acme,\n"
    assert table.checksum == hashlib.sha256(table.text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("changed", "value"),
    [
        ({"state": "maintenance"}, "maintenance:alpha:1:acme"),
        ({"state": "maintenance", "retry_after": 900}, "maintenance-900:alpha:1:acme"),
        ({"override": "beta"}, "active:beta:1:acme"),
        ({"override": "alpha"}, "active:alpha:1:acme"),
        ({"limits": Limits(100, 20)}, "active:alpha:1:acme:100/20"),
        ({"limits": Limits(100, None)}, "active:alpha:1:acme:100/"),
        ({"limits": Limits(None, 20)}, "active:alpha:1:acme:/20"),
    ],
)
def test_what_only_some_organizations_have(changed: Any, value: str) -> None:
    plain = entries_of(organization("acme"))
    assert entries_of(replace(organization("acme"), **changed)) == {**plain, "@acme": value}


def test_a_move_is_one_entry() -> None:
    here, there = (
        entries_of(replace(organization("acme"), cell=cell)) for cell in ("alpha", "beta")
    )
    assert len(here.items() ^ there.items()) == 2


def test_keys_with_the_same_hash_share_a_line_and_what_has_no_room_has_its_own() -> None:
    words = (f"w{number:x}" for number in count())
    bucket = bucket_of("w0")
    names = list(islice((one for one in words if bucket_of(one) == bucket), 3))
    crowd = [replace(organization(name), path=name, hosts=()) for name in names]
    values = {name: f"active:alpha:1:{name}" for name in names}
    line = "".join(f",{name}={values[name]}" for name in sorted(names))
    assert lines_of(*crowd) == {str(bucket): f"{line},"}
    first, *others = sorted(names)
    size = len(f",{first}={values[first]},")
    for longest in (size, size + 1):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("cellwright.directory._LONGEST", longest)
            found = lines_of(*crowd)
        assert found[str(bucket)] == f",{first}={values[first]},"
        assert list(found)[1:] == [f"={name}" for name in others]
        assert all(found[f"={name}"] == values[name] for name in others)


def test_who_is_not_placed_is_left_out_with_an_override_too() -> None:
    homeless = replace(organization("acme"), cell=None, override="beta")
    assert shard_tables([homeless], 1)[0].text == ""


def test_the_bucket_is_from_the_crc32_and_a_shard_is_a_range_of_them() -> None:
    assert bucket_of("acme") == 131072 + zlib.crc32(b"acme") % 131072
    assert bucket_of("@acme") == bucket_of("acme")
    assert shard_number("acme", 64) == zlib.crc32(b"acme") % 131072 // 2048
    assert shard_number("acme", 1) == 0


@given(st.sets(names, max_size=40), st.integers(1, 70), st.randoms())
def test_equal_assignments_give_equal_bytes_in_any_order(
    found: set[str], shards: int, random: object
) -> None:
    ordered = [organization(name) for name in sorted(found)]
    shuffled = list(ordered)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    tables = shard_tables(ordered, shards)
    assert tables == shard_tables(shuffled, shards)
    assert [table.number for table in tables] == list(range(shards))
    for table in tables:
        assert all(shard_number(key, shards) == table.number for key, _ in entries(table.text))
    text = "".join(table.text for table in tables)
    assert text == shard_tables(ordered, 1)[0].text, "shards one after the other are the whole"
    assert len(list(entries(text))) == 4 * len(found)


@given(st.sets(names, min_size=1, max_size=40), names)
def test_one_more_organization_changes_the_shards_of_its_keys(found: set[str], new: str) -> None:
    before = shard_tables([organization(name) for name in found - {new}], 16)
    after = shard_tables([organization(name) for name in found | {new}], 16)
    changed = {number for number in range(16) if before[number] != after[number]}
    one = organization(new)
    assert changed == {shard_number(key, 16) for key in (one.name, one.path, *one.hosts)}


def test_who_is_sent_elsewhere_is_told_with_the_home_beside_the_shard_of_the_name() -> None:
    sent = replace(organization("acme"), override="beta")
    forked = replace(organization("globex", 2), override="gamma", writes="fork")
    others = [organization("hooli", 3), replace(organization("new", 4), cell=None, override="beta")]
    tables = shard_tables([forked, sent, *others], 8)
    told = {one.number: one.homes for one in tables if one.homes}
    lines = {"acme": "acme alpha refuse\n", "globex": "globex alpha fork\n"}
    assert told == {shard_number(name, 8): line for name, line in lines.items()}
    (table,) = shard_tables([forked, sent], 1)
    assert table.homes == lines["acme"] + lines["globex"]
    assert table.checksum == hashlib.sha256(table.text.encode()).hexdigest()
