"""What `status` tells of the cells of a fleet, beside what is declared."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.cli.conftest import Done, Program
from tests.cli.running import Body, databases, df, named, runs
from tests.cli.standins import Cluster, World

DIRECTORY = "cellwright-directory"
HEADER = "CELL         RING  ORGANIZATIONS  PORT   STATE"
GAMMA = "gamma        1     4              30083  "


@pytest.fixture
def fleet(program: Program, cluster: Cluster) -> Cluster:
    """The demo fleet as declared, ready in its cluster."""
    return declared(program, cluster)


def declared(program: Program, cluster: Cluster) -> Cluster:
    cluster.declared(program.root, runs)
    cluster.objects += list(databases(cluster.objects))
    for cell in ("alpha", "beta", "gamma"):
        cluster.tables[f"df cell-{cell}/postgres-0"] = df(40)
    cluster.save()
    return cluster


def change(cluster: Cluster, kind: str, name: str, how: Callable[[Body], Any]) -> None:
    """Change one object by hand."""
    (body,) = (one for one in cluster.objects if (one["kind"], named(one)) == (kind, name))
    how(body)
    cluster.save()


def delete(cluster: Cluster, kind: str, name: str) -> None:
    change(cluster, kind, name, cluster.objects.remove)


def note(cluster: Cluster, namespace: str, **said: Any) -> None:
    """Note a last run on a stack's namespace, as `up` does."""
    text = json.dumps({"at": "2026-07-01T12:00:00Z", "by": "root@ci", "digest": "x", **said})
    annotations = {"cellwright.dev/last-run": text, "cellwright.dev/applied": "{}"}
    change(
        cluster,
        "Namespace",
        f"/{namespace}",
        lambda body: body["metadata"]["annotations"].update(annotations),
    )


def states(done: Done) -> dict[str, str]:
    return {one["cell"]: one["state"] for one in done.json["cells"]}


def told(program: Program, cell: str = "gamma") -> Any:
    """Return all that is told of one cell, which is not ready while the others are."""
    done = program("status", "--format", "json")
    assert done.code == 1
    expected = {name: "ready" for name in ("alpha", "beta", "gamma") if name != cell}
    assert {name: state for name, state in states(done).items() if name != cell} == expected
    (found,) = (one for one in done.json["cells"] if one["cell"] == cell)
    assert not found["ready"]
    return found


@pytest.mark.usefixtures("fleet")
def test_a_fleet_as_declared_is_ready(program: Program) -> None:
    done = program("status")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        HEADER,
        "alpha        0     4              30081  ready",
        "beta         1     4              30082  ready",
        f"{GAMMA}ready",
        "(directory)  -     -              -      ready",
    ]


@pytest.mark.usefixtures("fleet")
def test_everything_is_told_to_programs_as_json(program: Program) -> None:
    (alpha, *_) = program("status", "--format", "json").json["cells"]
    assert alpha == {
        "cell": "alpha",
        "ring": 0,
        "organizations": 4,
        "node_port": 30081,
        "example": "acme",
        "state": "ready",
        "ready": True,
        "cluster": "local",
        "draining": False,
        "reasons": [],
        "missing": [],
        "changed": [],
        "extra": [],
        "last_run": None,
        "volume": {"percent": 40, "note": ""},
        "away": "",
    }


@pytest.mark.usefixtures("cluster")
def test_a_fleet_that_was_never_applied_is_absent(program: Program) -> None:
    done = program("status")
    assert done.code == 1
    assert states(program("status", "--format", "json")) == dict.fromkeys(
        ("alpha", "beta", "gamma"), "absent"
    )
    assert [line.split()[-2:] for line in done.out.splitlines()[1:]] == [["-", "absent"]] * 4


def test_a_kept_volume_of_a_cell_is_told(program: Program, fleet: Cluster) -> None:
    fleet.objects = [
        one
        for one in fleet.objects
        if "cell-gamma" not in (one["metadata"].get("namespace"), one["metadata"]["name"])
        or one["kind"] in ("Namespace", "PersistentVolumeClaim")
    ]
    delete(fleet, "RoleBinding", f"{DIRECTORY}/router-gamma")
    assert told(program)["state"] == "absent, its volume is kept"


def test_a_missing_router_is_told(program: Program, fleet: Cluster) -> None:
    delete(fleet, "Deployment", "cell-gamma/router")
    done = program("status")
    assert done.code == 1
    assert done.out.splitlines()[3:5] == [
        f"{GAMMA}different: 1 missing",
        "  missing    Deployment router",
    ]
    (missing,) = told(program)["missing"]
    assert missing == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "namespace": "cell-gamma",
        "name": "router",
    }


