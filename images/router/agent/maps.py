"""Organizations to the lines of HAProxy's maps, and what differs between two tables.

    path.map   /o/<path>/    -> state:cell:id:organization[:limits] where the path is the name, as
                                it mostly is; else @organization
    name.map   organization  -> the former, for these
    host.map   host          -> organization

So one entry says where an organization is and how it fares: whatever way a request comes, a move is
seen by all or by none.

A *section* is the part of a map that comes from one shard. Where two shards hold the same key (for
a moment, while a path goes from one organization to another) the lower shard counts, as it does in
HAProxy, which finds the first of two lines. Refuses to know where sections are kept and how
HAProxy is spoken to.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from agent.directory import Organization
from agent.lines import in_order

MAPS = ("path", "host", "name")

MARK = b"/table"
"""Key under which every map names the table that it was made from. No path segment and no
organization's name holds a slash, and what it holds has no state, so no request can use it."""

Lines = dict[bytes, bytes]


@dataclass(slots=True)
class Change:
    """What to do to one map: keys to add, to give another value, and to delete."""

    add: Lines = field(default_factory=dict)
    set: Lines = field(default_factory=dict)
    delete: list[bytes] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.add) + len(self.set) + len(self.delete)


def sections(organizations: Iterable[Organization]) -> dict[str, bytes]:
    """Return the section of each map, sorted by key."""
    path, host, name = bytearray(), bytearray(), bytearray()
    for one in organizations:
        said = (one.state, one.cell, one.id, one.name)
        value = b" %s:%s:%s:%s\n" % said
        if one.limits:
            value = b" %s:%s:%s:%s:%s\n" % (*said, one.limits)
        if one.path == one.name:
            path += one.name + value
        else:
            path += b"%s @%s\n" % (one.path, one.name)
            name += one.name + value
        if one.hosts:
            for each in one.hosts.split(b","):
                host += b"%s %s\n" % (each, one.name)
    return {
        "path": in_order(bytes(path)),
        "host": in_order(bytes(host)),
        "name": in_order(bytes(name)),
    }


def lines_of(section: bytes) -> Lines:
    """Return a section's lines by key."""
    words = section.split()
    return dict(zip(words[::2], words[1::2], strict=True))


def difference(old: bytes, new: bytes) -> tuple[Lines, Lines]:
    """Return the lines that only the old section has and those that only the new one has.

    Quick where little differs: what both begin and end with is not taken apart.
    """
    begin = old.rfind(b"\n", 0, _common(old, new)) + 1
    old, new = old[begin:], new[begin:]
    end = _common(old[::-1], new[::-1])
    end = len(old) - (old.find(b"\n", len(old) - end) + 1 or len(old))
    before, after = lines_of(old[: len(old) - end]), lines_of(new[: len(new) - end])
    for key in [key for key, value in before.items() if after.get(key) == value]:
        del before[key], after[key]
    return before, after


def _common(one: bytes, other: bytes) -> int:
    """Return the length of what both begin with."""
    least, most = 0, min(len(one), len(other))
    while least < most:
        size = (least + most + 1) // 2
        if one[least:size] == other[least:size]:
            least = size
        else:
            most = size - 1
    return least


def holding(section: bytes, keys: set[bytes], few: int = 8) -> Lines:
    """Return the section's lines that have one of the keys; quick for up to `few` keys."""
    if len(keys) > few:
        lines = lines_of(section)
        return {key: lines[key] for key in keys & lines.keys()}
    found: Lines = {}
    text = b"\n" + section
    for key in keys:
        at = text.find(b"\n%s " % key)
        if at >= 0:
            start = at + len(key) + 2
            found[key] = text[start : text.index(b"\n", start)]
    return found


def change_between(
    before: Mapping[int, Lines],
    after: Mapping[int, Lines],
    holders: Callable[[set[bytes]], Mapping[int, Lines]],
    contested: set[bytes],
) -> Change:
    """Return the change to one map when shards go from `before` to `after`.

    Both hold, by number of the shard, only the lines that differ. `holders` tells which shards
    hold a key in the new table; it is asked about keys that come to or leave a shard, and about
    the `contested` ones that several shards hold, since an answer costs a look at all shards.
    """
    old, new = _merged(before), _merged(after)
    asked = contested & (old.keys() | new.keys())
    for number in before.keys() | after.keys():
        asked |= before.get(number, {}).keys() ^ after.get(number, {}).keys()
    if asked:
        known = holders(asked)
        same = {
            number: {key: value for key, value in lines.items() if key not in after.get(number, {})}
            for number, lines in known.items()
        }
        old, new = _merged(before, same), _merged(after, same)
        held = Counter(key for lines in known.values() for key in lines)
        contested -= asked
        contested |= {key for key, times in held.items() if times > 1}
    return Change(
        add={key: value for key, value in new.items() if key not in old},
        set={key: value for key, value in new.items() if old.get(key, value) != value},
        delete=[key for key in old if key not in new],
    )


def _merged(*tables: Mapping[int, Lines]) -> Lines:
    merged: Lines = {}
    for number in sorted({number for table in tables for number in table}, reverse=True):
        for table in tables:
            merged |= table.get(number, {})
    return merged
