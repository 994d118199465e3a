"""`cellwright status` compares with the plan: what was changed by hand is told, then mended."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.end_to_end.workspace import Workspace

CELL = "gamma"
SPACE = ("--namespace", f"cell-{CELL}")
APP = "app"
IMAGE = "cellwright/absent:1"


def told(fleet: Workspace) -> tuple[int, dict[str, Any]]:
    done = fleet.run("cellwright", "status", "--format", "json")
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.returncode, json.loads(done.stdout)


def cell(fleet: Workspace, name: str = CELL) -> dict[str, Any]:
    """Return what is told of one cell; a volume of the machine may be nearly full."""
    _, said = told(fleet)
    (found,) = (one for one in said["cells"] if one["cell"] == name)
    return dict(found)


def mend(fleet: Workspace) -> None:
    fleet.must("cellwright", "up", "--yes", "--all", timeout=900)
    found = cell(fleet)
    differences = [found[key] for key in ("reasons", "missing", "changed", "extra")]
    assert differences == [[], [], [], []]


@pytest.fixture
def mended(fleet: Workspace) -> Any:
    """The fleet as it is declared, before and after."""
    mend(fleet)
    yield fleet
    mend(fleet)


def test_everything_is_ready_after_up(mended: Workspace) -> None:
    code, said = told(mended)
    states = {one["cell"]: one["state"] for one in said["cells"]}
    assert all(one["volume"]["percent"] is not None for one in said["cells"]), said["cells"]
    if not any(state.startswith("volume ") for state in states.values()):
        assert {"alpha", "beta", "gamma"} <= states.keys()
        assert states == dict.fromkeys(states, "ready")
        assert code == 0
    assert [one["state"] for one in said["directory"]] == ["ready"]
    assert said["undeclared"] == []


def test_whether_network_policies_are_enforced_is_told(fleet: Workspace) -> None:
    """Kind's own network enforces them; the plugin of the node image made here does not."""
    networks = fleet.must("kubectl", "get", "daemonset", "--all-namespaces", "--output=name")
    done = fleet.run("cellwright", "status", "--network-policies", "--format", "json")
    (found,) = json.loads(done.stdout)["network_policies"].values()
    assert found["enforced"] is ("daemonset.apps/kindnet" in networks.split())


def test_what_is_deleted_and_changed_is_told(mended: Workspace) -> None:
    mended.must("kubectl", "delete", "deployment", "router", *SPACE)
    mended.must("kubectl", "delete", "networkpolicy", "default-deny", *SPACE)
    mended.must("kubectl", "scale", "deployment", APP, "--replicas=2", *SPACE)
    opened = [{"op": "add", "path": "/spec/ingress/0/ports/-", "value": {"port": 22}}]
    patch = ("--type=json", "--patch", json.dumps(opened))
    mended.must("kubectl", "patch", "networkpolicy", "postgres", *SPACE, *patch)
    mended.must(
        "kubectl", "rollout", "status", f"deployment/{APP}", *SPACE, "--timeout=120s", timeout=150
    )
    found = cell(mended)
    missing = {(one["kind"], one["name"]) for one in found["missing"]}
    assert missing == {("Deployment", "router"), ("NetworkPolicy", "default-deny")}
    changed = {(one["kind"], one["name"]): one["fields"] for one in found["changed"]}
    assert changed.keys() == {("Deployment", APP), ("NetworkPolicy", "postgres")}
    assert changed["Deployment", APP] == [{"path": "spec.replicas", "live": 2, "declared": 1}]
    assert found["state"] == "different: 2 missing, 2 changed"


def test_another_image_is_told_with_the_reason_at_once(
    mended: Workspace, eventually: Callable[..., Any]
) -> None:
    mended.must("kubectl", "set", "image", f"deployment/{APP}", f"*={IMAGE}", *SPACE)
    reasons = eventually(lambda: [one for one in cell(mended)["reasons"] if IMAGE in one["reason"]])
    assert [one["name"] for one in reasons] == [APP]
    assert reasons[0]["stuck"]
    found = cell(mended)
    image = "spec.template.spec.containers[app].image"
    (field,) = (one for each in found["changed"] for one in each["fields"] if one["path"] == image)
    assert field["live"] == IMAGE
    assert found["state"].startswith("not ready: Deployment app: ")


def test_a_cell_that_is_not_declared_is_told(mended: Workspace) -> None:
    metadata = {
        "name": "cell-old",
        "labels": {
            "app.kubernetes.io/managed-by": "cellwright",
            "cellwright.dev/cell": "old",
            "cellwright.dev/fleet": "demo",
        },
    }
    mended.write(
        "old.json", json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    )
    mended.must("kubectl", "create", "--filename", "old.json")
    try:
        code, said = told(mended)
        assert (code, [one["state"] for one in said["undeclared"]]) == (1, ["undeclared"])
    finally:
        mended.must("kubectl", "delete", "namespace", "cell-old", "--timeout=120s")
        (mended.root / "old.json").unlink()
    assert told(mended)[1]["undeclared"] == []
