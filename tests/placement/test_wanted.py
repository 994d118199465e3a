"""Whom a shard gives to a cell; no container is needed."""

import pytest
from agent.directory import MalformedError, check_shard, parse_homes
from placement.wanted import Organization, Wanted, wanted

from tests.router.directory import Directory, shard_texts

NOBODY = Wanted([], [])


def directory() -> Directory:
    found = Directory(shards=1)
    found.add("acme", "alpha", hosts=("acme.example.com", "a.example.com"))
    found.add("umbrella", "alpha", path="umb", limits="10/20")
    found.add("globex", "beta")
    found.add("hooli", "alpha-2")
    for state in ("maintenance", "maintenance-900", "fenced", "suspended", "gone"):
        found.add(f"in-{state}", "alpha", state=state)
    return found


def given(found: Directory, cell: str) -> Wanted:
    return wanted(found.texts()["directory-00"].encode(), found.homes("directory-00"), cell)


def names(found: list[Organization]) -> list[str]:
    return sorted(one.name for one in found)


def test_a_cell_is_given_those_that_live_there() -> None:
    found = given(directory(), "alpha")
    residents = ["acme", "in-fenced", "in-maintenance", "in-maintenance-900", "in-suspended"]
    assert names(found.residents) == [*residents, "umbrella"]
    assert found.visitors == []
    acme = directory().organizations["acme"]
    assert Organization(acme.id, "acme") in found.residents
    assert names(given(directory(), "beta").residents) == ["globex"]
    assert given(directory(), "gamma") == NOBODY


@pytest.mark.parametrize(("writes", "role"), [("refuse", 1), ("fork", 0)])
def test_an_override_makes_a_visitor_or_a_resident_beside_the_home(writes: str, role: int) -> None:
    found = directory()
    found.change("acme", cell="beta", home="alpha", writes=writes)
    assert "acme" in names(given(found, "alpha").residents)
    there = given(found, "beta")
    assert [("acme" in names(some)) for some in there] == [role == 0, role == 1]
    assert "acme" not in names(given(found, "alpha-2").residents)
    found.change("acme", home="beta")  # an override to its own home
    assert "acme" in names(given(found, "beta").residents)
    assert given(found, "beta").visitors == []


def test_entries_with_lines_of_their_own_are_found() -> None:
    entries = [(f"k{number}", f"active:alpha:{number}:k{number}") for number in range(1, 300)]
    alone = "=maintenance fenced:alpha:7000:maintenance\n=x.example.com acme\n"
    (text,) = shard_texts(entries, 1)
    found = wanted((text + alone).encode(), "", "alpha")
    assert len(found.residents) == 300
    assert found.residents[-1] == Organization(7000, "maintenance")


def test_what_it_reads_is_what_the_agent_checks() -> None:
    text = directory().texts()["directory-00"].encode()
    check_shard(text, 0, 1)
    everybody = [name for cell in ("alpha", "beta", "alpha-2") for name in given_names(text, cell)]
    assert sorted([*everybody, "in-gone"]) == sorted(directory().organizations)


def given_names(text: bytes, cell: str) -> list[str]:
    return names(wanted(text, "", cell).residents)


@pytest.mark.parametrize(
    "text",
    ["acme alpha refuse", "acme alpha\n", "acme alpha keep\n", "Acme alpha fork\n", " \n", "\n",
     "acme alpha fork\nacme beta fork\n", "acme  alpha fork\n", "acme alpha fork \n", "é a fork\n"],
)  # fmt: skip
def test_malformed_homes_are_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        parse_homes(text)
