"""`cellwright diff --against live`: what `up` would change, by the server's own word."""

import json
from typing import Any

from tests.end_to_end.workspace import Workspace

APP = ("deployment/app", "--namespace", "cell-beta")


def differences(fleet: Workspace, *arguments: str) -> dict[str, Any]:
    """Return each change by the object's kind and name."""
    done = fleet.run("cellwright", "diff", "--against", "live", "--format", "json", *arguments)
    assert done.returncode in (0, 16), done.stdout + done.stderr
    listed = json.loads(done.stdout)["changes"]
    assert bool(listed) == (done.returncode == 16)
    return {f"{one['kind']}/{one['name']}": one for one in listed}


def fields(change: Any) -> dict[str, tuple[Any, Any]]:
    return {one["path"]: (one.get("before"), one.get("after")) for one in change["fields"]}


def test_nothing_differs_after_up(fleet: Workspace) -> None:
    fleet.must("cellwright", "up", "--yes", "--all", timeout=900)
    done = fleet.run("cellwright", "diff", "--against", "live")
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_was_changed_by_hand_is_seen(fleet: Workspace) -> None:
    password = fleet.kubectl("get", "secret", "postgres-app", "--namespace", "cell-beta")["data"]
    fleet.must("kubectl", "set", "env", *APP, "--containers=app", "CELL=elsewhere")
    fleet.must("kubectl", "label", *APP, "mine=kept")
    fleet.must("kubectl", "delete", "poddisruptionbudget", "app", "--namespace", "cell-beta")
    username = '{"stringData": {"username": "somebody"}}'
    fleet.must(
        "kubectl", "patch", "secret", "postgres-app", "--namespace", "cell-beta", "-p", username
    )
    opened = '[{"op": "add", "path": "/spec/ingress/0/ports/-", "value": {"port": 22}}]'
    policy = ("networkpolicy", "postgres", "--namespace", "cell-beta")
    fleet.must("kubectl", "patch", *policy, "--type=json", "-p", opened)
    found = differences(fleet, "--cell", "beta")
    assert found.pop("NetworkPolicy/postgres")["action"] == "change"
    assert found["Deployment/app"]["effect"] == "rolling"
    env = "spec.template.spec.containers[app].env[CELL].value"
    assert fields(found["Deployment/app"]) == {env: ("elsewhere", "beta")}
    assert found["PodDisruptionBudget/app"]["action"] == "add"
    assert fields(found["Secret/postgres-app"]).keys() == {"data.username"}
    assert password["password"] not in json.dumps(found)
    assert set(found) == {"Deployment/app", "PodDisruptionBudget/app", "Secret/postgres-app"}
    fleet.must("kubectl", "patch", *APP, "-p", '{"metadata": {"labels": {"mine": null}}}')
    fleet.must("pulumi", "refresh", "--yes", "--stack", "beta", "--non-interactive")
    fleet.up("beta")
    assert differences(fleet, "--cell", "beta") == {}


def test_what_the_definitions_change_has_its_effect(fleet: Workspace) -> None:
    file = fleet.root / "cells/beta.yaml"
    kept = file.read_text("utf-8")
    scaled = kept.replace("replicas: 2", "autoscale: {min: 2, max: 3}")
    file.write_text(scaled.replace("spec:", "spec:\n  postgres: {storage: 500Mi}", 1), "utf-8")
    try:
        found = differences(fleet, "--cell", "beta")
    finally:
        file.write_text(kept, "utf-8")
    assert found["HorizontalPodAutoscaler/app"]["action"] == "add"
    assert fields(found["Deployment/app"]) == {"spec.replicas": (2, None)}, "given up"
    assert found["Deployment/app"]["effect"] == "in place"
    assert found["StatefulSet/postgres"]["effect"] == "data loss"


def test_an_object_that_is_declared_no_more_is_removed(fleet: Workspace) -> None:
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "left",
            "namespace": "cell-beta",
            "labels": {
                "app.kubernetes.io/managed-by": "cellwright",
                "cellwright.dev/cell": "beta",
            },
        },
    }
    fleet.write("left.json", json.dumps(body))
    fleet.must("kubectl", "create", "--filename", "left.json")
    assert differences(fleet, "--cell", "beta") == {}, "Pulumi knows nothing of it"
    as_the_plugin = ("--server-side", "--force-conflicts", "--field-manager=cellwright-0123")
    fleet.must("kubectl", "apply", "--filename", "left.json", *as_the_plugin)
    found = differences(fleet, "--cell", "beta")
    assert (found["ConfigMap/left"]["action"], len(found)) == ("remove", 1)
    fleet.must("kubectl", "delete", "--filename", "left.json")
