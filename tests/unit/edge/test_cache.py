"""Outcomes kept from one run to the next."""

import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from cellwright.edge import cache
from cellwright.edge.cache import outcome_of, outcome_of_some
from cellwright.edge.files import snapshot
from cellwright.edge.inputs import Inputs, read_inputs
from cellwright.outcome import Outcome
from cellwright.snapshot import Snapshot
from tests.fleets import ROOT

INPUTS = read_inputs(str(ROOT))


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> list[Snapshot]:
    """Return the snapshots that were planned, in order."""
    seen: list[Snapshot] = []
    made = outcome_of_some(snapshot(INPUTS), None)

    def plan(whole: Snapshot, stacks: Any) -> Outcome:
        assert stacks is None
        seen.append(whole)
        return made

    monkeypatch.setattr(cache, "outcome_of_some", plan)
    return seen


def fails(error: OSError) -> None:
    raise AssertionError(error)


def test_what_has_not_changed_is_planned_once(tmp_path: Path, planned: list[Snapshot]) -> None:
    first = outcome_of(INPUTS, str(tmp_path / "a" / "b"), fails)
    again = outcome_of(read_inputs(str(ROOT)), str(tmp_path / "a" / "b"), fails)
    assert first == again
    assert first.problems == ()
    assert len(first.files()) > 100
    assert len(planned) == 1


def another(number: int) -> Inputs:
    return Inputs({**INPUTS.files, "cells/new.yaml": str(number).encode()}, INPUTS.faults)


@pytest.mark.parametrize("damage", [b"", b"cellwright outcome 2\n", None])
def test_a_damaged_file_is_made_again(
    tmp_path: Path, planned: list[Snapshot], damage: bytes | None
) -> None:
    first = outcome_of(INPUTS, str(tmp_path), fails)
    (kept,) = tmp_path.iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(whole[:-1] + b"x" if damage is None else damage)
    assert outcome_of(INPUTS, str(tmp_path), fails) == first
    assert len(planned) == 2
    assert kept.read_bytes() == whole


def test_only_the_last_ones_used_are_kept(tmp_path: Path, planned: list[Snapshot]) -> None:
    all_inputs = [another(number) for number in range(6)]
    for age, one in enumerate(all_inputs):
        outcome_of(one, str(tmp_path), fails)
        newest = max(tmp_path.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        os.utime(newest, (age, age))
    assert len(list(tmp_path.iterdir())) == 4
    outcome_of(all_inputs[-1], str(tmp_path), fails)
    assert len(planned) == 6
    outcome_of(all_inputs[0], str(tmp_path), fails)
    assert len(planned) == 7


def test_runs_at_once_do_not_disturb_each_other(tmp_path: Path, planned: list[Snapshot]) -> None:
    found: list[Outcome] = []

    def go(number: int) -> None:
        for _ in range(5):
            one = another(number % 6)
            found.append(outcome_of(one, str(tmp_path), fails))

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
    outcome_of(INPUTS, str(tmp_path), fails)
    assert not old.exists()
    assert new.exists()
    assert planned


def test_others_may_not_read_it(tmp_path: Path, planned: list[Snapshot]) -> None:
    folder = tmp_path / "new"
    outcome_of(INPUTS, str(folder), fails)
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
        assert outcome_of(INPUTS, str(tmp_path / "file" / "below"), told.append).problems == ()
    assert len(planned) == len(told) == 2
