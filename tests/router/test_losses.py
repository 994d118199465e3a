"""What counts as a loss between two forms of a shard, entry by entry."""

import pytest
from agent.directory import MalformedError
from agent.losses import MOVE, STOP, VANISH, losses

from tests.router.directory import bucket_of, shard_texts

HOME = "active:alpha:7:acme"
HOST = ("acme.example.com", "acme")
Pairs = list[tuple[str, str]]


def text_of(pairs: Pairs) -> bytes:
    return shard_texts([*pairs, ("n1", "active:alpha:8:n1")], 1)[0].encode()


def lost(old: Pairs, new: Pairs) -> dict[str, str]:
    found = losses(text_of(old), text_of(new))
    return {key.decode(): why for key, why in (found.organizations | found.hosts).items()}


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("active:beta:7:acme", MOVE),
        ("suspended:beta:7:acme", MOVE),
        ("active:alpha:9:acme", VANISH),
        ("@other", VANISH),
        *((f"{state}:alpha:7:acme", STOP) for state in ("suspended", "gone", "fenced")),
        *((f"{state}:alpha:7:acme", STOP) for state in ("maintenance", "maintenance-60")),
        (f"{HOME}:10/2", None),
    ],
)
def test_what_an_organization_loses(value: str, why: str | None) -> None:
    assert lost([("acme", HOME)], [("acme", value)]) == ({"acme": why} if why else {})


@pytest.mark.parametrize("state", ["suspended", "gone", "maintenance-60", "active"])
def test_who_was_not_served_loses_nothing_but_its_place(state: str) -> None:
    before: Pairs = [("acme", "suspended:alpha:7:acme")]
    assert lost(before, [("acme", f"{state}:alpha:7:acme")]) == {}
    assert lost(before, [("acme", f"{state}:beta:7:acme")]) == {"acme": MOVE}
    assert lost(before, []) == {"acme": VANISH}


def test_hosts_that_vanish_or_lead_to_another() -> None:
    assert lost([("acme", HOME), HOST], [("acme", HOME)]) == {"acme.example.com": VANISH}
    given = [("acme", HOME), ("acme.example.com", "n1")]
    assert lost([("acme", HOME), HOST], given) == {"acme.example.com": VANISH}
    assert lost([("acme", HOME)], [("acme", HOME), HOST]) == {}


def test_a_path_beside_the_name() -> None:
    named: Pairs = [("@acme", HOME), ("shop", "@acme")]
    assert lost([("acme", HOME)], named) == {"acme": VANISH}, "who asks by its path finds nothing"
    assert lost(named, [("@acme", HOME), ("shop", "@n1")]) == {"acme": VANISH}
    assert lost(named, [("acme", HOME), ("shop", "@acme")]) == {}, "the name still leads to it"
    moved: Pairs = [("@acme", "active:beta:7:acme"), ("shop", "@acme")]
    assert lost(named, moved) == {"acme": MOVE}
    taken = [("acme", "@n1"), *named]
    assert lost(taken, [("acme", "@n1"), ("shop", "@acme")]) == {"acme": VANISH}


def test_entries_that_get_lines_of_their_own_lose_nothing() -> None:
    text = text_of([("acme", HOME)])
    bucket = b"%d " % bucket_of("acme")
    alone = text.replace(bucket + b",acme=", bucket + b",\n=acme ").replace(b":acme,\n", b":acme\n")
    assert alone != text
    found = losses(text, alone)
    assert not found.organizations
    moved = losses(text, alone.replace(b"=acme active:alpha", b"=acme active:beta"))
    assert moved.organizations == {b"acme": MOVE}


def test_nothing_and_everything() -> None:
    text = text_of([("acme", HOME), HOST])
    assert losses(b"", text).organizations == {}
    found = losses(text, b"")
    assert (set(found.organizations), set(found.hosts)) == ({b"acme", b"n1"}, {HOST[0].encode()})


@pytest.mark.parametrize(
    "hidden",
    [
        b",acme=active:beta:7:acme,acme=active:alpha:7:acme,\n",
        b",acme=active:beta:7:acme,\n=acme active:alpha:7:acme\n",
        b",@acme=active:beta:7:acme,acme=active:alpha:7:acme,\n",
        b",acme=active:alpha:7:acme,\n=@acme active:beta:7:acme\n",
    ],
)
def test_an_entry_that_is_said_twice_is_malformed(hidden: bytes) -> None:
    """Which of them HAProxy takes need not be the one that was compared."""
    text = text_of([("acme", HOME)])
    line = b",acme=active:alpha:7:acme,\n"
    assert line in text
    with pytest.raises(MalformedError, match="twice"):
        losses(text, text.replace(line, hidden))


def test_an_entry_in_another_bucket_does_not_stand_for_one_in_its_own() -> None:
    text = text_of([("acme", HOME)])
    entry = b"acme=active:alpha:7:acme,"
    moved = text.replace(entry, b"").replace(b",n1=", b"," + entry + b"n1=")
    assert losses(text, moved).organizations == {b"acme": VANISH}


def test_names_that_only_look_alike_are_two() -> None:
    """Both in one bucket, and one of them is the other without its first letter."""
    line = b"131072 ,acme=active:alpha:1:acme,cme=active:alpha:2:cme,@x=active:alpha:3:x,\n"
    assert losses(line.replace(b":alpha:", b":beta:"), line).organizations == {
        b"acme": MOVE,
        b"cme": MOVE,
        b"x": MOVE,
    }
