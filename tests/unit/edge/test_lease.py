"""The lease against a small API server in memory; a real one has tests/end_to_end/test_6_lease.py.

Where something is waited for, time is a number that sleeping raises.
"""

import math
import threading
from datetime import UTC, datetime, timedelta

import pytest

from cellwright.edge.failure import CommandError
from cellwright.edge.lease import LEASE_VARIABLE, Lease, held
from cellwright.edge.lease_object import holder
from tests.unit.edge.leases import OTHER, SPACE, THEN, Server, Time, other, run_of, stacks

pytestmark = pytest.mark.usefixtures("no_thread_stays")


def test_the_lease_is_made_held_and_given_back(server: Server) -> None:
    with held(server, SPACE, labels={"a": "b"}) as lease:
        body = server.lease
        spec = body["spec"]
        assert spec["holderIdentity"] == lease.identity
        assert spec["leaseDurationSeconds"] == 30
        assert spec["leaseTransitions"] == 1
        assert spec["acquireTime"].endswith("Z")
        assert body["metadata"]["labels"] == {"a": "b"}
        assert lease.environment == {LEASE_VARIABLE: lease.identity}
        assert not lease.lost
        assert lease.left_behind == ()
        assert lease.took_over is None
        there = holder(server, SPACE)
        assert there is not None
        assert there.identity == lease.identity
    assert server.lease["spec"]["holderIdentity"] == ""
    assert stacks(server) == []
    assert holder(server, SPACE) is None
    with held(server, SPACE):
        assert server.lease["spec"]["leaseTransitions"] == 2


def test_a_second_run_is_told_who_is_running(server: Server) -> None:
    server.put(other())
    before = server.lease
    with pytest.raises(CommandError) as told, held(server, SPACE):
        pass
    assert str(told.value).startswith(
        "another `cellwright up` is running: root@build-7 (pid 4711), "
        "since 2026-11-28 03:14:05 UTC; wait for it with --wait"
    )
    assert server.lease == before


def test_what_is_released_is_free_at_once(server: Server, clock: Time) -> None:
    server.put(other())
    clock.on_sleep = lambda: server.put(other(holder=""))
    told: list[str] = []
    with held(server, SPACE, wait=math.inf, on_waiting=told.append) as lease:
        assert lease.took_over is None
    assert clock.now < 1005
    assert len(told) == 1
    assert told[0].startswith("waiting for another `cellwright up`: root@build-7 (pid 4711), since")


@pytest.mark.parametrize("skew", [timedelta(hours=-9), timedelta(0), timedelta(hours=9)])
def test_a_dead_holder_is_followed_after_its_duration_whatever_the_clocks_say(
    server: Server, clock: Time, skew: timedelta
) -> None:
    now = datetime.now(UTC) + skew
    server.put(other(acquired=now, renewed=now, running=(run_of("alpha"),)))
    told: list[str] = []
    with held(server, SPACE, wait=math.inf, on_waiting=told.append) as lease:
        assert 1030 <= clock.now < 1035
        assert lease.took_over is not None
        assert [run.stack for run in lease.left_behind] == ["alpha"]
    assert told[1].startswith("took over from root@build-7 (pid 4711), since")
    assert told[1].endswith(", whose lease ended")
    assert stacks(server) == [("alpha", 4712)]


@pytest.mark.parametrize("skew", [timedelta(hours=-9), timedelta(hours=9)])
def test_a_living_holder_is_waited_for_whatever_the_clocks_say(
    server: Server, clock: Time, skew: timedelta
) -> None:
    start = datetime.now(UTC) + skew

    def renew() -> None:
        server.put(other(acquired=start, renewed=start + timedelta(seconds=clock.now // 10)))

    renew()
    clock.on_sleep = renew
    told: list[str] = []
    with (
        pytest.raises(CommandError, match="running still, after 300 s: root@build-7"),
        held(server, SPACE, wait=300, on_waiting=told.append),
    ):
        pass
    assert len(told) == 1


def test_edits_by_others_do_not_keep_a_dead_holder_alive(server: Server, clock: Time) -> None:
    server.put(other())
    clock.on_sleep = lambda: server.put(other(), labels={"at": str(clock.now)})
    with held(server, SPACE, wait=60):
        assert clock.now < 1040


def test_the_longer_duration_of_both_counts_within_limits(server: Server, clock: Time) -> None:
    server.put(other(lasts=3))
    with held(server, SPACE, wait=math.inf):
        assert clock.now >= 1030
    server.put(other(lasts=10**9))
    before = clock.now
    with held(server, SPACE, wait=math.inf):
        assert before + 300 <= clock.now < before + 310


def test_the_time_in_which_the_server_was_away_proves_nothing(server: Server, clock: Time) -> None:
    server.put(other())

    def sleep() -> None:
        server.away = 1004 < clock.now < 1033
        if clock.now >= 1026:  # the holder is alive, it was not seen
            server.put(other(renewed=THEN + timedelta(seconds=clock.now // 10)))

    clock.on_sleep = sleep
    with pytest.raises(CommandError, match="still, after 60 s"), held(server, SPACE, wait=60):
        pass


def test_a_server_that_stays_away_ends_the_waiting(server: Server, clock: Time) -> None:
    server.put(other())
    clock.on_sleep = lambda: setattr(server, "away", True)
    with (
        pytest.raises(CommandError, match="connection refused"),
        held(server, SPACE, wait=math.inf),
    ):
        pass


def test_who_creates_the_lease_first_has_it(server: Server) -> None:
    server.before_write = lambda: server.put(other())
    with pytest.raises(CommandError, match="build-7"), held(server, SPACE):
        pass
    assert server.lease["spec"]["holderIdentity"] == OTHER


def test_who_replaces_the_free_lease_first_has_it(server: Server) -> None:
    server.put(other(holder=""))
    server.before_write = lambda: server.put(other())
    with pytest.raises(CommandError, match="build-7"), held(server, SPACE):
        pass
    assert server.lease["spec"]["holderIdentity"] == OTHER


def test_a_holder_that_renews_at_the_last_moment_keeps_it(server: Server, clock: Time) -> None:
    server.put(other())
    server.before_write = lambda: server.put(other(renewed=THEN + timedelta(seconds=9)))
    with held(server, SPACE, wait=math.inf):
        assert clock.now >= 1060


def test_of_many_contenders_one_wins(server: Server) -> None:
    inside: list[Lease] = []
    most = []

    def contend() -> None:
        with held(server, SPACE, wait=math.inf) as lease:
            inside.append(lease)
            most.append(len(inside))
            inside.remove(lease)

    threads = [threading.Thread(target=contend) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1, 1, 1, 1]
    assert server.lease["spec"]["leaseTransitions"] == 4
