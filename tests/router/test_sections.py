"""Lines of the directory to lines of HAProxy's maps."""

import pytest
from agent.directory import parse_shard
from agent.maps import MAPS, difference, sections

LINE = b"acme\t1001\talpha\tactive\tacme-inc\ta.example.com,b.example.org\t\n"


def test_a_line_says_all_about_an_organization() -> None:
    (found,) = parse_shard(LINE, 0, 1)
    assert sections([found]) == {
        "path": b"acme-inc @acme\n",
        "host": b"a.example.com acme\nb.example.org acme\n",
        "name": b"acme active:alpha:1001:acme\n",
    }
    plain = parse_shard(b"acme\t1\talpha\tgone\tacme\t\t\n", 0, 1)
    assert sections(plain) == {"path": b"acme gone:alpha:1:acme\n", "host": b"", "name": b""}
    assert parse_shard(b"", 0, 1) == []


@pytest.mark.parametrize("path", [b"acme", b"acme-inc"])
def test_a_move_is_one_entry_for_all_ways_to_an_organization(path: bytes) -> None:
    lines = [
        LINE.replace(b"acme-inc", path).replace(b"alpha", cell) for cell in (b"alpha", b"beta")
    ]
    before, after = (sections(parse_shard(line, 0, 1)) for line in lines)
    changed = {name: difference(before[name], after[name])[1] for name in MAPS}
    assert sum(map(len, changed.values())) == 1


@pytest.mark.parametrize("limits", [b"100/20", b"100/", b"/20"])
def test_limits_stand_last(limits: bytes) -> None:
    (found,) = parse_shard(LINE.replace(b"\t\n", b"\t%s\n" % limits), 0, 1)
    assert sections([found])["name"] == b"acme active:alpha:1001:acme:%s\n" % limits


def test_a_maintenance_says_its_seconds() -> None:
    (found,) = parse_shard(LINE.replace(b"active", b"maintenance-900"), 0, 1)
    assert sections([found])["name"] == b"acme maintenance-900:alpha:1001:acme\n"
