"""Sorted lines in files, and the files that HAProxy starts from."""

import hashlib
from pathlib import Path

import pytest
from agent import lines
from agent.lines import Part, changed, in_order, merged
from agent.maps import MAPS, Change
from agent.publish import Edition, Publisher
from agent.store import Store
from agent.table import Step
from hypothesis import given
from hypothesis import strategies as st

_KEYS = st.text("ab-.1", min_size=1, max_size=3).map(str.encode)
_LINES = st.dictionaries(_KEYS, st.sampled_from([b"1", b"2", b"a:b"]), max_size=8)


def _text(found: dict[bytes, bytes]) -> bytes:
    return b"".join(b"%s %s\n" % pair for pair in sorted(found.items()))


def _part(found: dict[bytes, bytes]) -> Part:
    """Return the lines between others, as a section lies in its file."""
    text = _text(found)
    return Part(b"zzz 1\n" + text + b"a 1\n", 6, 6 + len(text))


@given(st.lists(_LINES, min_size=1, max_size=4), st.sampled_from([1, 20, 1000]))
def test_merged_parts_are_sorted_and_a_lower_part_comes_first(
    parts: list[dict[bytes, bytes]], piece: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "PIECE", piece)
        found = b"".join(merged([_part(one) for one in parts]))
    pairs = [pair for one in parts for pair in one.items()]
    assert found == b"".join(b"%s %s\n" % pair for pair in sorted(pairs, key=lambda pair: pair[0]))


@given(_LINES, st.dictionaries(_KEYS, st.sampled_from([None, b"new"]), max_size=6))
def test_a_change_in_a_file_is_what_it_would_be_in_memory(
    before: dict[bytes, bytes], change: dict[bytes, bytes | None]
) -> None:
    after = {key: value for key, value in (before | change).items() if value is not None}
    assert b"".join(changed(_part(before), change)) == _text(after)


def test_a_changed_key_that_stands_twice_stands_once_then() -> None:
    text = b"a 1\nb 2\nb 3\nc 4\n"
    assert b"".join(changed(Part(text, 0, len(text)), {b"b": b"5"})) == b"a 1\nb 5\nc 4\n"


@given(_LINES)
def test_a_section_is_sorted_by_key(found: dict[bytes, bytes]) -> None:
    assert in_order(b"".join(b"%s %s\n" % pair for pair in found.items())) == _text(found)


def _stored(folder: Path, *shards: dict[bytes, bytes]) -> Store:
    store = Store(folder)
    for number, one in enumerate(shards):
        made = {"path": _text(one), "host": b"", "name": b""}
        store.put_shard(len(shards), number, hashlib.sha256(_text(one)).hexdigest(), made)
    return store


def _nothing() -> dict[str, Change]:
    return {name: Change() for name in MAPS}


def test_files_are_changed_where_the_way_to_the_new_table_is_known(tmp_path: Path) -> None:
    store = _stored(tmp_path, {b"a": b"1", b"c": b"3"}, {b"b": b"2"})
    publisher = Publisher(store)
    publisher.want(Edition(2, "first", {}), Step("", None))
    publisher.flush()
    assert store.map_file("path").read_bytes() == b"/table first\na 1\nb 2\nc 3\n"

    # What the shards hold is not looked at again: they still say 1.
    step = {**_nothing(), "path": Change(add={b"d": b"4"}, set={b"a": b"9"}, delete=[b"b"])}
    publisher.want(Edition(2, "second", {}), Step("first", step))
    again = {**_nothing(), "path": Change(add={b"b": b"7"}, delete=[b"d"])}
    publisher.want(Edition(2, "third", {}), Step("second", again))
    publisher.flush()
    assert store.map_file("path").read_bytes() == b"/table third\na 9\nb 7\nc 3\n"
    assert store.map_file("host").read_bytes() == b"/table third\n"


def test_files_that_the_known_way_does_not_begin_at_are_made_anew(tmp_path: Path) -> None:
    store = _stored(tmp_path, {b"a": b"1"})
    store.put_map("path", [b"/table older\nx 1\n"])
    publisher = Publisher(store)
    step = {**_nothing(), "path": Change(add={b"y": b"1"})}
    publisher.want(Edition(1, "third", {}), Step("second", step))
    publisher.flush()
    assert store.map_file("path").read_bytes() == b"/table third\na 1\n"


def test_what_is_held_is_seen_at_once_and_on_disk_after_it_is_settled(tmp_path: Path) -> None:
    store = _stored(tmp_path, {b"a": b"1"})
    store.hold()
    store.put_shard(1, 0, "checksum", {"path": b"a 2\n", "host": b"", "name": b""})
    assert store.section(1, 0, "path") == b"a 2\n"
    assert b"".join(store.whole_map(1, "path", "m")) == b"/table m\na 2\n"
    assert Store(tmp_path).section(1, 0, "path") == b"a 1\n"
    store.settle()
    assert Store(tmp_path).section(1, 0, "path") == b"a 2\n"
