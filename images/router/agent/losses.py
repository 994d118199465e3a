"""What a change of the directory takes from organizations, entry by entry.

An organization loses something if it vanishes, if its path or id becomes another's, if it changes
its cell, or if it is served no more; a host, if it is not known any more as that organization's.
As many strangers may have come instead: what counts is who was known. Coming back is no loss.
Refuses to judge how much may be lost (`guard`).
"""

from dataclasses import dataclass, field

from agent.directory import MalformedError

VANISH = "vanish or become another's"
MOVE = "change their cell"
STOP = "are served no more"

_SERVED = b"active"
_END, _ALONE, _BEHIND, _NAMED = b"\n", b"\n=", b"\r=", b"@"
_Entries = dict[bytes, bytes]


@dataclass(slots=True)
class Losses:
    """Why organizations, by name, and hosts lose what they had: one of the reasons above."""

    organizations: dict[bytes, str] = field(default_factory=dict)
    hosts: dict[bytes, str] = field(default_factory=dict)

    def join(self, other: "Losses") -> None:
        """Take in what is lost elsewhere."""
        self.organizations |= other.organizations
        self.hosts |= other.hosts


def losses(old: bytes, new: bytes) -> Losses:
    """Return what is lost where a well-formed text of the directory takes another one's place.

    Quick where little differs: only buckets that differ are taken apart, each beside its own, in
    which alone routers look for a key. Raises MalformedError for an entry that one holds twice,
    which could hide a loss.
    """
    before, after = _buckets(old), _buckets(new)
    now = {bucket[:6]: _checked(bucket) for bucket in after - before}
    found = Losses()
    for bucket in before - after:
        has = now.get(bucket[:6], {})
        for key, value in _entries(bucket):
            if has.get(key) != value:
                _compare(key, value, has, found)
    return found


def _compare(key: bytes, value: bytes, has: _Entries, found: Losses) -> None:
    """Add what is lost of an entry that is not as it was."""
    if b":" not in value:
        if b"." in key:
            found.hosts[key] = VANISH
        else:
            found.organizations[value[1:]] = VANISH
        return
    name = key.removeprefix(b"@")
    said = has.get(key, b"")
    if b":" not in said and key != name:
        said = has.get(name, b"")  # its path has become its name
    reason = _reason(value, said) if b":" in said else VANISH
    if reason:
        found.organizations[name] = reason


def _reason(before: bytes, after: bytes) -> str:
    """Return why one home is less than the one before, empty if it is not."""
    old_state, old_cell, old_id, _ = before.split(b":", 3)
    state, cell, id_, _ = after.split(b":", 3)
    if id_ != old_id:
        return VANISH
    if cell != old_cell:
        return MOVE
    return STOP if old_state == _SERVED != state else ""


def _buckets(text: bytes) -> set[bytes]:
    """Return a text's lines, each with the lines of single entries behind it."""
    return set(text.replace(_ALONE, _BEHIND).split(_END))


def _entries(bucket: bytes) -> list[list[bytes]]:
    """Return the key and the value of each entry."""
    line, *alone = bucket.split(_BEHIND)
    inside = line[len(b"123456 ,") : -1]
    entries = [entry.split(b"=", 1) for entry in inside.split(b",")] if inside else []
    return entries + [entry.split(b" ", 1) for entry in alone] if alone else entries


def _checked(bucket: bytes) -> _Entries:
    """Return a bucket's entries; raises MalformedError for one that is said twice."""
    listed = _entries(bucket)
    entries = dict(listed)
    twice = [key for key, _ in listed] if len(entries) < len(listed) else []
    if _NAMED in bucket:
        names = [key for key in entries if key.startswith(_NAMED)]
        twice += [key for key in names if b":" in entries.get(key[1:], b"")]
    if twice:
        raise MalformedError(f"bucket {bucket[:6].decode()}: an entry is said twice")
    return entries
