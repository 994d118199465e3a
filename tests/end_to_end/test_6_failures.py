"""When something is wrong: a clear error in time, and the next run recovers."""

import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest

from tests.end_to_end.workspace import Workspace

NUMBERS = count(50)
"""The ids of the cells that are broken: none is used twice, also not by a cell of one name."""
CELL = """\
apiVersion: cellwright/v1
kind: Cell
metadata: {name: broken}
spec:
  {id: NUMBER, ring: -1, region: us, cluster: local, size: small,
   postgres: {onDelete: delete-volume}}
"""


@pytest.fixture
def broken(fleet: Workspace) -> Iterator[Workspace]:
    """The workspace with a short patience, and a cell to break that goes when the test ends."""
    settings = fleet.root / "cells" / "fleet.yaml"
    before = settings.read_text()
    settings.write_text(before.replace("timeout: 3m", "timeout: 25s"))
    fleet.write("cells/broken.yaml", CELL.replace("NUMBER", str(next(NUMBERS))))
    fleet.must("cellwright", "stacks")
    yield fleet
    settings.write_text(before)
    (fleet.root / "cells" / "broken.yaml").unlink()
    fleet.drop("broken")
    fleet.must("cellwright", "up", "--yes")  # the directory retires its id


def declare(fleet: Workspace, extra: str) -> None:
    """Give the cell what is to break it."""
    file = fleet.root / "cells" / "broken.yaml"
    file.write_text(re.sub(r"delete-volume\}.*\}", f"delete-volume}}{extra}}}", file.read_text()))


def fails(workspace: Workspace, *expected: str) -> str:
    """Run `pulumi up` of the broken cell and return what it said when it failed in time."""
    done = workspace.pulumi("up", "--yes", "--skip-preview", "--stack", "broken")
    text = done.stdout + done.stderr
    assert done.returncode != 0, text
    assert "Traceback" not in text
    for part in expected:
        assert part in text, text
    return text


def test_broken_definitions_are_all_named_before_anything_happens(fleet: Workspace) -> None:
    cell = fleet.root / "cells" / "beta.yaml"
    before = cell.read_text()
    cell.write_text(before.replace("size: small", "size: smal").replace("id: 2", "id: two"))
    try:
        for command in (
            ("pulumi", "up", "--yes", "--skip-preview", "--stack", "alpha", "--non-interactive"),
            ("cellwright", "check"),
            ("cellwright", "up", "--yes"),
        ):
            done = fleet.run(*command)
            text = done.stdout + done.stderr
            assert done.returncode != 0, text
            assert "cells/beta.yaml:7:7: CW101 spec.id: expected a whole number" in text
            assert "Traceback" not in text
    finally:
        cell.write_text(before)
    assert fleet.run("cellwright", "check").returncode == 0


def test_an_image_that_does_not_exist(broken: Workspace) -> None:
    declare(broken, ", app: {replicas: 1, image: 'cellwright/missing:0.1.0'}")
    fails(broken, "cellwright/missing:0.1.0")
    declare(broken, "")
    broken.up("broken")


def test_a_full_volume(broken: Workspace) -> None:
    """The volume is a real one of 8 MiB: initdb fills it."""
    node = node_of(broken)
    folder = "/var/cellwright-full"
    mount = f"mkdir -p {folder} && mount -t tmpfs -o size=8m,mode=0777 none {folder}"
    broken.must("docker", "exec", node, "sh", "-c", mount)
    volume = """\
apiVersion: v1
kind: PersistentVolume
metadata: {name: cellwright-full}
spec:
  accessModes: [ReadWriteOnce]
  capacity: {storage: 1Gi}
  storageClassName: standard
  persistentVolumeReclaimPolicy: Retain
  claimRef: {namespace: cell-broken, name: data-postgres-0}
  hostPath: {path: /var/cellwright-full}
"""
    broken.write("volume.yaml", volume)
    broken.must("kubectl", "apply", "--filename", "volume.yaml")
    try:
        fails(broken, "the volume at /var/lib/postgresql/data is full")
        bigger = "mount -o remount,size=512m /var/cellwright-full"
        broken.must("docker", "exec", node, "sh", "-c", bigger)
        # Kubernetes waits longer after each crash; whoever made room need not.
        pod = ("pod", "postgres-0", "--namespace", "cell-broken")
        broken.must("kubectl", "delete", *pod)
        broken.up("broken")
    finally:
        broken.clear("broken")
        broken.run("kubectl", "delete", "persistentvolume", "cellwright-full", "--timeout=60s")
        broken.run("docker", "exec", node, "umount", "/var/cellwright-full")


def test_a_cluster_that_is_away(fleet: Workspace) -> None:
    """The node is frozen: whoever calls gets no answer at all.

    The program itself asks the cluster first, so that a typed run fails with any plugin.
    """
    node = node_of(fleet)
    fleet.must("docker", "pause", node)
    try:
        done = fleet.pulumi("up", "--yes", "--skip-preview", "--stack", "alpha")
        text = done.stdout + done.stderr
        assert done.returncode != 0, text
        assert "cluster local does not answer" in text
        assert "Traceback" not in text
        done = fleet.run("cellwright", "up", "--yes")
        assert (done.returncode, "cluster local does not answer" in done.stderr) == (1, True)
        done = fleet.run("cellwright", "status")
        assert (done.returncode, "Traceback" in done.stderr) == (1, False), done.stderr
        assert "kubectl" in done.stderr
    finally:
        fleet.must("docker", "unpause", node)
    fleet.up("alpha")


def test_a_run_that_was_killed_half_way_is_taken_up_again(broken: Workspace) -> None:
    """Its lease ends by itself, and the lock that its Pulumi left is known to be abandoned."""
    with subprocess.Popen(
        ["cellwright", "up", "--yes"],
        cwd=broken.root,
        env=dict(broken.environment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as killed:
        for line in killed.stderr or ():
            if line.startswith("broken: started"):
                break
        time.sleep(4)  # Pulumi has begun by then, and is not done
        killed.kill()
    done = broken.run("cellwright", "up", "--yes", "--wait", "2m", timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "whose lease ended" in done.stderr
    assert "broken: up in" in done.stdout


def node_of(workspace: Workspace) -> str:
    name = workspace.kubectl("get", "nodes")["items"][0]["metadata"]["name"]
    assert isinstance(name, str)
    return name


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_waits_for_pulumi_and_is_taken_up_again(
    broken: Workspace, eventually: Callable[..., Any], number: signal.Signals
) -> None:
    with subprocess.Popen(
        ["cellwright", "up", "--yes"],
        cwd=broken.root,
        env=dict(broken.environment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as interrupted:
        children = ("pgrep", "--parent", str(interrupted.pid), "--full", "pulumi up")
        eventually(lambda: broken.run(*children).stdout)
        engines = broken.run(*children).stdout.split()
        interrupted.send_signal(number)
        _, errors = interrupted.communicate(timeout=120)
    assert interrupted.returncode == 130
    assert "interrupted" in errors
    assert "Traceback" not in errors
    assert engines
    assert broken.run("ps", "-o", "pid=", "-p", ",".join(engines)).stdout == ""
    lease = broken.kubectl("get", "lease", "cellwright-up", "--namespace", "cellwright-directory")
    assert not lease["spec"].get("holderIdentity")
    done = broken.run("cellwright", "up", "--yes", timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
