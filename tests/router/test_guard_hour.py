"""What the guard remembers, and how it adds up losses, without a table."""

import json

import pytest
from agent.guard import Guard, RefusedError, Rules, read_rules
from agent.hour import WINDOW, Counts, Fresh
from agent.losses import STOP, Losses

HUNDRED = Counts(100, 0)


def lose(guard: Guard, first: int, last: int, present: Counts = HUNDRED) -> None:
    """Lose organizations by number, if the guard lets them go."""
    losses = Losses({b"n%d" % number: STOP for number in range(first, last)})
    fresh = guard.hour.fresh(losses)
    guard.check_loss(present, fresh, losses)
    guard.hour.note(present, fresh)


def test_what_loses_nothing_new_is_never_refused() -> None:
    guard = Guard({})
    lose(guard, 0, 20)
    lose(guard, 0, 20)
    lose(guard, 5, 5)
    with pytest.raises(RefusedError, match="21 of the 100 organizations"):
        lose(guard, 20, 21)


def test_the_hour_is_one_of_the_wall_clock() -> None:
    now = [1_000_000.0]
    guard = Guard({}, lambda: now[0])
    lose(guard, 0, 15)
    kept = json.loads(json.dumps(guard.to_keep()))
    with pytest.raises(RefusedError):
        lose(guard, 15, 25)
    now[0] += WINDOW - 60
    with pytest.raises(RefusedError):
        lose(Guard(kept, lambda: now[0]), 15, 25)
    now[0] += 200
    lose(Guard(kept, lambda: now[0]), 15, 25)


def test_a_clock_that_was_set_back_does_not_make_the_hour_longer() -> None:
    now = [1_000_000.0]
    guard = Guard({}, lambda: now[0])
    lose(guard, 0, 15)
    now[0] -= 500_000
    again = Guard(guard.to_keep(), lambda: now[0])
    with pytest.raises(RefusedError):
        lose(again, 15, 25)
    now[0] += WINDOW + 120
    lose(again, 15, 25)


def test_who_came_within_the_hour_is_not_known_yet() -> None:
    now = [0.0]
    guard = Guard({}, lambda: now[0])
    guard.hour.note(HUNDRED, Fresh(set(), set()))
    grown = Counts(5000, 0)
    with pytest.raises(RefusedError, match="21 of the 100 organizations"):
        lose(guard, 0, 21, grown)
    now[0] += WINDOW + 120
    lose(guard, 0, 21, grown)


def test_what_is_remembered_stays_small() -> None:
    now = [0.0]
    guard = Guard({}, lambda: now[0])
    for number in range(10_000):
        now[0] += 1
        lose(guard, number, number + 1, Counts(1_000_000, 0))
    assert len(guard.to_keep()["hour"]) <= 62
    assert len(json.dumps(guard.to_keep())) < 60_000


def test_another_share_begins_the_hour_anew_and_another_epoch_does_not() -> None:
    guard = Guard({})
    lose(guard, 0, 20)
    guard.adopt(Rules(epoch=2, maximum_loss=20))
    with pytest.raises(RefusedError):
        lose(guard, 20, 30)
    guard.adopt(Rules(epoch=2, maximum_loss=21))
    lose(guard, 20, 30)


def test_the_rules_have_defaults() -> None:
    assert read_rules("", "") == Rules(1, 20)
    assert read_rules("7", "0") == Rules(7, 0)
