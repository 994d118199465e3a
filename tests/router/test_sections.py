"""Lines of the directory to lines of HAProxy's map, and from one table to the next."""

from collections.abc import Mapping
from zlib import crc32

import pytest
from agent import buckets
from agent.buckets import Change, Lines, Section, change_between, difference, in_map, section
from agent.directory import parse_shard
from agent.lines import lines_of
from hypothesis import given
from hypothesis import strategies as st

LINE = b"acme\t1001\talpha\tactive\tacme-inc\ta.example.com,b.example.org\t\n"


def _section(text: bytes) -> Section:
    return section(parse_shard(text, 0, 1))


def _entries(lines: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """Return the entries by key; each has to stand in the line of its key's hash."""
    found: dict[bytes, bytes] = {}
    for bucket, line in lines.items():
        assert line[:1] == line[-1:] == b","
        for key, value in (entry.split(b"=") for entry in line[1:-1].split(b",")):
            assert bucket == b"%d" % (crc32(key.removeprefix(b"@")) % 131072)
            found.setdefault(key, value)
    return found


def test_a_line_says_all_about_an_organization() -> None:
    found = _section(LINE)
    assert _entries(lines_of(found.text)) == {
        b"acme-inc": b"@acme",
        b"@acme": b"active:alpha:1001:acme",
        b"a.example.com": b"acme",
        b"b.example.org": b"acme",
    }
    assert found.entries == (1, 2, 1)
    plain = _section(b"acme\t1\talpha\tgone\tacme\t\t\n")
    assert _entries(lines_of(plain.text)) == {b"acme": b"gone:alpha:1:acme"}
    assert plain.entries == (1, 0, 0)
    assert _section(b"") == Section(b"", (0, 0, 0))


def test_lines_are_sorted_and_keys_with_the_same_hash_share_one() -> None:
    names = sorted(b"org-%d" % (number * number) for number in range(3000))
    text = b"".join(b"%s\t1\talpha\tactive\t%s\t\t\n" % (name, name) for name in names)
    found = lines_of(_section(text).text)
    assert list(found) == sorted({b"%d" % (crc32(name) % 131072) for name in names})
    assert len(found) < 3000
    assert _entries(found).keys() == set(names)


@pytest.mark.parametrize("path", [b"acme", b"acme-inc"])
def test_a_move_is_one_entry_for_all_ways_to_an_organization(path: bytes) -> None:
    lines = [
        LINE.replace(b"acme-inc", path).replace(b"alpha", cell) for cell in (b"alpha", b"beta")
    ]
    before, after = (_entries(lines_of(_section(line).text)) for line in lines)
    assert len(before.items() ^ after.items()) == 2


@pytest.mark.parametrize("limits", [b"100/20", b"100/", b"/20"])
def test_limits_stand_last(limits: bytes) -> None:
    found = _section(LINE.replace(b"\t\n", b"\t%s\n" % limits))
    assert _entries(lines_of(found.text))[b"@acme"] == b"active:alpha:1001:acme:%s" % limits


def test_a_maintenance_says_its_seconds() -> None:
    found = _section(LINE.replace(b"active", b"maintenance-900"))
    assert _entries(lines_of(found.text))[b"@acme"] == b"maintenance-900:alpha:1001:acme"


class Model:
    """A map as HAProxy keeps it: lines in order, the first of a key is found."""

    def __init__(self) -> None:
        self.lines: list[tuple[bytes, bytes]] = []

    def make(self, change: Change) -> None:
        for key, value in change.add.items():
            assert key not in self.found()
            self.lines.append((key, value))
        for key, value in change.set.items():
            assert key in self.found()
            self.lines = [(k, value if k == key else v) for k, v in self.lines]
        for key in change.delete:
            assert key in self.found()
            self.lines = [(k, v) for k, v in self.lines if k != key]

    def found(self) -> Lines:
        return dict(reversed(self.lines))

    def look_up(self, bucket: bytes, key: bytes) -> bytes | None:
        """Find a key as the router's configuration does."""
        lines = self.found()
        for entry in lines.get(bucket, b",").strip(b",").split(b","):
            if entry.startswith(key + b"="):
                return entry.partition(b"=")[2]
        return lines.get(b"=" + key)


_KEYS = {b"1": (b"a", b"b", b"@c"), b"2": (b"e", b"d.d")}
_SECTION = st.fixed_dictionaries(
    {},
    optional={
        bucket: st.dictionaries(st.sampled_from(keys), st.sampled_from([b"x", b"y"]), min_size=1)
        for bucket, keys in _KEYS.items()
    },
)
_STEP = st.dictionaries(st.integers(0, 3), _SECTION, min_size=1)


def _text(lines: Mapping[bytes, Mapping[bytes, bytes]]) -> bytes:
    made = {
        bucket: b"".join(b"%s=%s," % entry for entry in entries.items())
        for bucket, entries in lines.items()
    }
    return b"".join(b"%s ,%s\n" % line for line in sorted(made.items()))


@given(st.lists(_STEP, max_size=8), st.sampled_from([5, 12, 100]))
def test_changes_lead_to_the_table_whatever_collides(
    steps: list[Mapping[int, Mapping[bytes, Mapping[bytes, bytes]]]], longest: int
) -> None:
    """Of shards with the same key the lowest counts, in whatever order and company they change."""
    table: dict[int, Mapping[bytes, Mapping[bytes, bytes]]] = {n: {} for n in range(4)}
    model = Model()

    def holders(asked: set[bytes]) -> dict[int, Lines]:
        found = {number: lines_of(_text(lines)) for number, lines in table.items()}
        return {
            number: {b: lines[b] for b in asked & lines.keys()} for number, lines in found.items()
        }

    for step in steps:
        before, after = {}, {}
        for number, lines in step.items():
            before[number], after[number] = difference(_text(table[number]), _text(lines))
            table[number] = lines
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(buckets, "LONGEST", longest)
            model.make(change_between(before, after, holders))
        for bucket, key in [(bucket, key) for bucket, keys in _KEYS.items() for key in keys]:
            said = [table[number].get(bucket, {}).get(key) for number in range(4)]
            wanted = next((value for value in said if value is not None), None)
            assert model.look_up(bucket, key) == wanted
        assert all(len(text) <= longest for text in model.found().values() if text[:1] == b",")


def test_what_has_no_room_in_a_line_stands_by_itself() -> None:
    entries = {b"org-%d" % number: b"active:alpha:1:org" for number in range(1000)}
    text = lines_of(_text({b"7": entries}))[b"7"]
    lines = in_map(b"7", [text])
    line = lines.pop(b"7")
    assert len(line) <= buckets.LONGEST < len(line) + 30
    rest = {key[1:]: value for key, value in lines.items()}
    within = dict(entry.split(b"=") for entry in line[1:-1].split(b","))
    assert {**within, **rest} == entries
    assert not within.keys() & rest.keys()
    assert all(key[:1] == b"=" for key in lines)
