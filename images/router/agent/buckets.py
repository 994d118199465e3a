"""Organizations to the lines of HAProxy's map, and what differs between two tables.

An *entry* is one key of an organization and what is known by it:

    acme=state:cell:id:organization[:limits]   its path where that is its name, as it mostly is
    acme-inc=@acme                             its path, else
    @acme=state:cell:id:organization[:limits]  its name, then
    acme.example.com=acme                      each of its hosts

So one entry says where an organization is and how it fares: whatever way a request comes, a move is
seen by all or by none. A *line* of the map holds all entries whose keys have the same hash:

    <CRC-32 of the key, without the @, modulo 131,072> ,<entry>,<entry>,...,

since an entry by itself costs HAProxy 304 bytes, and another one in a line its length. What is
beyond the length of a line (many keys can be made to have one hash) has lines of its own,
`=<key> <value>`.

A *section* is what one shard gives to the lines. Where two shards hold the same key (for a moment,
while a path goes from one organization to another) the lower shard counts: the first in a line is
found. Refuses to know where sections are kept and how HAProxy is spoken to.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple
from zlib import crc32

from agent.directory import Organization
from agent.lines import key_of, lines_of

KINDS = ("path", "host", "name")
"""The kinds of entries; every organization has one by path."""

BUCKETS = 131_072
"""As many lines the map has at most, but for those that are too long. A multiple of the number of
shards, if that is a power of two, so that all names of a bucket are in one shard."""

LONGEST = 8_000
"""Bytes of entries in one line; HAProxy reads a command or a line of a file into 16 kB."""

MARK = b"/table"
"""Key under which the map names the table that it was made from; no bucket and no entry."""

Lines = dict[bytes, bytes]


class Section(NamedTuple):
    """Sorted lines, and the number of entries of each kind in them."""

    text: bytes
    entries: tuple[int, ...]


@dataclass(slots=True)
class Change:
    """What to do to the map: lines to add, to give another text, and to delete."""

    add: Lines = field(default_factory=dict)
    set: Lines = field(default_factory=dict)
    delete: list[bytes] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.add) + len(self.set) + len(self.delete)


def section(organizations: Iterable[Organization]) -> Section:
    """Return what the organizations of a shard give to the map."""
    lines: defaultdict[int, list[bytes]] = defaultdict(list)
    count = hosts = names = 0
    for name, number, cell, state, path, its_hosts, limits in organizations:
        count += 1
        bucket = lines[crc32(name) % BUCKETS]
        value = b"%s=%s:%s:%s:%s:%s," if limits else b"%s=%s:%s:%s:%s%s,"
        said = value % (name, state, cell, number, name, limits)
        if path == name:
            bucket.append(said)
        else:
            names += 1
            bucket.append(b"@" + said)
            lines[crc32(path) % BUCKETS].append(b"%s=@%s," % (path, name))
        if its_hosts:
            for host in its_hosts.split(b","):
                hosts += 1
                lines[crc32(host) % BUCKETS].append(b"%s=%s," % (host, name))
    texts = sorted((b"%d" % bucket, b"".join(entries)) for bucket, entries in lines.items())
    return Section(b"".join([b"%s ,%s\n" % line for line in texts]), (count, hosts, names))


def in_map(bucket: bytes, texts: list[bytes]) -> Lines:
    """Return the lines for one bucket from the shards' texts, those of lower shards first."""
    if not texts:
        return {}
    text = texts[0] if len(texts) == 1 else b"".join([texts[0], *(one[1:] for one in texts[1:])])
    if len(text) <= LONGEST:
        return {bucket: text}
    end = text.rindex(b",", 0, LONGEST) + 1
    lines = {bucket: text[:end]}
    for entry in text[end:-1].split(b","):
        key, _, value = entry.partition(b"=")
        lines.setdefault(b"=" + key, value)
    return lines


def map_lines(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the map's lines for those of all sections, sorted by bucket and then by shard."""
    for bucket, same in groupby(lines, key_of):
        texts = [line[len(bucket) + 1 :] for line in same]
        yield from (b"%s %s" % line for line in in_map(bucket, texts).items())


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


def change_between(
    before: Mapping[int, Lines],
    after: Mapping[int, Lines],
    holders: Callable[[set[bytes]], Mapping[int, Lines]],
) -> Change:
    """Return the change to the map when shards go from `before` to `after`.

    Both hold, by number of the shard, only the lines that differ. `holders` tells which shards
    hold lines for some buckets in the new table.
    """
    buckets = {bucket for lines in (*before.values(), *after.values()) for bucket in lines}
    new = holders(buckets)
    old = {number: dict(lines) for number, lines in new.items()}
    for number, lines in after.items():
        for bucket in lines:
            del old[number][bucket]
    for number, lines in before.items():
        old.setdefault(number, {}).update(lines)
    old_texts, new_texts = _by_bucket(old), _by_bucket(new)
    change = Change()
    for bucket in buckets:
        old_lines = in_map(bucket, old_texts[bucket])
        new_lines = in_map(bucket, new_texts[bucket])
        for key, text in new_lines.items():
            if key not in old_lines:
                change.add[key] = text
            elif old_lines[key] != text:
                change.set[key] = text
        change.delete += old_lines.keys() - new_lines.keys()
    return change


def _by_bucket(shards: Mapping[int, Lines]) -> defaultdict[bytes, list[bytes]]:
    """Return the texts for each bucket, those of lower shards first."""
    found: defaultdict[bytes, list[bytes]] = defaultdict(list)
    for number in sorted(shards):
        for bucket, text in shards[number].items():
            found[bucket].append(text)
    return found
