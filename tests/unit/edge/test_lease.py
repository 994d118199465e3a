"""The lease against a small API server in memory; a real one has tests/end_to_end/test_6_lease.py.

Where something is waited for, time is a number that sleeping raises.
"""

import json
import math
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cellwright.edge import lease as module
from cellwright.edge import lease_watch
from cellwright.edge.failure import CommandError
from cellwright.edge.kubectl import RefusedError
from cellwright.edge.lease import LEASE_VARIABLE, Lease, held, runs_here
from cellwright.edge.lease_object import LeaseObject, NoNamespaceError, holder
from cellwright.lease_record import LEASE, STACKS, Record, Running, body_of, record_of
from cellwright.pulumi_locks import Lock

Body = dict[str, Any]
SPACE = "cellwright-directory"
PATH = f"/apis/coordination.k8s.io/v1/namespaces/{SPACE}/leases"
THEN = datetime(2026, 11, 28, 3, 14, 5, tzinfo=UTC)
OTHER = "root@build-7 (pid 4711) 0123456789abcdef"


class Server:
    """An API server that keeps one collection, and refuses what is not up to date."""

    def __init__(self) -> None:
        self.objects: dict[str, str] = {}
        self.version = 0
        self.away = False
        self.refuses: RefusedError | None = None
        self.before_write: Callable[[], None] | None = None
        self.writes = 0
        self.guard = threading.RLock()

    def find(self, path: str, *, seconds: float) -> Body | None:
        with self.guard:
            self.answer(seconds)
            text = self.objects.get(path)
            return None if text is None else json.loads(text)

    def create(self, path: str, body: Any, *, seconds: float) -> Body:
        with self.guard:
            self.answer(seconds, is_write=True)
            name = f"{path}/{body['metadata']['name']}"
            if name in self.objects:
                raise RefusedError("AlreadyExists", "already exists")
            return self.store(name, body)

    def replace(self, path: str, body: Any, *, seconds: float) -> Body:
        with self.guard:
            self.answer(seconds, is_write=True)
            if path not in self.objects:
                raise RefusedError("Conflict", "the object has been deleted")
            metadata = json.loads(self.objects[path])["metadata"]
            if metadata["resourceVersion"] != body["metadata"]["resourceVersion"]:
                raise RefusedError("Conflict", "the object has been modified")
            return self.store(path, body)

    def answer(self, seconds: float, *, is_write: bool = False) -> None:
        assert 0 < seconds <= 5
        if self.away:
            raise CommandError("cluster local: connection refused")
        if is_write:
            if self.refuses:
                raise self.refuses
            self.writes += 1
            hook, self.before_write = self.before_write, None
            if hook:
                hook()

    def store(self, path: str, body: Any) -> Body:
        self.version += 1
        stored = json.loads(json.dumps(body))
        stored["metadata"]["resourceVersion"] = str(self.version)
        self.objects[path] = json.dumps(stored)
        return json.loads(self.objects[path])

    @property
    def lease(self) -> Body:
        return json.loads(self.objects[f"{PATH}/{LEASE}"])

    def put(self, record: Record, **metadata: Any) -> None:
        """Have the Lease say something, whatever it said before."""
        body = json.loads(json.dumps(body_of(record, SPACE, None, {})))
        body["metadata"] |= metadata
        self.store(f"{PATH}/{LEASE}", body)


