"""From one form of a shard to the next, and the file that HAProxy starts from."""

from pathlib import Path

import pytest
from agent.haproxy import pieces
from agent.lines import Lines, difference, lines_of
from agent.pending import MANY, Pending
from agent.publish import Edition, Publisher
from agent.store import MovedOnError, Shard, Store
from hypothesis import given
from hypothesis import strategies as st

_KEYS = st.text("ab-.1", min_size=1, max_size=3).map(str.encode)
_LINES = st.dictionaries(_KEYS, st.sampled_from([b",1,", b",2,", b"a:b"]), max_size=8)


def _text(found: Lines) -> bytes:
    return b"".join(b"%s %s\n" % pair for pair in sorted(found.items()))


@given(_LINES, _LINES)
def test_a_difference_leads_from_one_form_to_the_other(old: Lines, new: Lines) -> None:
    assert lines_of(_text(new)) == new
    change = difference(_text(old), _text(new))
    assert not change.add.keys() & old.keys()
    assert change.set.keys() <= old.keys()
    assert all(old[key] != text for key, text in change.set.items())
    left = {key: text for key, text in old.items() if key not in change.delete}
    assert len(left) == len(old) - len(change.delete)
    assert {**left, **change.add, **change.set} == new


@given(
    st.lists(st.binary(max_size=9).map(lambda one: one.replace(b"\n", b"") + b"\n")),
    st.integers(1, 30),
)
def test_pieces_keep_all_lines_and_stay_small(lines: list[bytes], limit: int) -> None:
    made = list(pieces(b"".join(lines), limit))
    assert b"".join(made) == b"".join(lines)
    assert all(piece.endswith(b"\n") for piece in made)
    assert all(len(piece) <= limit or piece.count(b"\n") == 1 for piece in made)


def _stored(folder: Path, *shards: bytes) -> Store:
    store = Store(folder)
    for number, text in enumerate(shards):
        store.put_shard(len(shards), number, Shard(f"checksum-{number}", (1, 0, 0)), text)
    return store


def test_what_changes_between_two_words_to_haproxy(tmp_path: Path) -> None:
    """A shard may change twice; what counts is how it was when HAProxy was told."""
    store = _stored(tmp_path, b"1 ,a,\n2 ,b,\n", b"3 ,c,\n4 ,d,\n")
    pending = Pending("mark")
    for number, text in ((0, b"1 ,x,\n"), (1, b"3 ,c,\n4 ,y,\n5 ,e,\n"), (0, b"1 ,z,\n2 ,b,\n")):
        pending.note(number, store.text(2, number), 2, 4)
        store.put_shard(2, number, Shard("new", (2, 0, 0)), text)
    change = pending.change(store, 2)
    assert change is not None
    assert (change.add, change.set, change.delete) == (
        {b"5": b",e,"},
        {b"1": b",z,", b"4": b",y,"},
        [],
    )
    assert not pending.large


@pytest.mark.parametrize(
    ("shards", "total", "large", "anew"),
    [
        (1, MANY, False, False),
        (2, MANY, True, True),
        (2, 100 * MANY, True, False),
        (26, 100 * MANY, True, True),
    ],
)
def test_a_large_change_is_built_anew(
    tmp_path: Path, shards: int, total: int, large: bool, anew: bool
) -> None:
    store = _stored(tmp_path, *[b""] * shards)
    pending = Pending("mark")
    for number in range(shards):
        pending.note(number, b"", MANY, total)
    assert pending.large == large
    assert (pending.change(store, shards) is None) == anew


def test_the_file_has_the_lines_of_all_shards(tmp_path: Path) -> None:
    store = _stored(tmp_path, b"1 ,a=1,\n2 ,d=4,\n", b"3 ,c=3,\n")
    publisher = Publisher(store)
    publisher.want(Edition(("checksum-0", "checksum-1"), "first", {"alpha": "127.0.0.1/80"}))
    publisher.flush()
    assert store.map_file("table").read_bytes() == b"/table first\n1 ,a=1,\n2 ,d=4,\n3 ,c=3,\n"
    assert store.map_file("cells").read_bytes() == b"alpha 127.0.0.1/80\n"
    assert store.mark() == "first"


def test_the_file_says_of_no_other_shards_that_they_are_this_table(tmp_path: Path) -> None:
    """The main loop may have taken the next form of a shard while the last edition is written."""
    store = _stored(tmp_path, b"1 ,a=1,\n")
    publisher = Publisher(store)
    publisher.want(Edition(("checksum-0",), "first", {}))
    publisher.flush()
    store.put_shard(1, 0, Shard("later", (1, 0, 0)), b"1 ,a=2,\n")
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
    store.put_shard(1, 0, Shard("new", (1, 0, 0)), b"1 ,a=2,\n")
    assert store.text(1, 0) == b"1 ,a=2,\n"
    assert b"".join(store.whole_map(("new",), "m")) == b"/table m\n1 ,a=2,\n"
    assert Store(tmp_path).text(1, 0) == b"1 ,a=1,\n"
    store.settle()
    assert Store(tmp_path).text(1, 0) == b"1 ,a=2,\n"


@pytest.mark.parametrize(("synced", "shard"), [(1, b"1 ,a=1,\n"), (2, b"1 ,a=2,\n")])
def test_what_is_settled_takes_its_place_in_order_when_all_of_it_is_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, synced: int, shard: bytes
) -> None:
    """A disk that refuses a file leaves all as they were; refusing a folder, it leaves the rest."""
    store = _stored(tmp_path, b"1 ,a=1,\n")
    store.hold()
    store.put_shard(1, 0, Shard("new", (1, 0, 0)), b"1 ,a=2,\n")
    store.keep("state", {"shards": 1})
    syncs = iter([*[None] * synced, OSError(28, "No space left on device")])

    def sync(_opened: int) -> None:
        if refused := next(syncs):
            raise refused

    monkeypatch.setattr("os.fsync", sync)
    with pytest.raises(OSError, match="No space"):
        store.settle()
    assert Store(tmp_path).text(1, 0) == shard
    assert Store(tmp_path).recall("state") == {}
