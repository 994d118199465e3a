"""Sorted lines in files, and the file that HAProxy starts from."""

from pathlib import Path

import pytest
from agent import lines
from agent.buckets import Section
from agent.lines import Part, holding, lines_of, merged
from agent.publish import Edition, Publisher
from agent.store import MovedOnError, Store
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
        found = list(merged([_part(one) for one in parts]))
    pairs = [pair for one in parts for pair in one.items()]
    assert [line for piece in found for line in piece] == [
        b"%s %s" % pair for pair in sorted(pairs, key=lambda pair: pair[0])
    ]
    keys = [{lines.key_of(line) for line in piece} for piece in found]
    assert sum(map(len, keys)) == len({key for piece in keys for key in piece})


@given(_LINES, st.sets(_KEYS), st.sampled_from([0, 100]))
def test_what_is_held_is_found(found: dict[bytes, bytes], keys: set[bytes], few: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "FEW", few)
        held = holding(_part(found), keys)
    assert held == {key: found[key] for key in keys & found.keys()}
    assert lines_of(_text(found)) == found


def _stored(folder: Path, *shards: bytes) -> Store:
    store = Store(folder)
    for number, text in enumerate(shards):
        store.put_shard(len(shards), number, f"checksum-{number}", Section(text, (1, 0, 0)))
    return store


def test_the_file_has_the_entries_of_all_shards(tmp_path: Path) -> None:
    store = _stored(tmp_path, b"1 ,a=1,\n3 ,c=3,\n", b"1 ,b=2,\n2 ,d=4,\n")
    publisher = Publisher(store)
    publisher.want(Edition(("checksum-0", "checksum-1"), "first", {"alpha": "127.0.0.1/80"}))
    publisher.flush()
    assert store.map_file("table").read_bytes() == b"/table first\n1 ,a=1,b=2,\n2 ,d=4,\n3 ,c=3,\n"
    assert store.map_file("cells").read_bytes() == b"alpha 127.0.0.1/80\n"
    assert store.mark() == "first"


def test_the_file_says_of_no_other_shards_that_they_are_this_table(tmp_path: Path) -> None:
    """The main loop may have taken the next form of a shard while the last edition is written."""
    store = _stored(tmp_path, b"1 ,a=1,\n")
    publisher = Publisher(store)
    publisher.want(Edition(("checksum-0",), "first", {}))
    publisher.flush()
    store.put_shard(1, 0, "later", Section(b"1 ,a=2,\n", (1, 0, 0)))
    with pytest.raises(MovedOnError):
        list(store.whole_map(("checksum-0",), "second"))
    publisher.want(Edition(("checksum-0",), "second", {}))
    publisher.flush()
    assert store.map_file("table").read_bytes() == b"/table first\n1 ,a=1,\n"
    publisher.want(Edition(("later",), "third", {}))
    publisher.flush()
    assert store.map_file("table").read_bytes() == b"/table third\n1 ,a=2,\n"


def test_what_is_held_is_seen_at_once_and_on_disk_after_it_is_settled(tmp_path: Path) -> None:
    store = _stored(tmp_path, b"1 ,a=1,\n")
    store.hold()
    store.put_shard(1, 0, "new", Section(b"1 ,a=2,\n", (1, 0, 0)))
    assert store.section(1, 0) == b"1 ,a=2,\n"
    assert store.holders(1, {b"1", b"2"}) == {0: {b"1": b",a=2,"}}
    assert b"".join(store.whole_map(("new",), "m")) == b"/table m\n1 ,a=2,\n"
    assert Store(tmp_path).section(1, 0) == b"1 ,a=1,\n"
    store.settle()
    assert Store(tmp_path).section(1, 0) == b"1 ,a=2,\n"