class Time:
    """Stands for the module `time`; the world goes on while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.on_sleep: Callable[[], None] = lambda: None

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.on_sleep()


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Time:
    fake = Time()
    monkeypatch.setattr(module, "time", fake)
    monkeypatch.setattr(lease_watch, "time", fake)
    return fake


@pytest.fixture(autouse=True)
def no_thread_stays() -> Iterator[None]:
    yield
    deadline = time.monotonic() + 10
    while any(thread.name == "lease" for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def other(**changes: Any) -> Record:
    parts: dict[str, Any] = {"acquired": THEN, "renewed": THEN, "lasts": 30, "transitions": 4}
    return Record(**{"holder": OTHER, **parts, **changes})


def run_of(stack: str, pid: int | None = 4712) -> Running:
    return Running(stack, OTHER, "build-7", pid, THEN)


def eventually(ask: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 30
    while not ask():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def stacks(server: Server) -> list[tuple[str, int | None]]:
    return [(run.stack, run.pid) for run in record_of(server.lease).running]


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


def test_a_stack_is_recorded_before_it_starts_and_its_process_soon(server: Server) -> None:
    with held(server, SPACE, duration=600) as lease:
        lease.start("alpha")
        assert stacks(server) == [("alpha", None)]
        lease.start("beta")
        lease.started("alpha", 4713)
        eventually(lambda: stacks(server) == [("alpha", 4713), ("beta", None)])
        lease.end("alpha")
        eventually(lambda: stacks(server) == [("beta", None)])
    assert stacks(server) == []


def test_the_record_of_a_killed_holder_is_there(server: Server, clock: Time) -> None:
    killed = Lease(LeaseObject(server, SPACE), 30)
    killed.acquire(0, print)
    killed.start("alpha")
    killed._end.set()  # its thread ends without another word
    killed._wake.set()
    killed._thread.join()
    with held(server, SPACE, wait=math.inf) as lease:
        assert clock.now >= 1030
        [left] = lease.left_behind
        assert (left.stack, left.pid, left.holder) == ("alpha", None, killed.identity)
        lease.start("alpha")
        lease.end("alpha", unlocked=False)  # its lock kept pulumi from running
        assert lease.left_behind == (left,)
    with held(server, SPACE) as lease:
        assert lease.left_behind == (left,)
        lease.start("alpha")
        lease.end("alpha")
        assert lease.left_behind == ()
    assert stacks(server) == []


def test_a_lock_that_may_have_stayed_is_known_to_the_next_run(server: Server) -> None:
    with held(server, SPACE) as lease:
        for stack in ("alpha", "beta"):
            lease.start(stack)
            lease.started(stack, 4713)
        lease.end("alpha", unlocked=False)  # its pulumi was killed
    assert stacks(server) == [("alpha", 4713)]


def test_a_lost_lease_is_noticed_and_not_given_back(server: Server) -> None:
    told: list[str] = []
    with held(server, SPACE, on_lost=told.append) as lease:
        server.put(other())
        lease.end("alpha")  # the next write
        eventually(lambda: told)
        assert lease.lost
        assert told == [lease.why_lost]
        assert "the lease was taken by root@build-7 (pid 4711), since" in told[0]
        with pytest.raises(CommandError, match="was taken by"):
            lease.start("beta")
        before = server.lease
    assert server.lease == before
    assert len(told) == 1


def test_a_start_finds_out_itself_that_the_lease_is_lost(server: Server) -> None:
    with held(server, SPACE) as lease:
        server.put(other())
        with pytest.raises(CommandError, match="was taken by"):
            lease.start("alpha")


def test_a_lease_that_was_taken_and_released_meanwhile_is_lost(server: Server) -> None:
    with held(server, SPACE) as lease:
        server.put(other(holder=""))
        with pytest.raises(CommandError, match="was taken by nobody"):
            lease.start("alpha")


def test_edits_and_deletion_by_hand_do_not_lose_the_lease(server: Server) -> None:
    with held(server, SPACE) as lease:
        body = server.lease
        body["metadata"]["annotations"] |= {"note": "by hand", STACKS: "[]"}
        server.store(f"{PATH}/{LEASE}", body)
        lease.start("alpha")
        assert server.lease["metadata"]["annotations"]["note"] == "by hand"
        server.objects.clear()
        lease.start("beta")
        assert [stack for stack, _ in stacks(server)] == ["alpha", "beta"]
        assert not lease.lost


def test_a_server_away_for_too_long_loses_the_lease(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    clock = [0.0]
    monkeypatch.setattr(module, "_clock", lambda: clock[0])
    with held(server, SPACE, on_lost=told.append) as lease:
        server.away = True
        clock[0] = 19
        lease.end("alpha")
        assert not lease.lost
        clock[0] = 21
        assert lease.lost
        assert lease.why_lost == "the lease could not be renewed for 20 s"
        with pytest.raises(CommandError, match="could not be renewed"):
            lease.start("beta")
        eventually(lambda: told == [lease.why_lost])


def test_a_server_away_for_a_moment_only_delays_a_start(server: Server) -> None:
    with held(server, SPACE) as lease:
        server.away = True
        back = threading.Timer(0.1, lambda: setattr(server, "away", False))
        back.start()
        lease.start("alpha")
        assert stacks(server) == [("alpha", None)]
        back.join()


def test_it_is_renewed_by_itself(server: Server) -> None:
    with held(server, SPACE, duration=1):
        writes = server.writes
        eventually(lambda: server.writes > writes + 2)


def test_nothing_is_written_after_the_release(server: Server) -> None:
    with held(server, SPACE) as lease:
        pass
    with pytest.raises(CommandError, match="was given back"):
        lease.start("alpha")
    assert server.lease["spec"]["holderIdentity"] == ""


def test_an_interrupt_gives_it_back(server: Server) -> None:
    with pytest.raises(KeyboardInterrupt), held(server, SPACE):
        raise KeyboardInterrupt
    assert server.lease["spec"]["holderIdentity"] == ""


def test_an_interrupt_just_after_the_write_gives_it_back(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = server.create

    def interrupted(*given: Any, **more: Any) -> Body:
        create(*given, **more)
        raise KeyboardInterrupt

    monkeypatch.setattr(server, "create", interrupted)
    with pytest.raises(KeyboardInterrupt), held(server, SPACE):
        pass
    assert server.lease["spec"]["holderIdentity"] == ""


def test_an_edit_by_hand_does_not_keep_it_from_being_given_back(server: Server) -> None:
    with held(server, SPACE):
        server.store(f"{PATH}/{LEASE}", server.lease)
    assert server.lease["spec"]["holderIdentity"] == ""


def test_a_release_that_fails_is_silent(server: Server) -> None:
    with held(server, SPACE):
        server.away = True


def test_a_missing_namespace_is_named(server: Server) -> None:
    server.refuses = RefusedError("NotFound", f'namespaces "{SPACE}" not found')
    with (
        pytest.raises(NoNamespaceError, match="namespace cellwright-directory does not exist"),
        held(server, SPACE),
    ):
        pass
    assert holder(server, SPACE) is None


def test_who_may_not_write_is_told_what_to_grant(server: Server) -> None:
    message = 'leases is forbidden: User "ann" cannot create resource "leases"'
    server.refuses = RefusedError("Forbidden", message)
    with pytest.raises(CommandError) as told, held(server, SPACE):
        pass
    assert str(told.value) == (
        f"{message}; grant the verbs get, create and update on leases.coordination.k8s.io in "
        "namespace cellwright-directory by a Role and a RoleBinding"
    )


def test_a_namespace_that_is_being_deleted_is_no_matter_of_rights(server: Server) -> None:
    server.refuses = RefusedError("Forbidden", "unable to create: it is being terminated")
    with pytest.raises(CommandError, match="can't be written: unable") as told, held(server, SPACE):
        pass
    assert "grant" not in str(told.value)


def test_a_server_that_is_away_is_told(server: Server) -> None:
    server.away = True
    with pytest.raises(CommandError, match="connection refused"), held(server, SPACE):
        pass
    with pytest.raises(CommandError, match="connection refused"):
        holder(server, SPACE)


def test_a_process_is_seen_only_on_the_host_of_the_lock() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    here = socket.gethostname()
    assert runs_here(Lock("root", here, os.getpid(), THEN))
    assert runs_here(Lock("root", here, 1, THEN))
    assert not runs_here(Lock("root", here, ended.pid, THEN))
    assert not runs_here(Lock("root", here, 10**10, THEN))
    assert not runs_here(Lock("root", f"not-{here}", os.getpid(), THEN))
