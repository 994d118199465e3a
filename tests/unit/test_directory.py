"""The tables that routers read: canonical, spread, complete."""

import hashlib
import zlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellwright.directory import shard_number, shard_tables
from cellwright.model import Limits, Organization

names = st.from_regex(r"[a-z]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)


def organization(name: str, number: int = 1) -> Organization:
    hosts = (f"{name}.example.com", f"www.{name}.example.com")
    return Organization(name, number, "alpha", f"path-{name}", hosts, (), "active")


def test_a_line_has_all_that_a_router_needs() -> None:
    (table,) = shard_tables([organization("acme", 7)], 1)
    hosts = "acme.example.com,www.acme.example.com"
    assert table.text == f"acme\t7\talpha\tactive\tpath-acme\t{hosts}\t\n"
    assert table.checksum == hashlib.sha256(table.text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("changed", "field", "text"),
    [
        ({"state": "maintenance"}, 3, "maintenance"),
        ({"state": "maintenance", "retry_after": 900}, 3, "maintenance-900"),
        ({"override": "beta"}, 2, "beta"),
        ({"override": "alpha"}, 2, "alpha"),
        ({"limits": Limits(100, 20)}, 6, "100/20"),
        ({"limits": Limits(100, None)}, 6, "100/"),
        ({"limits": Limits(None, 20)}, 6, "/20"),
    ],
)
def test_what_only_some_organizations_have(changed: Any, field: int, text: str) -> None:
    (table,) = shard_tables([replace(organization("acme"), **changed)], 1)
    (plain,) = shard_tables([organization("acme")], 1)
    fields = plain.text.rstrip("\n").split("\t")
    fields[field] = text
    assert table.text == "\t".join(fields) + "\n"


def test_who_is_not_placed_is_left_out_with_an_override_too() -> None:
    homeless = replace(organization("acme"), cell=None, override="beta")
    assert shard_tables([homeless], 1)[0].text == ""


def test_the_shard_is_the_crc32_of_the_name() -> None:
    assert shard_number("acme", 64) == zlib.crc32(b"acme") % 64


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
    seen = [line.split("\t")[0] for table in tables for line in table.text.splitlines()]
    assert sorted(seen) == sorted(found)


@given(st.sets(names, min_size=1, max_size=40), names)
def test_one_more_organization_changes_one_shard(found: set[str], new: str) -> None:
    before = shard_tables([organization(name) for name in found - {new}], 16)
    after = shard_tables([organization(name) for name in found | {new}], 16)
    changed = [number for number in range(16) if before[number] != after[number]]
    assert changed == [shard_number(new, 16)]
