"""The plan that goes on from what clusters remember."""

from dataclasses import replace

import pytest

from cellwright.edge.files import read
from cellwright.history import History, history_after
from cellwright.model import FLEET_STACK
from cellwright.plan import Loaded, Plan, loaded, planned, with_history
from tests.workspaces import BASE


@pytest.fixture(scope="module")
def one() -> Loaded:
    return loaded(read(BASE))


def history_in(made: Plan) -> str:
    (found,) = [m for m in made.stacks[FLEET_STACK] if m.name == "directory-history"]
    return str(found.body["data"]["history"])


def test_only_the_fleets_stack_is_planned_again(one: Loaded) -> None:
    made = planned(one)
    assert made.fleet is not None
    own = history_after(None, {}, (), made.fleet)
    assert with_history(one, made, own) is made
    again = with_history(one, made, replace(own, retired=(((7, 9),),)))
    assert history_in(again) == history_in(made) + "retired 7-9\n"
    assert again.stacks.keys() == made.stacks.keys()
    assert {name for name in made.stacks if again.stacks[name] is not made.stacks[name]} == {
        FLEET_STACK
    }
    assert history_in(planned(one, [FLEET_STACK], History(5))) == "last-id 5\n"


def test_a_plan_of_cells_knows_no_history(one: Loaded) -> None:
    made = planned(one, ["alpha"])
    assert with_history(one, made, History(5)) is made
