"""Cells that are declared no more and of which a cluster holds something."""

import pytest

from cellwright.fixed import Fixed, FixedCell
from cellwright.problem import refusing
from cellwright.standing import change_problems, refusals
from cellwright.undeclared import undeclared_cells
from tests.fleets import cell, fleet

FLEET = fleet([cell("alpha", 1)], [])
NAMESPACE = "Namespace cell-delta in cluster local"


def holds(*where: str, name: str = "delta") -> Fixed:
    return Fixed({name: FixedCell(4, "local", None, None, None, where)}, {})


def test_a_cell_that_is_there_and_not_declared_is_named_with_what_is_there_of_it() -> None:
    (left,) = undeclared_cells(holds(NAMESPACE), FLEET)
    assert (left.name, left.id, left.where) == ("delta", 4, (NAMESPACE,))
    (problem,) = change_problems(holds(NAMESPACE), FLEET, {})
    assert (problem.code, str(problem.place)) == ("CW411", "cells:1:1")
    assert NAMESPACE in problem.message
    assert problem.hint == "run: cellwright retire delta"


def test_a_cell_that_runs_is_told_from_what_a_retired_one_leaves() -> None:
    assert "not quite gone" in change_problems(holds(NAMESPACE), FLEET, {})[0].message
    running = holds(NAMESPACE, "StatefulSet cell-delta/postgres in cluster local")
    assert "still there" in change_problems(running, FLEET, {})[0].message


def test_it_does_not_stop_what_is_applied() -> None:
    assert refusals(holds(NAMESPACE), FLEET, (), (), {}) == []
    assert refusing(change_problems(holds(NAMESPACE), FLEET, {})) == []


@pytest.mark.parametrize(
    "before",
    [holds(NAMESPACE, name="alpha"), holds("ConfigMap directory-cells"), holds()],
    ids=["declared", "in the directory alone", "of a commit"],
)
def test_nothing_is_said_of_others(before: Fixed) -> None:
    assert undeclared_cells(before, FLEET) == ()
