"""Outcomes kept from one run to the next."""

import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cellwright.edge import cache
from cellwright.edge.cache import outcome_of, outcome_of_some
from cellwright.edge.files import snapshot
from cellwright.edge.inputs import Inputs, read_inputs
from cellwright.edge.kept import file_of
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
    first = kept(INPUTS, tmp_path / "a" / "b")
    again = kept(read_inputs(str(ROOT)), tmp_path / "a" / "b")
    assert first == again
    assert first.problems == ()
    assert len(first.files()) > 100
    assert len(planned) == 1


def kept(inputs: Inputs, folder: Path, on_failure: Callable[[OSError], None] = fails) -> Outcome:
    return outcome_of(inputs, file_of(inputs, str(folder)), on_failure)


def another(number: int) -> Inputs:
    return Inputs({**INPUTS.files, "cells/new.yaml": str(number).encode()}, INPUTS.faults)


@pytest.mark.parametrize("damage", [b"", b"cellwright outcome 2\n", None])
def test_a_damaged_file_is_made_again(
    tmp_path: Path, planned: list[Snapshot], damage: bytes | None
) -> None:
    first = kept(INPUTS, tmp_path)
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + b"x" if damage is None else damage)
    assert kept(INPUTS, tmp_path) == first
    assert len(planned) == 2
    assert file.read_bytes() == whole


def test_only_the_last_ones_used_are_kept(tmp_path: Path, planned: list[Snapshot]) -> None:
    all_inputs = [another(number) for number in range(6)]
    for age, one in enumerate(all_inputs):
        kept(one, tmp_path)
        newest = max(tmp_path.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        os.utime(newest, (age, age))
    assert len(list(tmp_path.iterdir())) == 4
    kept(all_inputs[-1], tmp_path)
    assert len(planned) == 6
    kept(all_inputs[0], tmp_path)
    assert len(planned) == 7


def test_runs_at_once_do_not_disturb_each_other(tmp_path: Path, planned: list[Snapshot]) -> None:
    found: list[Outcome] = []

    def go(number: int) -> None:
        for _ in range(5):
            one = another(number % 6)
            found.append(kept(one, tmp_path))

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
    kept(INPUTS, tmp_path)
    assert not old.exists()
    assert new.exists()
    assert planned


def test_others_may_not_read_it(tmp_path: Path, planned: list[Snapshot]) -> None:
    folder = tmp_path / "new"
    kept(INPUTS, folder)
    (file,) = folder.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert planned


def test_a_folder_that_can_not_be_written_only_costs_time(
    tmp_path: Path, planned: list[Snapshot]
) -> None:
    (tmp_path / "file").write_text("")
    told: list[OSError] = []
    for _ in range(2):
        assert kept(INPUTS, tmp_path / "file" / "below", told.append).problems == ()
    assert len(planned) == len(told) == 2
