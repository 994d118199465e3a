"""Which secrets of a cell are valid, and what settings are never brought to."""

from pathlib import Path
from typing import Any

import pytest

from cellwright.edge import stack_settings
from cellwright.edge.adoption import decode_given, noted_secrets
from cellwright.edge.clusters import ClusterState
from cellwright.edge.failure import CommandError
from cellwright.edge.files import read
from cellwright.edge.settings import Settings
from cellwright.edge.stack_settings import CellThere, Ownership, cell_state, ensure
from cellwright.fleet_secrets import FleetSecrets, first_secrets
from cellwright.plan import plan
from cellwright.secret_state import Phase, State, read_cell_state, read_root_state
from tests.fleets import ROOT as WORKSPACE

FIRST = first_secrets(bytes(range(32)))
BEGUN = FIRST.with_root(bytes(range(1, 33)))
SECOND = BEGUN.in_state(State("2"))
FLEET = plan(read(WORKSPACE)).fleet


def state(text: str) -> State:
    found = read_cell_state(text)
    assert found
    return found


def test_a_cell_that_is_not_there_begins_with_the_first_version() -> None:
    assert cell_state("beta", Settings(), CellThere(), FIRST) == State("1.1")


def test_a_cell_with_a_name_that_was_used_begins_with_a_version_that_was_not() -> None:
    """Else who knows the secrets of the cell before would know its own."""
    there = CellThere(was_used=True)
    found = {cell_state("beta", Settings(), there, FIRST).new for _ in range(9)}
    assert len(found) > 1
    assert min(int(one.removeprefix("1.")) for one in found) >= 100_000


def test_a_cell_that_was_away_while_the_root_secret_changed_begins_anew() -> None:
    found = [
        cell_state("beta", Settings(), CellThere(is_there=True, noted=state(noted)), SECOND)
        for noted in ("1.1", "1.4", "1.1>2.2 accept")
    ]
    assert found == [State("2.2"), State("2.5"), State("2.3")]


@pytest.mark.parametrize(
    ("settings", "noted", "secrets"),
    [
        (Settings(has_cell_secret=True, state=State("1.1")), "1.1", SECOND),
        (Settings(), "2.2", FIRST),
        (Settings(), "1.1>2.2 accept", FIRST),
    ],
)
def test_a_root_secret_that_is_missing_is_told(
    settings: Settings, noted: str, secrets: FleetSecrets
) -> None:
    with pytest.raises(CommandError, match="stack fleet does not have"):
        cell_state("beta", settings, CellThere(is_there=True, noted=state(noted)), secrets)


def namespace(name: str, note: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "annotations": {"cellwright.dev/secrets": note}}}


def cluster(fleet: str, **cells: str) -> dict[str, ClusterState]:
    """Return the demo's cluster, whose namespaces say which secrets they have."""
    notes = {"cellwright-directory": fleet, **{f"cell-{key}": one for key, one in cells.items()}}
    bodies = {name: namespace(name, note) for name, note in notes.items() if note}
    return {"local": ClusterState("local", "uid", bodies)}


@pytest.mark.parametrize(
    ("fleet", "cells", "expected"),
    [
        ("", {}, "1"),
        ("1", {"alpha": "1.1"}, "1"),
        ("1", {"alpha": "1.1>1.2 use", "beta": "1.1"}, "1"),
        ("1", {"alpha": "1.1>2.2 accept", "beta": "1.1"}, "1>2 accept"),
        ("1>2 accept", {"alpha": "1.1>2.2 use", "beta": "1.1>2.2 accept"}, "1>2 use"),
        ("1>2 use", {"alpha": "2.2", "beta": "1.1>2.2 use"}, "1>2 end"),
        ("2", {"alpha": "2.2", "beta": "2.2"}, "2"),
    ],
)
def test_clusters_tell_which_root_secrets_are_valid(
    fleet: str, cells: dict[str, str], expected: str
) -> None:
    assert FLEET
    given = decode_given(f"{BEGUN.text()}\n")
    found = noted_secrets(FLEET, cluster(fleet, **cells), given)
    assert found.state == read_root_state(expected)
    assert found.roots.keys() >= {int(one) for one in found.state.valid}


@pytest.mark.parametrize("number", [0, 1])
def test_both_root_secrets_are_needed_in_the_middle(number: int) -> None:
    assert FLEET
    given = decode_given(BEGUN.text().split()[number])
    with pytest.raises(CommandError, match="give both words"):
        noted_secrets(FLEET, cluster("1>2 use"), given)


def test_a_first_root_secret_may_stand_in_two_lines() -> None:
    text = FIRST.text()
    assert decode_given(f"{text[:20]}\n{text[20:]}\n").roots == FIRST.roots


@pytest.mark.parametrize(
    ("said", "held", "given"),
    [
        ("1>2 use", BEGUN, FIRST),
        ("1>2 accept", BEGUN, SECOND),
        ("1>2 use", BEGUN, BEGUN),
        ("2", SECOND, BEGUN),
    ],
)
def test_settings_lose_no_root_secret_and_never_go_back(
    monkeypatch: pytest.MonkeyPatch, said: str, held: FleetSecrets, given: FleetSecrets
) -> None:
    written: list[Any] = []
    settings = Settings(given.fleet_id, {}, has_root=True, state=read_root_state(said))
    monkeypatch.setattr(stack_settings, "read_settings", lambda *_: settings)
    monkeypatch.setattr(stack_settings, "_root_text", lambda *_: held.text())
    monkeypatch.setattr(
        stack_settings, "asked_of_pulumi", lambda *asked, **_: written.append(asked)
    )
    with pytest.raises(CommandError, match="changed in the meantime: run this again"):
        ensure(Path(), "fleet", Ownership(given, {}), ["fleet"], written.append)
    assert written == []


def test_the_old_root_secret_goes_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Any] = []
    settings = Settings(BEGUN.fleet_id, {}, has_root=True, state=State("2", "1", Phase.END))
    monkeypatch.setattr(stack_settings, "read_settings", lambda *_: settings)
    monkeypatch.setattr(stack_settings, "_root_text", lambda *_: BEGUN.text())
    monkeypatch.setattr(
        stack_settings, "asked_of_pulumi", lambda *_, given="": written.append(given)
    )
    ensure(Path(), "fleet", Ownership(SECOND, {}), ["fleet"], written.append)
    assert written[0] == SECOND.text()
