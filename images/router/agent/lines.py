"""Lines of HAProxy's map, and what differs between two forms of a shard.

A shard of the directory holds its part of the map's lines as they are, so what leads from one form
to another is found without knowing what they say. Refuses to know where shards are kept and how
HAProxy is spoken to.
"""

from dataclasses import dataclass, field

MARK = b"/table"
"""Key under which the map names the table that it was made from; no line of a shard has it."""

Lines = dict[bytes, bytes]


@dataclass(slots=True)
class Change:
    """What to do to the map: lines to add, to give another text, and to delete."""

    add: Lines = field(default_factory=dict)
    set: Lines = field(default_factory=dict)
    delete: list[bytes] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.add) + len(self.set) + len(self.delete)

    def join(self, other: "Change") -> None:
        """Take in what changes in another shard; no line is in two of them."""
        self.add |= other.add
        self.set |= other.set
        self.delete += other.delete


def lines_of(text: bytes) -> Lines:
    """Return the texts of lines `key text` by key."""
    words = text.split()
    return dict(zip(words[::2], words[1::2], strict=True))


def between(before: Lines, after: Lines) -> Change:
    """Return what leads from some lines to others."""
    return Change(
        add={key: text for key, text in after.items() if key not in before},
        set={key: text for key, text in after.items() if before.get(key, text) != text},
        delete=[key for key in before if key not in after],
    )


def difference(old: bytes, new: bytes) -> Change:
    """Return what leads from one form of a shard to another.

    Quick where little differs: what both begin and end with is not taken apart.
    """
    begin = old.rfind(b"\n", 0, _common(old, new)) + 1
    old, new = old[begin:], new[begin:]
    end = _common(old[::-1], new[::-1])
    end = len(old) - (old.find(b"\n", len(old) - end) + 1 or len(old))
    return between(lines_of(old[: len(old) - end]), lines_of(new[: len(new) - end]))


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
