"""Turns of organizations; the module needs nothing of the app and is loaded by its path."""

import asyncio
import importlib.util
from collections import Counter
from collections.abc import Coroutine
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

SOURCE = Path(__file__).parents[2] / "images/app/app/turns.py"


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("turns", SOURCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


turns = _load()


class Desk:
    """Requests of organizations at their turns; `served` has the organization of each, in order."""

    def __init__(self, size: int, reserve: int) -> None:
        self.turns = turns.Turns(size, reserve)
        self.served: list[int] = []
        self.refused: list[tuple[int, bool]] = []
        self.waiting: list[tuple[int, asyncio.Task[None]]] = []

    async def ask(self, *organizations: int) -> None:
        for organization in organizations:
            self.waiting.append((organization, asyncio.create_task(self._ask(organization))))
            await settle()

    async def _ask(self, organization: int) -> None:
        try:
            await self.turns.take(organization)
        except turns.BusyError as busy:
            self.refused.append((organization, busy.own))
        else:
            self.served.append(organization)

    async def end(self, *organizations: int) -> None:
        for organization in organizations:
            self.turns.give_back(organization)
            await settle()

    async def leave(self, organization: int) -> None:
        """The first request of the organization that waits goes away."""
        task = next(task for one, task in self.waiting if one == organization and not task.done())
        task.cancel()
        await settle()


async def settle() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


def run(steps: Coroutine[Any, Any, None]) -> None:
    asyncio.run(steps)


@pytest.mark.parametrize(("size", "reserve"), [(8, 2), (2, 1), (3, 0), (100, 25)])
def test_one_alone_uses_all_but_the_reserve_and_a_newcomer_waits_for_nobody(
    size: int, reserve: int
) -> None:
    async def steps() -> None:
        desk = Desk(size, reserve)
        await desk.ask(*[1] * (size + 5))
        assert desk.served == [1] * (size - reserve)
        assert desk.turns.waiting() == reserve + 5
        newcomers = list(range(2, 2 + reserve))
        await desk.ask(*newcomers)
        assert desk.served[size - reserve :] == newcomers
        await desk.ask(999)
        assert 999 not in desk.served

    run(steps())


def test_the_reserve_is_nobodys_second_connection() -> None:
    async def steps() -> None:
        desk = Desk(8, 2)
        await desk.ask(*[1] * 6, 2, 2)
        assert desk.served.count(2) == 1
        await desk.ask(3)
        assert desk.served[-1] == 3
        await desk.end(3)
        assert desk.served.count(2) == 1, "given back, it is in reserve again"

    run(steps())


def test_who_uses_the_fewest_is_next_whoever_came_first() -> None:
    async def steps() -> None:
        desk = Desk(4, 0)
        await desk.ask(1, 1, 1, 1, *[1] * 20, 2, 3, 2, 3)
        await desk.end(1)
        await desk.end(1)
        assert desk.served[4:] == [2, 3]
        await desk.end(2)
        assert desk.served[6:] == [2], "2 uses none, 1 uses two"

    run(steps())


def test_equals_are_served_in_turn() -> None:
    """A hundred requests of one do not come before one of another."""

    async def steps() -> None:
        desk = Desk(1, 0)
        await desk.ask(9, *[1] * 40, *[2] * 3, 3)
        for _ in range(8):
            await desk.end(desk.served[-1])
        assert desk.served == [9, 1, 2, 3, 1, 2, 1, 2, 1]

    run(steps())


def test_more_than_an_organization_may_have_waiting_is_refused_for_its_own_sake() -> None:
    async def steps() -> None:
        desk = Desk(2, 1)
        await desk.ask(*[1] * (turns.WAITING_EACH + 4))
        assert desk.turns.waiting() == turns.WAITING_EACH
        assert desk.refused == [(1, True)] * 3
        await desk.ask(2, 2)
        assert desk.served[-1] == 2
        await desk.end(1)
        await desk.ask(1)
        assert len(desk.refused) == 3, "there is room again"

    run(steps())


def test_more_than_all_may_have_waiting_is_refused_to_whom_has_the_most() -> None:
    async def steps() -> None:
        desk = Desk(1, 0)
        full = turns.WAITING_ALL // turns.WAITING_EACH
        await desk.ask(999, *[n for n in range(full) for _ in range(turns.WAITING_EACH)])
        assert desk.turns.waiting() == turns.WAITING_ALL
        await desk.ask(500, 501)
        assert desk.turns.waiting() == turns.WAITING_ALL
        assert len(desk.refused) == 2
        assert all(organization < full and own for organization, own in desk.refused)
        await desk.end(999)
        for _ in range(full + 1):
            await desk.end(desk.served[-1])
        assert {500, 501} <= set(desk.served)

    run(steps())


def test_where_nobody_has_more_than_one_waiting_the_last_to_come_is_refused() -> None:
    async def steps() -> None:
        desk = Desk(1, 0)
        await desk.ask(0, *range(1, turns.WAITING_ALL + 1), 1000)
        assert desk.refused == [(1000, False)]
        await desk.ask(1)
        assert desk.refused[1:] == [(1, True)]

    run(steps())


def test_who_goes_away_leaves_no_place_behind() -> None:
    async def steps() -> None:
        desk = Desk(1, 0)
        await desk.ask(1, 2, 2, 3)
        await desk.leave(2)
        await desk.leave(3)
        assert desk.turns.waiting() == 1
        await desk.end(1)
        await desk.end(2)
        await desk.ask(4)
        assert desk.served == [1, 2, 4]

    run(steps())


def test_a_turn_that_comes_when_its_request_goes_is_given_to_the_next() -> None:
    async def steps() -> None:
        desk = Desk(1, 0)
        await desk.ask(1, 2, 3)
        task = desk.waiting[1][1]
        desk.turns.give_back(1)  # to 2, which has not heard of it yet
        task.cancel()
        await settle()
        assert desk.served == [1, 3]
        await desk.end(3)
        await desk.ask(4)
        assert desk.served == [1, 3, 4]

    run(steps())


def test_a_request_that_goes_before_the_turn_comes_does_not_stop_the_others() -> None:
    async def steps() -> None:
        desk = Desk(1, 0)
        await desk.ask(1, 2, 3)
        desk.waiting[1][1].cancel()  # its place is still there
        await desk.end(1)
        assert desk.served == [1, 3]

    run(steps())


@given(
    st.integers(1, 5).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size - 1))),
    st.lists(st.tuples(st.sampled_from("aaael"), st.integers(1, 4)), max_size=60),
)
def test_no_connection_is_lost_given_twice_or_kept_from_who_may_have_it(
    sizes: tuple[int, int], does: list[tuple[str, int]]
) -> None:
    size, reserve = sizes

    async def steps() -> None:
        desk, ended = Desk(size, reserve), Counter[int]()
        for what, organization in does:
            waits = any(one == organization and not task.done() for one, task in desk.waiting)
            if what == "a":
                await desk.ask(organization)
            elif what == "l" and waits:
                await desk.leave(organization)
            elif what == "e" and Counter(desk.served)[organization] > ended[organization]:
                ended[organization] += 1
                await desk.end(organization)
            in_use = Counter(desk.served) - ended
            free = size - in_use.total()
            waiting = {one for one, task in desk.waiting if not task.done()}
            assert free >= 0
            assert all(count <= size - reserve for count in in_use.values())
            assert not any(free > (reserve if in_use[one] else 0) for one in waiting)
        while (Counter(desk.served) - ended).total():
            for organization in list((Counter(desk.served) - ended).elements()):
                ended[organization] += 1
                await desk.end(organization)
        assert all(task.done() for _, task in desk.waiting)

    run(steps())
