"""Shards as the agent reads them, and as the package writes them."""

from itertools import count, islice
from zlib import crc32

import pytest
from agent import directory
from agent.directory import MalformedError, check_shard, count_kinds
from agent.lines import lines_of
from hypothesis import given
from hypothesis import strategies as st

import cellwright.directory
from cellwright.directory import shard_tables
from cellwright.model import Limits, Organization
from tests.router.directory import bucket_of, shard_of, shard_texts

ENTRIES = {
    "acme-inc": "@acme",
    "@acme": "active:alpha:1001:acme:100/20",
    "a.example.com": "acme",
    "umb": "maintenance-60:beta:7:umb",
}
TEXT = shard_texts(ENTRIES.items(), 1)[0].encode()


def test_a_good_shard() -> None:
    check_shard(TEXT, 0, 1)
    assert count_kinds(TEXT) == (2, 1, 1)
    check_shard(b"", 3, 4)
    assert count_kinds(b"") == (0, 0, 0)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("acme:100/20,\n", "acme:100/20,"),
        ("acme:100/20,\n", "acme:100/20,\r\n"),
        ("acme:100/20,\n", "acme:100/20,\n\n"),
        ("acme:100/20,\n", "acme:100/20\n"),
        ("acme:100/20,\n", "acme:100/20, \n"),
        (" ,@acme", " @acme"),
        (" ,@acme", "  ,@acme"),
        (" ,@acme", "\t,@acme"),
        (" ,@acme", " ,,@acme"),
        (" ,@acme", " ,=x,@acme"),
        (" ,@acme", " ,x,@acme"),
        (" ,@acme", " ,@@acme"),
        (" ,@acme", " ,@Acme"),
        (" ,@acme", " ,@-acme"),
        (" ,@acme", " ,@acme-"),
        (" ,@acme", " ,@1acme"),
        (" ,@acme", " ,@" + "a" * 64),
        (":acme:100", ":other:100"),
        (":acme:100", ":"),
        (":1001:", ":0:"),
        (":1001:", ":-1:"),
        (":1001:", ":\u0661:"),
        (":1001:", ":" + "1" * 20 + ":"),
        ("active:alpha", "active:alpha:beta"),
        ("active:alpha", "active:al pha"),
        ("active:alpha", "active:"),
        ("active", "Active"),
        ("active", ""),
        ("active", "inactive"),
        ("active", "active-1"),
        ("maintenance-60", "maintenance-"),
        ("maintenance-60", "maintenance-0"),
        ("maintenance-60", "maintenance-1s"),
        (":100/20", ":"),
        (":100/20", ":/"),
        (":100/20", ":5"),
        (":100/20", ":0/5"),
        (":100/20", ":5/0"),
        (":100/20", ":5/5/5"),
        ("acme-inc", "acme/inc"),
        ("acme-inc", ".."),
        ("acme-inc", "acme;inc"),
        ("acme-inc", "acme inc"),
        ("acme-inc", "acme\\inc"),
        ("acme-inc", "\u00e4cme"),
        ("acme-inc=@acme", "acme-inc=@acme=x"),
        ("a.example", ".example"),
        ("a.example.com", "localhost"),
        ("a.example.com", "A.example.com"),
        ("a.example.com", "a.example.com:80"),
        ("a.example.com", "-a.example.com"),
        ("a.example.com", "a.example.com."),
        ("a.example.com", "a." * 126 + "com"),
        ("a.example.com=acme", "a.example.com=@acme"),
        ("a.example.com=acme", "a.example.com=;clear map #0"),
        ("a.example.com=acme", "a.example.com="),
    ],
)
def test_what_is_malformed_is_refused_with_its_line(old: str, new: str) -> None:
    lines = TEXT.decode()
    assert lines.count(old) == 1
    wrong = lines.replace(old, new)
    with pytest.raises(MalformedError, match=r"line [1-5]: malformed"):
        check_shard(wrong.encode(), 0, 1)


@pytest.mark.parametrize("text", [b"\n", b"acme\n", b"\x00", b"131072\n", b"131072 ,\n", b"= \n"])
def test_what_is_no_line_is_refused(text: bytes) -> None:
    with pytest.raises(MalformedError, match="line 1: malformed"):
        check_shard(text, 0, 1)


