"""Which locks of Pulumi are cancelled: only those that the lease proves to be left behind."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest

from cellwright.lease_record import Running
from cellwright.pulumi_locks import Lock, Locked, locked_in, verdict

THEN = datetime(2026, 11, 28, 4, 21, 21, tzinfo=UTC)
# Printed by Pulumi 3.259.0.
SAID = """\
error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end \
or delete the lock file with `pulumi cancel`.
  file:///state/.pulumi/locks/organization/demo/alpha/2f94768e-a81e.json?no_tmp_dir=true: \
created by root@vm (pid 31519) at 2026-11-28T04:21:21Z
"""
LOCK = Lock("root", "vm", 31519, THEN)
RUN = Running("alpha", "h", "vm", 31519, THEN.replace(microsecond=900_000))


def changed(value: Any, **changes: Any) -> Any:
    parts = {name: getattr(value, name) for name in value.__slots__}
    return type(value)(**{**parts, **changes})


def judged(
    *locks: Lock, left: Iterable[Running] = (RUN,), alive: Iterable[int] = (), count: int = 0
) -> tuple[bool, str]:
    found = verdict(
        "alpha", Locked(count or len(locks), locks), tuple(left), lambda lock: lock.pid in alive
    )
    return found.abandoned, found.message


def test_pulumis_words_are_understood() -> None:
    assert locked_in(SAID.splitlines()) == Locked(1, (LOCK,))
    assert locked_in(["Updating (alpha):", "error: it is full"]) is None
    assert locked_in(SAID.splitlines()[1:]) is None


@pytest.mark.parametrize(
    ("line", "lock"),
    [
        (
            "  file:///my state/a.json: created by CORP\\ann b@vm (pid 5) at x",
            Lock("CORP\\ann b", "vm", 5, None),
        ),
        (
            "s3://b/a.json: created by ann@corp@vm (pid 5) at 2026-11-28T05:21:21+01:00",
            Lock("ann@corp", "vm", 5, THEN),
        ),
    ],
)
def test_locks_of_all_users_are_understood(line: str, lock: Lock) -> None:
    found = locked_in([SAID.splitlines()[0], line])
    assert found is not None
    assert found.locks == (lock,)


def test_the_lock_of_a_recorded_run_is_abandoned() -> None:
    abandoned, message = judged(LOCK)
    assert abandoned
    assert message == (
        "stack alpha: cancelling the lock of root@vm (pid 31519), since 2026-11-28 04:21:21 UTC, "
        "left by a `cellwright up` that has ended"
    )
    assert judged(LOCK, left=[changed(RUN, pid=None)])[0]
    assert judged(LOCK, left=[changed(RUN, stack="beta"), RUN])[0]


@pytest.mark.parametrize(
    "change",
    [
        {"host": "elsewhere"},
        {"pid": 31520},
        {"since": None},
        {"since": THEN.replace(second=20)},
    ],
)
def test_every_other_lock_may_be_alive(change: dict[str, Any]) -> None:
    assert judged(changed(LOCK, **change))[0] is False
    assert judged(LOCK, changed(LOCK, **change))[0] is False


@pytest.mark.parametrize("left", [(), (changed(RUN, stack="beta"),)])
def test_a_lock_that_nobody_recorded_is_a_typed_run(left: tuple[Running, ...]) -> None:
    abandoned, message = judged(LOCK, left=left)
    assert not abandoned
    assert message == (
        "stack alpha is locked by root@vm (pid 31519), since 2026-11-28 04:21:21 UTC; wait for it "
        "to end or, if it is certainly dead, take its lock away: pulumi cancel --stack alpha"
    )


def test_only_the_locks_that_may_be_alive_are_named() -> None:
    abandoned, message = judged(LOCK, changed(LOCK, pid=5))
    assert not abandoned
    assert "(pid 5)" in message
    assert "31519" not in message


def test_a_process_that_is_seen_running_keeps_its_lock() -> None:
    abandoned, message = judged(LOCK, alive=[31519])
    assert not abandoned
    assert "(pid 31519)" in message
    assert "running on this machine" in message
    assert "cancel" not in message


def test_locks_that_pulumi_does_not_describe_may_be_alive() -> None:
    assert judged(LOCK, count=2)[0] is False
    abandoned, message = judged(count=1)
    assert not abandoned
    assert "locked by an unknown process" in message
    forged = [SAID.splitlines()[0], *[SAID.splitlines()[1]] * 2]
    found = locked_in(forged)
    assert found is not None
    assert not verdict("alpha", found, [RUN], lambda _: False).abandoned


def test_hostile_names_act_on_no_terminal() -> None:
    assert "\x1b" not in judged(changed(LOCK, user="\x1b[2J"))[1]
