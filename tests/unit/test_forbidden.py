"""Changes that can't be made; the cases show their places, here is what they are decided by."""

from dataclasses import replace

import pytest

import tests.fleets
from cellwright.declared import Declared
from cellwright.edge.files import read
from cellwright.fixed import Fixed, FixedCell, fixed
from cellwright.forbidden import forbidden, not_placed
from cellwright.history import History, UsedCell
from cellwright.loading import load, load_declared
from cellwright.model import Cell, Fleet, IdRange
from cellwright.problem import Place
from cellwright.snapshot import Snapshot
from cellwright.standing import change_problems
from tests.fleets import cell
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
    assert change_problems(fixed(fleet), fleet, snapshot.definitions) == []


@pytest.mark.parametrize(("before", "after"), [(16, 17), (17, 16)])
def test_another_major_version_of_postgres(
    fleet: Fleet, snapshot: Snapshot, before: int, after: int
) -> None:
    alpha = fleet.cells["alpha"]
    old, new = (
        with_alpha(fleet, replace(alpha, postgres=replace(alpha.postgres, version=version)))
        for version in (before, after)
    )
    (problem,) = change_problems(fixed(old), new, snapshot.definitions)
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
    codes = [one.code for one in change_problems(fixed(old), new, snapshot.definitions)]
    assert codes == (["CW404"] if shrinks else [])


def test_what_is_gone_or_new_is_no_change(fleet: Fleet, snapshot: Snapshot) -> None:
    empty = replace(fleet, organizations={})
    fewer = replace(empty, cells={"beta": fleet.cells["beta"]})
    assert change_problems(fixed(empty), fewer, snapshot.definitions) == []
    assert change_problems(fixed(fewer), fleet, snapshot.definitions) == []


def stands(**cells: FixedCell) -> Fixed:
    return Fixed(cells, {})


def remembered(*cells: UsedCell) -> Fixed:
    return Fixed({}, {}, History(cells=cells))


def told(before: Fixed, after: Fleet) -> list[tuple[str, str, str]]:
    return [(one.name, one.code, one.message) for one in forbidden(before, after)]


GAMMA = FixedCell(3, None, None, None, IdRange(3000, 3999), ("Namespace cell-gamma in cluster c",))
WHERE = "(Namespace cell-gamma in cluster c)"
AFTER = tests.fleets.fleet([cell("delta", 3, id_range=IdRange(3500, 4499))], [])
SAME = tests.fleets.fleet([cell("gamma", 3, id_range=IdRange(3000, 3999))], [])


def test_a_cell_that_stands_keeps_its_id_and_range_though_it_is_declared_no_more() -> None:
    assert told(stands(gamma=GAMMA), AFTER) == [
        ("delta", "CW402", f"the id 3 belonged to the cell gamma {WHERE}"),
        ("delta", "CW410", f"the range overlaps with that of the cell gamma {WHERE}"),
    ]
    other = tests.fleets.fleet([cell("delta", 4, id_range=IdRange(4000, 4999))], [])
    assert told(stands(gamma=GAMMA), other) == []


def test_a_cell_that_stands_comes_back_as_it_was_and_not_otherwise() -> None:
    retired = UsedCell("gamma", 3, IdRange(3000, 3999), retired=True)
    both = stands(gamma=GAMMA)._replace(history=History(cells=(retired,)))
    assert told(both, SAME) == []
    other = tests.fleets.fleet([cell("gamma", 4, id_range=IdRange(3000, 3999))], [])
    assert told(both, other) == [("gamma", "CW401", "the id goes from 3 to 4")]


def test_a_cell_of_which_nothing_stands_does_not_come_back() -> None:
    gone = remembered(UsedCell("gamma", 3, IdRange(3000, 3999), retired=True))
    assert [code for _, code, _ in told(gone, AFTER)] == ["CW402", "CW410"]
    assert [code for _, code, _ in told(gone, SAME)] == ["CW402"]


def test_a_cell_that_was_torn_down_and_is_declared_all_the_time_is_made_again() -> None:
    assert told(remembered(UsedCell("gamma", 3, IdRange(3000, 3999))), SAME) == []


def test_a_range_that_a_cell_has_given_up_is_still_its_own() -> None:
    history = remembered(
        UsedCell("alpha", 1, IdRange(1, 9)), UsedCell("alpha", 1, IdRange(100, 199))
    )
    alpha = cell("alpha", 1, id_range=IdRange(1, 9))
    beta = cell("beta", 2, id_range=IdRange(150, 250))
    assert told(history, tests.fleets.fleet([alpha, beta], [])) == [
        ("beta", "CW410", "the range overlaps with that of the cell alpha")
    ]


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
