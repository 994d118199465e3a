"""What `status` tells of last runs, draining, volumes, what is undeclared, and clusters away."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.cli.conftest import Program
from tests.cli.running import df
from tests.cli.standins import Body, Cluster, World
from tests.cli.statuses import DIRECTORY, GAMMA, change, declared, delete, note, told


@pytest.fixture
def fleet(program: Program, cluster: Cluster) -> Cluster:
    """The demo fleet as declared, ready in its cluster."""
    return declared(program, cluster)


def test_a_failed_run_is_told(program: Program, fleet: Cluster) -> None:
    note(fleet, "cell-gamma", result="failed")
    done = program("status")
    assert done.out.splitlines()[3:5] == [
        f"{GAMMA}last up failed at 2026-07-01 12:00:00 UTC",
        "  last run   last up failed at 2026-07-01 12:00:00 UTC by root@ci",
    ]
    found = told(program)["last_run"]
    assert (found["result"], found["by"]) == ("failed", "root@ci")


@pytest.mark.parametrize(
    ("renewed", "acquired", "holder", "expected"),
    [
        (0, 60, "root@ci", "an up is running since "),
        (60, 60, "root@ci", "an up was interrupted at "),
        (0, 60, "", "an up was interrupted at "),
        (0, 0, "another", "an up was interrupted at "),
    ],
    ids=["held", "ended", "released", "held by a later one"],
)
def test_an_up_that_runs_is_told_from_one_that_was_interrupted(  # noqa: PLR0913, PLR0917
    program: Program, fleet: Cluster, renewed: int, acquired: int, holder: str, expected: str
) -> None:
    def ago(seconds: int) -> str:
        return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")

    note(fleet, "cell-gamma", result="running", at=ago(30))
    spec = {
        "holderIdentity": holder,
        "leaseDurationSeconds": 30,
        "renewTime": ago(renewed),
        "acquireTime": ago(acquired),
    }
    metadata = {"name": "cellwright-up", "namespace": DIRECTORY}
    fleet.objects.append({"kind": "Lease", "metadata": metadata, "spec": spec})
    fleet.save()
    assert told(program)["state"].startswith(expected)


def test_an_interrupted_run_without_a_lease_is_told(program: Program, fleet: Cluster) -> None:
    note(fleet, "cell-gamma", result="running")
    assert told(program)["state"] == "an up was interrupted at 2026-07-01 12:00:00 UTC"


@pytest.mark.parametrize("text", ["{", "[]", "null", '{"at": 7}', '"running"'])
def test_a_note_that_can_t_be_read_says_nothing(
    program: Program, fleet: Cluster, text: str
) -> None:
    annotations = {"cellwright.dev/last-run": text}
    change(
        fleet,
        "Namespace",
        "/cell-gamma",
        lambda body: body["metadata"]["annotations"].update(annotations),
    )
    assert program("status").code == 0


def test_a_draining_cell_is_told_and_is_as_declared(program: Program, cluster: Cluster) -> None:
    program.edit("cells/gamma.yaml", "spec:", "spec:\n  draining: true")
    declared(program, cluster)
    done = program("status")
    assert done.code == 0
    assert f"{GAMMA}draining\n" in done.out


@pytest.mark.parametrize(("percent", "code"), [(84, 0), (85, 1), (100, 1)])
def test_a_volume_that_is_nearly_full_is_told(
    program: Program, fleet: Cluster, percent: int, code: int
) -> None:
    fleet.tables["df cell-gamma/postgres-0"] = df(percent)
    fleet.save()
    done = program("status")
    assert done.code == code
    assert (f"{GAMMA}volume {percent} % full\n" in done.out) == bool(code)


@pytest.mark.parametrize("said", [None, "sh: df: not found"])
def test_a_volume_that_can_t_be_measured_is_a_note(
    program: Program, fleet: Cluster, said: str | None
) -> None:
    fleet.tables["df cell-gamma/postgres-0"] = said
    fleet.save()
    assert program("status").code == 0
    gamma = program("status", "--format", "json").json["cells"][-1]
    assert gamma["state"] == "ready"
    assert gamma["volume"]["percent"] is None
    assert gamma["volume"]["note"].startswith("the volume could not be measured: ")


def test_a_cell_that_is_declared_no_more_is_told_until_it_is_gone(
    program: Program, cluster: Cluster
) -> None:
    text = (program.root / "cells/gamma.yaml").read_text("utf-8")
    text = text.partition("  idRange:")[0].replace("gamma", "delta").replace("id: 3", "id: 4")
    program.write("cells/delta.yaml", text)
    declared(program, cluster)
    (program.root / "cells/delta.yaml").unlink()
    done = program("status")
    assert done.code == 1
    assert "delta        -     -              -      undeclared, still running\n" in done.out
    assert "  namespace cell-delta in cluster local\n" in done.out
    kept = ("Namespace", "PersistentVolumeClaim")
    cluster.objects = [
        one
        for one in cluster.objects
        if one["metadata"].get("labels", {}).get("cellwright.dev/cell") != "delta"
        or one["kind"] in kept
    ]
    cluster.save()
    assert program("status", "--format", "json").json["undeclared"] == [
        {
            "cell": "delta",
            "cluster": "local",
            "namespace": "cell-delta",
            "state": "undeclared, its volume is kept",
            "running": False,
            "volume_kept": True,
        }
    ]
    delete(cluster, "Namespace", "/cell-delta")
    assert program("status", "--format", "json").json["undeclared"] == []


def test_a_cluster_that_is_away_leaves_the_others_told(
    program: Program, cluster: Cluster, world: World
) -> None:
    program.edit("cells/fleet.yaml", "local: {}", "local: {context: near}\n    far: {context: far}")
    program.edit("cells/gamma.yaml", "cluster: local", "cluster: far")
    near, far = declared(program, world.cluster("near")), world.cluster("far")
    near.objects = [
        one
        for one in near.objects
        if "cell-gamma" not in (one["metadata"].get("namespace"), one["metadata"]["name"])
        and one["metadata"]["name"] != "router-gamma"
    ]
    near.save()
    far.goes_away()
    cluster.goes_away()
    done = program("status")
    assert done.code == 1
    lines = [line.split(maxsplit=4) for line in done.out.splitlines()]
    assert [line[-1] for line in lines[1:4]] == [
        "ready",
        "ready",
        "unknown: cluster far does not answer",
    ]
    assert "cellwright status: cluster far does not answer: " in done.err
    assert list(program("status", "--format", "json").json["clusters_away"]) == ["far"]


@pytest.mark.parametrize(("capacity", "code"), [("1Gi", 1), ("2Gi", 0), ("3Gi", 0)])
def test_a_volume_that_grows_is_told(
    program: Program, fleet: Cluster, capacity: str, code: int
) -> None:
    def grow(body: Body) -> None:
        body["spec"] = {"resources": {"requests": {"storage": "2Gi"}}}
        body["status"]["capacity"] = {"storage": capacity}

    change(fleet, "PersistentVolumeClaim", "cell-gamma/data-postgres-0", grow)
    done = program("status")
    assert done.code == code
    waits = f"{GAMMA}volume claim data-postgres-0: the volume has 1Gi of 2Gi"
    assert (waits in done.out) == bool(code)
