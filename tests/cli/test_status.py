"""What `status` tells of the cells of a fleet, beside what is declared."""

import pytest

from cellwright.identity import with_pods_id
from tests.cli.conftest import Program
from tests.cli.running import Body, runs
from tests.cli.standins import Cluster
from tests.cli.statuses import DIRECTORY, GAMMA, change, declared, delete, note, states, told

HEADER = "CELL         RING  ORGANIZATIONS  PORT   STATE"


@pytest.fixture
def fleet(program: Program, cluster: Cluster) -> Cluster:
    """The demo fleet as declared, ready in its cluster."""
    return declared(program, cluster)


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
    delete(fleet, "RoleBinding", f"{DIRECTORY}/placement-gamma")
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
        labels = body["metadata"].setdefault("labels", {})
        pods = with_pods_id(body, labels.get("cellwright.dev/fleet-id", ""), "0123456789abcdef")
        body.update(pods)
        labels["cellwright.dev/fleet-id"] = "0123456789abcdef"
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
