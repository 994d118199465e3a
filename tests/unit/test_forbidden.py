"""Changes that can't be made; the cases show their places, here is what they are decided by."""

from dataclasses import replace

import pytest

from cellwright.edge.files import read
from cellwright.forbidden import changes_forbidden, fixed, not_placed
from cellwright.loading import load
from cellwright.model import Cell, Fleet
from cellwright.snapshot import Snapshot
from tests.workspaces import BASE


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return read(BASE)


@pytest.fixture(scope="module")
def fleet(snapshot: Snapshot) -> Fleet:
    found, problems = load(snapshot)
    assert found is not None, problems
    return found


def with_alpha(fleet: Fleet, alpha: Cell) -> Fleet:
    return replace(fleet, cells={**fleet.cells, "alpha": alpha})


def test_nothing_is_forbidden_where_nothing_changes(fleet: Fleet, snapshot: Snapshot) -> None:
    assert changes_forbidden(fixed(fleet), fleet, snapshot.definitions) == []


@pytest.mark.parametrize(("before", "after"), [(16, 17), (17, 16)])
def test_another_major_version_of_postgres(
    fleet: Fleet, snapshot: Snapshot, before: int, after: int
) -> None:
    alpha = fleet.cells["alpha"]
    old, new = (
        with_alpha(fleet, replace(alpha, postgres=replace(alpha.postgres, version=version)))
        for version in (before, after)
    )
    (problem,) = changes_forbidden(fixed(old), new, snapshot.definitions)
    assert str(problem) == (
        "cells/alpha.yaml:6:3: CW403 spec.postgres.version: the major version of Postgres goes "
        f"from {before} to {after} (make a new cell and move the organizations there)"
    )


@pytest.mark.parametrize(
    ("before", "after", "shrinks"),
    [
        ("1Gi", "1Gi", False),
        ("1Gi", "1025Mi", False),
        ("1Gi", "1023Mi", True),
        ("1G", "1Gi", False),
    ],
)
def test_storage_is_compared_in_bytes(
    fleet: Fleet, snapshot: Snapshot, before: str, after: str, *, shrinks: bool
) -> None:
    alpha = fleet.cells["alpha"]
    old, new = (
        with_alpha(fleet, replace(alpha, postgres=replace(alpha.postgres, storage=storage)))
        for storage in (before, after)
    )
    codes = [one.code for one in changes_forbidden(fixed(old), new, snapshot.definitions)]
    assert codes == (["CW404"] if shrinks else [])


def test_what_is_gone_or_new_is_no_change(fleet: Fleet, snapshot: Snapshot) -> None:
    fewer = replace(fleet, cells={"beta": fleet.cells["beta"]}, organizations={})
    assert changes_forbidden(fixed(fleet), fewer, snapshot.definitions) == []
    assert changes_forbidden(fixed(fewer), fleet, snapshot.definitions) == []


def test_who_has_a_home_is_placed(fleet: Fleet, snapshot: Snapshot) -> None:
    assert not_placed(fleet, snapshot.definitions) == []
    acme = replace(fleet.organizations["acme"], cell=None)
    homeless = replace(fleet, organizations={"acme": acme})
    (problem,) = not_placed(homeless, snapshot.definitions)
    assert str(problem) == (
        "organizations/acme.yaml:6:3: CW216 spec: not placed (run: cellwright place --write)"
    )