def test_what_was_changed_by_hand_is_told(program: Program, fleet: Cluster) -> None:
    def scale(body: Body) -> None:
        runs({**body, "status": {}})
        body["spec"]["replicas"] = 3
        runs(body)
        body["spec"]["template"]["spec"]["containers"][0]["image"] = "other:1"

    change(fleet, "Deployment", "cell-gamma/app", scale)
    change(
        fleet,
        "ConfigMap",
        "cell-gamma/postgres",
        lambda body: body["data"].update({"postgres.conf": "fsync = off\n", "mine": "x"}),
    )
    delete(fleet, "NetworkPolicy", "cell-gamma/default-deny")
    done = program("status", "--verbose")
    assert f"{GAMMA}different: 1 missing, 2 changed\n" in done.out
    assert "  missing    NetworkPolicy default-deny\n" in done.out
    assert "  changed    Deployment app: spec.replicas is 3, declared 1\n" in done.out
    image = 'spec.template.spec.containers[app].image is "other:1", declared "cellwright/app:0.1.0"'
    assert f"  changed    Deployment app: {image}\n" in done.out
    assert '  changed    ConfigMap postgres: data["postgres.conf"] differs in ' in done.out
    assert '  changed    ConfigMap postgres: data.mine is "x", not declared' in done.out


def test_an_edited_secret_is_told_and_not_shown(program: Program, fleet: Cluster) -> None:
    def edit(body: Body) -> None:
        body["data"] |= {"username": "c29tZWJvZHk=", "mine": "aGlkZGVu"}

    change(fleet, "Secret", "cell-gamma/postgres-app", edit)
    done = program("status", "--verbose")
    assert "changed    Secret postgres-app: data.username has another value\n" in done.out
    assert 'changed    Secret postgres-app: data.mine is "(secret)", not declared' in done.out
    shown = done.out + program("status", "--format", "json").out
    assert not [text for text in ("c29tZWJvZHk", "aGlkZGVu", "c2VjcmV0") if text in shown]


def test_an_object_that_nothing_declares_is_told(program: Program, fleet: Cluster) -> None:
    labels = {"app.kubernetes.io/managed-by": "cellwright", "cellwright.dev/cell": "gamma"}
    for name, more in (
        ("left", {}),
        ("mine", {"cellwright.dev/fleet": "demo"}),
        ("others", {"cellwright.dev/fleet": "other"}),
    ):
        metadata = {"name": name, "namespace": "cell-gamma", "labels": {**labels, **more}}
        fleet.objects.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    fleet.save()
    found = told(program)
    assert found["state"] == "different: 2 extra"
    assert [one["name"] for one in found["extra"]] == ["left", "mine"]


def test_what_up_notes_on_objects_is_no_difference(program: Program, fleet: Cluster) -> None:
    note(fleet, "cell-gamma", result="succeeded")
    note(fleet, DIRECTORY, result="succeeded")
    for body in fleet.objects:
        body["metadata"].setdefault("labels", {})["cellwright.dev/fleet-id"] = "0123456789abcdef"
    fleet.save()
    done = program("status")
    assert (done.code, done.err) == (0, "")


def test_a_cell_that_is_not_ready_says_why(program: Program, fleet: Cluster) -> None:
    change(fleet, "Deployment", "cell-gamma/app", lambda body: body["status"].clear())
    done = program("status")
    assert done.code == 1
    reason = "Deployment app: its controller has not seen its latest change yet"
    assert done.out.splitlines()[3:5] == [
        f"{GAMMA}not ready: {reason}",
        f"  not ready  {reason}",
    ]
    assert told(program)["reasons"] == [
        {
            "kind": "Deployment",
            "name": "app",
            "reason": "its controller has not seen its latest change yet",
            "stuck": False,
        }
    ]


def test_a_pod_that_someone_runs_beside_a_cell_is_no_matter(
    program: Program, fleet: Cluster
) -> None:
    metadata = {"name": "debug", "namespace": "cell-gamma"}
    status = {"phase": "Pending"}
    fleet.objects.append({"kind": "Pod", "metadata": metadata, "status": status})
    fleet.save()
    assert program("status").code == 0


def test_replicas_are_the_autoscaler_s(program: Program, fleet: Cluster) -> None:
    def scaled(body: Body) -> None:
        body["spec"]["replicas"] = 3
        runs(body)
        fields = {"f:spec": {"f:replicas": {}}}
        entry = {"manager": manager, "subresource": "scale", "fieldsV1": fields}
        body["metadata"]["managedFields"] = [entry]

    manager = "kube-controller-manager"
    change(fleet, "Deployment", "cell-gamma/app", scaled)
    assert program("status").code == 0
    manager = "kubectl"
    change(fleet, "Deployment", "cell-gamma/app", scaled)
    (changed,) = told(program)["changed"]
    assert changed["fields"] == [{"path": "spec.replicas", "live": 3, "declared": 1}]


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


def test_problems_in_the_definitions_are_told_first(program: Program, fleet: Cluster) -> None:
    fleet.goes_away()
    program.edit("cells/beta.yaml", "id: 2", "id: two")
    done = program("status")
    assert (done.code, done.err) == (1, "1 problem\n")
    assert "cells/beta.yaml" in done.out


def test_many_details_are_cut_unless_all_are_asked_for(program: Program, fleet: Cluster) -> None:
    for name in ("app", "router", "dns", "postgres", "default-deny", "app-migrate"):
        delete(fleet, "NetworkPolicy", f"cell-gamma/{name}")
    assert "  … and 1 more (--verbose shows all)\n" in program("status").out
    assert program("status", "--verbose").out.count("  missing    NetworkPolicy") == 6
