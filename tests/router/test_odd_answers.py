"""Whatever the API server answers, the agent lives on and serves what was good before."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from agent.answers import AnswerError, read_event, read_one, read_page

from tests.postgres.containers import docker, until
from tests.router.conftest import Fleet
from tests.router.odd import EVENTS, LISTS, TEXTS


@pytest.mark.parametrize("text", LISTS.values(), ids=LISTS)
def test_a_list_that_is_odd_is_refused_whole(text: bytes) -> None:
    with pytest.raises(AnswerError):
        read_page(text)


@pytest.mark.parametrize("line", EVENTS.values(), ids=EVENTS)
def test_an_event_that_is_odd_is_refused(line: bytes) -> None:
    with pytest.raises(AnswerError):
        read_event(line)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_an_object_that_is_odd_is_refused(text: bytes) -> None:
    with pytest.raises(AnswerError):
        read_one(text)


def test_what_is_left_out_counts_as_empty() -> None:
    found = read_one(b'{"metadata": {"name": "directory-00"}, "data": null}')
    assert (found.text, found.checksum, found.version) == (b"", "", 0)
    assert read_page(b"{}") == ([], frozenset(), "", "")
    assert read_event(b'{"type": "BOOKMARK", "object": {}}').found is None


@pytest.fixture(scope="module")
def fleet(new_fleet: Callable[[], AbstractContextManager[Fleet]]) -> Iterator[Fleet]:
    """Return a fleet of this module's own: its API server says odd things."""
    with new_fleet() as started:
        yield started


def odd_answers(fleet: Fleet) -> int:
    """Return how many answers alpha's agent could not use."""
    lines = fleet.alpha.agent_metrics().splitlines()
    (value,) = [one for one in lines if one.startswith("cellwright_table_odd_answers_total ")]
    return int(value.split()[1])


@pytest.mark.docker
def test_the_agent_survives_them_and_goes_on(fleet: Fleet) -> None:
    started = docker("inspect", "--format={{.State.StartedAt}}", fleet.alpha.agent)
    before = odd_answers(fleet)

    def told() -> bool:
        fleet.api.say(EVENTS["the text is a number"])  # again: it may be between two watches
        time.sleep(0.5)
        return odd_answers(fleet) > before

    until(told, "the odd event is told")
    assert fleet.alpha.answered_by("/o/acme/") == "alpha-app"
    fleet.api.odd_lists += [LISTS["an item is null"], LISTS["deep"]]
    until(lambda: told() and not fleet.api.odd_lists, "odd lists are asked for", 120)
    assert fleet.alpha.answered_by("/o/acme/") == "alpha-app"
    fleet.api.odd_lists.clear()
    fleet.directory.change("acme", cell="beta")
    fleet.publish()
    assert fleet.alpha.answered_by("/o/acme/") == "beta-app"
    assert docker("inspect", "--format={{.State.StartedAt}}", fleet.alpha.agent) == started
