"""What the guard remembers, and how it adds up losses, without a table."""

import pytest
from agent.guard import WINDOW, Guard, RefusedError, Rules, read_rules


def test_a_shard_that_does_not_shrink_is_never_refused_for_a_loss() -> None:
    guard = Guard({})
    guard.note(100)
    guard.check_loss(60, 70)
    with pytest.raises(RefusedError):
        guard.check_loss(71, 70)


def test_the_hour_is_one_of_the_wall_clock() -> None:
    now = [1_000_000.0]
    guard = Guard({}, lambda: now[0])
    guard.note(100)
    kept = guard.to_keep()
    with pytest.raises(RefusedError):
        guard.check_loss(90, 70)
    now[0] += WINDOW - 60
    with pytest.raises(RefusedError):
        Guard(kept, lambda: now[0]).check_loss(90, 70)
    now[0] += 200
    Guard(kept, lambda: now[0]).check_loss(90, 73)


def test_what_is_remembered_stays_small() -> None:
    now = [0.0]
    guard = Guard({}, lambda: now[0])
    for count in range(10_000, 0, -1):
        now[0] += 1
        guard.note(count)
    assert len(guard.to_keep()["past"]) <= 62


def test_the_rules_have_defaults() -> None:
    assert read_rules("", "") == Rules(1, 20)
    assert read_rules("7", "0") == Rules(7, 0)
