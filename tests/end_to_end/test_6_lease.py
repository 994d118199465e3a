"""The lease of `cellwright up` with processes that are killed, on a real API server."""

import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from cellwright.edge.failure import CommandError
from cellwright.edge.kubectl import Kubectl
from cellwright.edge.lease import held
from cellwright.edge.lease_object import NoNamespaceError, holder
from cellwright.model import Cluster

DURATION = 3
HOLD = f"""\
import math, signal, sys, time
from cellwright.edge.kubectl import Kubectl
from cellwright.edge.lease import held
from cellwright.model import Cluster

def interrupt(*_):
    raise KeyboardInterrupt

def say(*words):
    print(*words, flush=True)

signal.signal(signal.SIGTERM, interrupt)
wait = math.inf if sys.argv[2] == "wait" else 0
try:
    with held(Kubectl(Cluster("local", None)), sys.argv[1], wait=wait, on_waiting=say,
              on_lost=lambda why: say("lost", why), duration={DURATION}) as lease:
        say("left", *(f"{{run.stack}}:{{run.pid}}" for run in lease.left_behind))
        lease.start("alpha")
        lease.started("alpha", 4711)
        say("held", lease.identity)
        time.sleep(300)
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.fixture
def kubectl() -> Kubectl:
    return Kubectl(Cluster("local", None))


@pytest.fixture
def namespace() -> Iterator[str]:
    name = f"lease-test-{uuid.uuid4().hex[:8]}"
    subprocess.run(["kubectl", "create", "namespace", name], check=True)
    yield name
    subprocess.run(["kubectl", "delete", "namespace", name, "--wait=false"], check=True)


@contextmanager
def contender(namespace: str, *words: str) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-c", HOLD, namespace, *(words or ("now",))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


def holds(process: "subprocess.Popen[str]", left: str = "") -> str:
    assert line(process) == f"left {left}".rstrip()
    word, identity = line(process).split(" ", 1)
    assert word == "held"
    return identity


def test_one_at_a_time_and_the_next_when_it_ends(namespace: str, kubectl: Kubectl) -> None:
    with contender(namespace) as first:
        identity = holds(first)
        there = holder(kubectl, namespace)
        assert there is not None
        assert (there.identity, [run.stack for run in there.running]) == (identity, ["alpha"])
        with pytest.raises(CommandError) as told, held(kubectl, namespace, duration=DURATION):
            pass
        assert str(told.value).startswith(
            f"another `cellwright up` is running: {there.name}, since"
        )
        assert f"(pid {first.pid})" in there.name
        with contender(namespace, "wait") as second:
            assert line(second) == f"waiting for another `cellwright up`: {there}"
            first.send_signal(signal.SIGTERM)
            assert first.wait(30) == 130
            second_identity = holds(second)  # nothing is left behind: it was given back in order
            assert second_identity != identity
            second.send_signal(signal.SIGINT)
            assert second.wait(30) == 130
    assert holder(kubectl, namespace) is None


def test_a_killed_holder_is_followed_and_what_it_ran_is_known(
    namespace: str, kubectl: Kubectl, eventually: Callable[..., Any]
) -> None:
    def recorded() -> list[int | None]:
        there = holder(kubectl, namespace)
        return [run.pid for run in there.running] if there else []

    with contender(namespace) as first:
        holds(first)
        with contender(namespace, "wait") as second:
            assert line(second).startswith("waiting for another")
            eventually(lambda: recorded() == [4711])
            there = holder(kubectl, namespace)
            assert there is not None
            first.kill()
            assert line(second).startswith(f"took over from {there.name}, since")
            holds(second, "alpha:4711")


def test_a_holder_that_is_suspended_finds_out_that_it_was_followed(namespace: str) -> None:
    with ExitStack() as running:
        first = running.enter_context(contender(namespace))
        holds(first)
        second = running.enter_context(contender(namespace, "wait"))
        assert line(second).startswith("waiting for another")
        first.send_signal(signal.SIGSTOP)
        assert line(second).startswith("took over from")
        assert line(second).startswith("left alpha:")
        identity = line(second).removeprefix("held ")
        first.send_signal(signal.SIGCONT)
        assert line(first).startswith("lost the lease ")
        first.send_signal(signal.SIGTERM)
        assert first.wait(30) == 130  # and gives back nothing
        there = holder(Kubectl(Cluster("local", None)), namespace)
        assert there is not None
        assert there.identity == identity


def test_of_many_at_once_one_wins(namespace: str) -> None:
    with ExitStack() as running:
        processes = [running.enter_context(contender(namespace)) for _ in range(4)]
        said = [line(process) for process in processes]
    assert sorted(said) == ["", "", "", "left"]


def test_the_server_refuses_what_is_not_up_to_date(namespace: str, kubectl: Kubectl) -> None:
    with held(kubectl, namespace, duration=30) as lease:
        edit = ["annotate", "lease", "cellwright-up", "--namespace", namespace, "note=by-hand"]
        subprocess.run(["kubectl", *edit], check=True)
        lease.start("alpha")
        delete = ["delete", "lease", "cellwright-up", "--namespace", namespace]
        subprocess.run(["kubectl", *delete], check=True)
        lease.start("beta")
        there = holder(kubectl, namespace)
        assert there is not None
        assert [run.stack for run in there.running] == ["alpha", "beta"]


def test_a_namespace_that_is_not_there_is_named(kubectl: Kubectl) -> None:
    with (
        pytest.raises(NoNamespaceError, match="namespace lease-test-none does not exist"),
        held(kubectl, "lease-test-none"),
    ):
        pass
    assert holder(kubectl, "lease-test-none") is None


def test_a_patch_is_merged(namespace: str, kubectl: Kubectl) -> None:
    patch = {"metadata": {"annotations": {"cellwright.dev/tried": "yes"}}}
    patched = kubectl.patch("namespace", namespace, patch)
    assert patched["metadata"]["annotations"]["cellwright.dev/tried"] == "yes"


def test_the_rights_that_are_asked_for_are_enough(namespace: str, kubectl: Kubectl) -> None:
    kubectl.command += ["--as", "ann"]
    with pytest.raises(CommandError, match="grant the verbs get, create and update") as told:
        with_lease(kubectl, namespace)
    assert 'User "ann" cannot get resource "leases"' in str(told.value)
    for granted in (
        ("role", "lease", "--verb=get,create,update", "--resource=leases.coordination.k8s.io"),
        ("rolebinding", "lease", "--role=lease", "--user=ann"),
    ):
        subprocess.run(["kubectl", "create", *granted, "--namespace", namespace], check=True)
    with_lease(kubectl, namespace)
    assert holder(kubectl, namespace) is None


def with_lease(kubectl: Kubectl, namespace: str) -> None:
    with held(kubectl, namespace) as lease:
        lease.start("alpha")
        lease.end("alpha")
        there = holder(kubectl, namespace)
        assert there is not None
        assert there.identity == lease.identity
