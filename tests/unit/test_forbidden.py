"""Changes that can't be made; the cases show their places, here is what they are decided by."""

from dataclasses import replace

import pytest

from cellwright.declared import Declared
from cellwright.edge.files import read
from cellwright.forbidden import changes_forbidden, fixed, not_placed
from cellwright.loading import load, load_declared
from cellwright.model import Cell, Fleet
from cellwright.problem import Place
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


def homeless(snapshot: Snapshot, count: int) -> list[str]:
    """Return the problems of so many organizations without a home, beside those that have one."""
    head = '{"apiVersion": "cellwright/v1", "kind": "Organization", "metadata": {"name": '
    lines = "".join(f'{head}"o{one}"}}, "spec": {{"id": {7000 + one}}}}}\n' for one in range(count))
    definitions = {**snapshot.definitions, "organizations/z.jsonl": lines.encode()}
    _, problems, declared = load_declared(replace(snapshot, definitions=definitions))
    assert problems == []
    return [str(one) for one in not_placed(declared)]


def test_who_has_a_home_is_placed(snapshot: Snapshot) -> None:
    assert not_placed(load_declared(snapshot)[2]) == []


@pytest.mark.parametrize("count", [1, 20])
def test_few_without_a_home_are_all_named(snapshot: Snapshot, count: int) -> None:
    assert homeless(snapshot, count) == [
        f"organizations/z.jsonl:{line}:{92 + len(str(line - 1))}: CW216 spec: not placed "
        "(run: cellwright place --write)"
        for line in range(1, count + 1)
    ]


def test_of_many_without_a_home_the_first_are_named(
    snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up = []
    monkeypatch.setattr(
        Declared, "place", lambda _, number, __: looked_up.append(number) or Place("f", number)
    )
    found = homeless(snapshot, 3000)
    assert len(found) == len(looked_up) == 20
    assert [one for one in found if "nor are" in one] == [found[-1]]
    assert found[-1].endswith("not placed, nor are 2980 more (run: cellwright place --write)")
