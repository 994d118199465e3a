"""What a cell's objects say of its state."""

from collections.abc import Iterable
from typing import Any

import pytest

from cellwright.edge import cluster
from cellwright.edge.cluster import cell_states
from tests.fleets import cell, fleet

FLEET = fleet([cell("alpha", 1), cell("beta", 2)], [])
DONE = {"observedGeneration": 3, "readyReplicas": 2, "updatedReplicas": 2}
SAME = {**DONE, "currentRevision": "b", "updateRevision": "b"}


def one(kind: str, name: str, status: dict[str, Any], namespace: str = "cell-alpha") -> Any:
    metadata = {"name": name, "namespace": namespace, "generation": 3}
    return {"kind": kind, "metadata": metadata, "spec": {"replicas": 2}, "status": status}


class Held:
    """Stands for kubectl and what it lists."""

    def __init__(self, objects: list[Any]) -> None:
        self.objects = objects

    def greet(self) -> None:
        pass

    def ours(self, kinds: Iterable[str]) -> list[Any]:
        assert set(kinds) == {"deployments", "statefulsets", "services"}
        return self.objects


def states(monkeypatch: pytest.MonkeyPatch, *objects: Any) -> dict[str, str]:
    monkeypatch.setattr(cluster, "Kubectl", lambda _: Held(list(objects)))
    return {found.cell: found.state for found in cell_states(FLEET)}


def test_a_cell_without_workloads_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    assert states(monkeypatch) == {"alpha": "absent", "beta": "absent"}


def test_a_cell_is_ready_when_all_of_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    found = states(monkeypatch, one("Deployment", "app", DONE), one("StatefulSet", "db", SAME))
    assert found == {"alpha": "ready", "beta": "absent"}


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("Deployment", {}),
        ("Deployment", {**DONE, "observedGeneration": 2}),
        ("Deployment", {**DONE, "readyReplicas": 1}),
        ("Deployment", {**DONE, "updatedReplicas": 1}),
        ("StatefulSet", {**SAME, "currentRevision": "a"}),
        ("StatefulSet", {**SAME, "readyReplicas": 0}),
    ],
)
def test_old_pods_that_still_serve_are_not_what_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, kind: str, status: dict[str, Any]
) -> None:
    done = one("Deployment", "router", DONE)
    found = states(monkeypatch, done, one(kind, "late", status))
    assert found["alpha"] == "waits for late"


def test_a_router_s_port_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    service = one("Service", "router", {})
    service["spec"] = {"ports": [{"port": 80, "nodePort": 30081}]}
    monkeypatch.setattr(cluster, "Kubectl", lambda _: Held([service]))
    assert [found.node_port for found in cell_states(FLEET)] == [30081, None]