def test_lines_out_of_order_or_twice_are_refused() -> None:
    lines = TEXT.splitlines(keepends=True)
    for wrong in (lines[::-1], [*lines, lines[-1]], [lines[0], *lines]):
        with pytest.raises(MalformedError, match="not in order, or twice"):
            check_shard(b"".join(wrong), 0, 1)


def test_a_key_with_another_hash_is_refused() -> None:
    at = bucket_of("acme")
    for line in (
        f"{at + 1} ,acme=gone:a:1:acme,\n",
        f"{at} ,acme=gone:a:1:acme,\n=umb gone:a:2:umb\n",
    ):
        with pytest.raises(MalformedError, match=r"(acme|umb) has another hash"):
            check_shard(line.encode(), 0, 1)
    with pytest.raises(MalformedError, match="line 1: acme has another hash"):
        check_shard(b"=acme gone:a:1:acme\n", 0, 1)


def test_a_line_of_another_shard_is_refused() -> None:
    text = f"{bucket_of('acme')} ,acme=gone:a:1:acme,\n".encode()
    right = shard_of("acme", 64)
    check_shard(text, right, 64)
    with pytest.raises(MalformedError, match="line 1: belongs to another shard"):
        check_shard(text, (right + 1) % 64, 64)


def test_a_line_that_haproxy_has_no_room_for_is_refused() -> None:
    at = bucket_of("acme")
    hosts = "".join(f"h{number}.example.com=acme," for number in range(400))
    text = f"{at} ,acme=gone:a:1:acme,{hosts}\n"
    assert 8000 < len(text) < 16000
    with pytest.raises(MalformedError, match="line 1: too long"):
        check_shard(text.encode(), 0, 1)


def _colliding(bucket: int) -> list[str]:
    words = (f"w{number:x}" for number in count())
    return list(islice((one for one in words if crc32(one.encode()) % 131072 == bucket), 6))


_CROWD = [*_colliding(1), *_colliding(70_000), "acme", "umb", "duff"]
_NAMES = st.lists(st.sampled_from(_CROWD), unique=True)
_LIMITS = st.sampled_from([None, Limits(5, None), Limits(None, 20), Limits(5, 20)])


@given(_NAMES, st.permutations(_CROWD), _LIMITS, st.integers(1, 70), st.sampled_from([90, 8000]))
def test_the_agent_takes_what_the_package_writes(
    names: list[str], paths: list[str], limits: Limits | None, shards: int, longest: int
) -> None:
    organizations = [
        Organization(
            name,
            number,
            "alpha",
            path if number % 3 else name + "-path",
            (f"{name}.example.com",) * (number % 2),
            (),
            "maintenance",
            retry_after=60 if number % 5 else None,
            limits=limits,
        )
        for number, (name, path) in enumerate(zip(names, paths, strict=False), 1)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(directory, "LONGEST", longest)
        patch.setattr(cellwright.directory, "_LONGEST", longest)
        tables = shard_tables(organizations, shards)
        for table in tables:
            check_shard(table.text.encode(), table.number, shards)
    kinds = [count_kinds(table.text.encode()) for table in tables]
    assert sum(paths for paths, _, _ in kinds) == len(names)
    assert sum(hosts for _, hosts, _ in kinds) == sum(len(one.hosts) for one in organizations)
    assert sum(own for _, _, own in kinds) == sum(one.path != one.name for one in organizations)
    lines = lines_of("".join(table.text for table in tables).encode())
    assert all(len(text) <= longest for key, text in lines.items() if key[:1] != b"=")
    found = _found(lines)
    for one in organizations:
        key = one.name if one.path == one.name else f"@{one.name}"
        assert found[key].split(":")[1:4] == ["alpha", str(one.id), one.name]
        assert found[one.path] == (found[key] if one.path == one.name else f"@{one.name}")
        assert all(found[host] == one.name for host in one.hosts)


def _found(lines: dict[bytes, bytes]) -> dict[str, str]:
    entries = {}
    for key, text in lines.items():
        if key[:1] == b"=":
            entries[key[1:].decode()] = text.decode()
        else:
            entries |= dict(one.split("=") for one in text.decode().strip(",").split(","))
    return entries
