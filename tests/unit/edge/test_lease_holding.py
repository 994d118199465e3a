"""What a holder of the lease records, how it loses it, and what errors say.

As in test_lease.py, the API server is a small one in memory.
"""

import math
import os
import socket
import subprocess
import sys
import threading
from typing import Any

import pytest

from cellwright.edge import lease as module
from cellwright.edge.failure import CommandError
from cellwright.edge.kubectl import RefusedError
from cellwright.edge.lease import Lease, held, runs_here
from cellwright.edge.lease_object import LeaseObject, NoNamespaceError, holder
from cellwright.lease_record import LEASE, STACKS
from cellwright.pulumi_locks import Lock
from tests.unit.edge.leases import PATH, SPACE, THEN, Body, Server, Time, eventually, other, stacks

pytestmark = pytest.mark.usefixtures("no_thread_stays")


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
