"""The lease that `up` holds, and the locks of Pulumi that other runs have or left."""

import json

from tests.cli.conftest import Program
from tests.cli.standins import World
from tests.cli.ups import Engine


def test_the_lease_is_given_back_and_says_what_runs(program: Program, fleet: Engine) -> None:
    seen: list[str] = []

    def look(_: str) -> None:
        lease = fleet.object("Lease", "cellwright-up")
        seen.append(lease["metadata"]["annotations"]["cellwright.dev/stacks"])
        assert lease["spec"]["holderIdentity"]

    program.edit("cells/fleet.yaml", "timeout: 3m", "timeout: 4m")
    fleet.before = look
    assert program("up", "--yes", "--cell", "alpha").code == 0
    assert '"stack":"alpha"' in seen[0]
    assert fleet.object("Lease", "cellwright-up")["spec"]["holderIdentity"] == ""


def test_a_second_run_says_who_is_at_it(program: Program, fleet: Engine) -> None:
    lease = fleet.object("Lease", "cellwright-up")
    lease["spec"] |= {"holderIdentity": "ann@build-7 (pid 12) 0123456789abcdef"}
    fleet.put(lease)
    done = program("up", "--yes")
    assert (done.code, fleet.applied) == (1, [])
    assert "another `cellwright up` is running: ann@build-7 (pid 12)" in done.err


def test_a_lock_that_may_be_somebodys_is_not_cancelled(
    program: Program, fleet: Engine, world: World
) -> None:
    program.edit("cells/fleet.yaml", "timeout: 3m", "timeout: 4m")
    fleet.fails["alpha"] = (
        "error: the stack is currently locked by 1 lock(s). Either wait",
        "  file:///x.json: created by root@other-host (pid 99) at 2026-01-01T00:00:00Z",
    )
    done = program("up", "--yes", "--cell", "alpha")
    assert done.code == 1
    assert "stack alpha is locked by root@other-host (pid 99)" in done.err
    assert not any(line.startswith("cancel") for line in world.pulumi)


def test_a_lock_that_a_dead_run_left_is_cancelled(
    program: Program, fleet: Engine, world: World
) -> None:
    lease = fleet.object("Lease", "cellwright-up")
    left = {
        "stack": "alpha",
        "holder": "ann@other-host (pid 98) 0123456789abcdef",
        "host": "other-host",
        "pid": 99,
        "started": "2026-01-01T00:00:00.000000Z",
    }
    lease["metadata"]["annotations"]["cellwright.dev/stacks"] = json.dumps([left])
    fleet.put(lease)
    program.edit("cells/fleet.yaml", "timeout: 3m", "timeout: 4m")
    fleet.fails["alpha"] = (
        "error: the stack is currently locked by 1 lock(s). Either wait",
        "  file:///x.json: created by root@other-host (pid 99) at 2026-01-01T00:00:05Z",
    )

    def free(_: str) -> None:
        if any(line.startswith("cancel") for line in world.pulumi):
            fleet.fails.clear()

    fleet.before = free
    done = program("up", "--yes", "--cell", "alpha")
    assert (done.code, fleet.applied) == (0, ["alpha", "alpha"]), done
    assert "cancelling the lock of root@other-host (pid 99)" in done.err
