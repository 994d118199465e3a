"""Outcomes kept from one run to the next."""

import os
import stat
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cellwright.edge import cache
from cellwright.edge.cache import cache_folder, outcome_of, outcome_of_some
from cellwright.edge.files import read
from cellwright.outcome import Outcome
from cellwright.snapshot import Snapshot
from tests.fleets import ROOT

SNAPSHOT = read(ROOT)


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> list[Snapshot]:
    """Return the snapshots that were planned, in order."""
    seen: list[Snapshot] = []
    whole = outcome_of_some(SNAPSHOT, None)

    def plan(snapshot: Snapshot, stacks: Any) -> Outcome:
        assert stacks is None
        seen.append(snapshot)
        return whole

    monkeypatch.setattr(cache, "outcome_of_some", plan)
    return seen


def fails(error: OSError) -> None:
    raise AssertionError(error)


def test_what_has_not_changed_is_planned_once(tmp_path: Path, planned: list[Snapshot]) -> None:
    first = outcome_of(SNAPSHOT, tmp_path / "a" / "b", fails)
    again = outcome_of(read(ROOT), tmp_path / "a" / "b", fails)
    assert first == again
    assert first.problems == ()
    assert len(first.files()) > 100
    assert len(planned) == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"definitions": {**SNAPSHOT.definitions, "cells/new.yaml": b""}},
        {"definitions": {**SNAPSHOT.definitions, "cells/alpha.yaml": b"x"}},
        {"templates": {**SNAPSHOT.templates, "x.yaml.j2": ""}},
        {"schemas": {**SNAPSHOT.schemas, "x.json": {}}},
        {"api_types": {**SNAPSHOT.api_types, "local": {}}},
        {"values_schema": {}},
        {"values_schema": True},
    ],
)
def test_whatever_changes_is_planned_anew(
    tmp_path: Path, planned: list[Snapshot], changed: dict[str, Any]
) -> None:
    outcome_of(SNAPSHOT, tmp_path, fails)
    outcome_of(replace(SNAPSHOT, **changed), tmp_path, fails)
    assert len(planned) == 2


def test_another_program_plans_anew(
    tmp_path: Path, planned: list[Snapshot], monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome_of(SNAPSHOT, tmp_path, fails)
    monkeypatch.setattr(cache.sys, "version", "9.9.9")
    outcome_of(SNAPSHOT, tmp_path, fails)
    assert len(planned) == 2


@pytest.mark.parametrize("damage", [b"", b"cellwright outcome 1\n", None])
def test_a_damaged_file_is_made_again(
    tmp_path: Path, planned: list[Snapshot], damage: bytes | None
) -> None:
    first = outcome_of(SNAPSHOT, tmp_path, fails)
    (kept,) = tmp_path.iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(whole[:-1] + b"x" if damage is None else damage)
    assert outcome_of(SNAPSHOT, tmp_path, fails) == first
    assert len(planned) == 2
    assert kept.read_bytes() == whole


def test_only_the_last_ones_used_are_kept(tmp_path: Path, planned: list[Snapshot]) -> None:
    snapshots = [replace(SNAPSHOT, values_schema={"n": number}) for number in range(6)]
    for age, one in enumerate(snapshots):
        outcome_of(one, tmp_path, fails)
        newest = max(tmp_path.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        os.utime(newest, (age, age))
    assert len(list(tmp_path.iterdir())) == 4
    outcome_of(snapshots[-1], tmp_path, fails)
    assert len(planned) == 6
    outcome_of(snapshots[0], tmp_path, fails)
    assert len(planned) == 7


def test_runs_at_once_do_not_disturb_each_other(tmp_path: Path, planned: list[Snapshot]) -> None:
    found: list[Outcome] = []

    def go(number: int) -> None:
        for _ in range(5):
            one = replace(SNAPSHOT, values_schema={"n": number % 6})
            found.append(outcome_of(one, tmp_path, fails))

    threads = [threading.Thread(target=go, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 60
    assert all(one == found[0] for one in found)
    assert planned


def test_what_killed_runs_left_is_dropped(tmp_path: Path, planned: list[Snapshot]) -> None:
    old, new = tmp_path / "a.part", tmp_path / "b.part"
    for one in (old, new):
        one.write_bytes(b"x")
    os.utime(old, (0, 0))
    outcome_of(SNAPSHOT, tmp_path, fails)
    assert not old.exists()
    assert new.exists()
    assert planned


def test_others_may_not_read_it(tmp_path: Path, planned: list[Snapshot]) -> None:
    folder = tmp_path / "new"
    outcome_of(SNAPSHOT, folder, fails)
    (kept,) = folder.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert planned


def test_a_folder_that_can_not_be_written_only_costs_time(
    tmp_path: Path, planned: list[Snapshot]
) -> None:
    (tmp_path / "file").write_text("")
    told: list[OSError] = []
    for _ in range(2):
        assert outcome_of(SNAPSHOT, tmp_path / "file" / "below", told.append).problems == ()
    assert len(planned) == len(told) == 2


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"CELLWRIGHT_CACHE": "/c"}, "/c/outcomes"),
        ({"XDG_CACHE_HOME": "/x"}, "/x/cellwright/outcomes"),
        ({"HOME": "/h"}, "/h/.cache/cellwright/outcomes"),
    ],
)
def test_the_folder_is_the_user_s(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: str
) -> None:
    for name in ("CELLWRIGHT_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert str(cache_folder()) == expected
