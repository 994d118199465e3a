"""What nobody may delete by accident."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cellwright.edge.files import read
from cellwright.plan import Plan, plan
from cellwright.registration import Registration, is_applied, registrations
from tests.workspaces import demo_in

ROOT = Path(__file__).parents[2]


def planned(folder: Path, ring: int, on_delete: str = "keep-volume", held: bool = False) -> Plan:
    demo_in(folder)
    cell = (
        "apiVersion: cellwright/v1\nkind: Cell\nmetadata: {name: delta}\n"
        f"spec: {{id: 4, ring: {ring}, region: us, cluster: local, size: small,"
        f" postgres: {{onDelete: {on_delete}}}}}\n"
    )
    (folder / "cells" / "delta.yaml").write_text(cell)
    if held:
        (folder / "organizations" / "one.yaml").write_text(
            "apiVersion: cellwright/v1\nkind: Organization\nmetadata: {name: one}\n"
            "spec: {id: 9, cell: delta}\n"
        )
    return plan(read(folder))


def wanted(made: Plan, stack: str = "delta") -> tuple[Registration, ...]:
    assert made.fleet is not None, made.problems
    return registrations(made.fleet, made.stacks[stack])


def kept(made: Plan, stack: str = "delta") -> dict[str, tuple[bool, bool]]:
    return {
        one.manifest.kind: (one.protect, one.retain)
        for one in wanted(made, stack)
        if one.protect or one.retain
    }


@pytest.mark.parametrize(
    ("ring", "on_delete", "expected"),
    [
        (0, "keep-volume", {"Namespace": (True, True), "StatefulSet": (True, False)}),
        (1, "delete-volume", {"Namespace": (True, False), "StatefulSet": (True, False)}),
        (-1, "keep-volume", {"Namespace": (False, True)}),
        (-1, "delete-volume", {}),
    ],
)
def test_the_data_of_a_cell_in_service_is_protected(
    tmp_path: Path, ring: int, on_delete: str, expected: dict[str, tuple[bool, bool]]
) -> None:
    assert kept(planned(tmp_path, ring, on_delete)) == expected


def test_the_directorys_namespace_stays_with_the_cells_leave_to_read_it(tmp_path: Path) -> None:
    assert kept(planned(tmp_path, 0), "fleet") == {"Namespace": (False, True)}


def state_of(made: Plan) -> dict[str, Any]:
    """A state as `pulumi stack export` shows it after a good run."""
    prefix = "urn:pulumi:delta::cellwright::cellwright:index:Cell$"
    resources: list[dict[str, Any]] = [
        {"urn": "urn:pulumi:delta::cellwright::x::y", "type": "pulumi:pulumi:Stack"}
    ]
    for one in wanted(made):
        inputs = copy.deepcopy(dict(one.manifest.body))
        if "stringData" in inputs:
            inputs["stringData"] = {"4dabf18193072939515e22adb298388d": "ciphertext"}
        resources.append(
            {
                "urn": f"{prefix}{one.token}::{one.name}",
                "type": one.token,
                "inputs": {**inputs, "__internal": 1},
                "protect": one.protect,
                "retainOnDelete": one.retain,
            }
        )
    return {"resources": resources}


def test_a_state_that_holds_all_is_applied(tmp_path: Path) -> None:
    made = planned(tmp_path, 1)
    assert is_applied(state_of(made), wanted(made))


def _forget_last(state: dict[str, Any]) -> None:
    state["resources"].pop()


def _fail_last(state: dict[str, Any]) -> None:
    state["resources"][-1]["initErrors"] = ["not ready"]


def _interrupt(state: dict[str, Any]) -> None:
    state["pending_operations"] = [{"type": "creating"}]


def _change_last(state: dict[str, Any]) -> None:
    state["resources"][-1]["inputs"]["spec"]["replicas"] = 99


def _unprotect(state: dict[str, Any]) -> None:
    for resource in state["resources"]:
        resource["protect"] = False


def _add(state: dict[str, Any]) -> None:
    extra = {**state["resources"][-1]}
    extra["urn"] += "-more"
    state["resources"].append(extra)


@pytest.mark.parametrize(
    "change", [_forget_last, _fail_last, _interrupt, _change_last, _unprotect, _add, dict.clear]
)
def test_a_state_that_differs_is_not_applied(
    tmp_path: Path, change: Callable[[dict[str, Any]], None]
) -> None:
    made = planned(tmp_path, 1)
    state = state_of(made)
    change(state)
    assert not is_applied(state, wanted(made))


def test_the_app_waits_for_its_migration_and_the_router_for_neither(tmp_path: Path) -> None:
    manifests = {
        (one.kind, one.name.partition("-")[0]): one for one in planned(tmp_path, 1).stacks["delta"]
    }
    database, migration = manifests["StatefulSet", "postgres"], manifests["Job", "app"]
    app, router = manifests["Deployment", "app"], manifests["Deployment", "router"]
    assert app.after >= migration.rank
    assert app.after >= database.rank
    assert router.after < min(database.rank, migration.rank)
    assert all(one.rank > manifests["Namespace", "cell"].rank for one in (database, app, router))


def test_an_autoscaled_app_has_no_replicas_of_its_own(tmp_path: Path) -> None:
    planned(tmp_path, 1)
    cell = tmp_path / "cells" / "delta.yaml"
    cell.write_text(cell.read_text().replace("size: small", "size: large"))
    manifests = {one.kind: one for one in plan(read(tmp_path)).stacks["delta"] if one.name == "app"}
    assert "replicas" not in manifests["Deployment"].body["spec"]
    scaler = manifests["HorizontalPodAutoscaler"].body["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (3, 20)
