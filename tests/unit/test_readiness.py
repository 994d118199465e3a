"""Whether objects are ready, by their own status."""

from typing import Any

import pytest

from cellwright.readiness import is_ready, lacks

ALL = {"observedGeneration": 3, "replicas": 2, "readyReplicas": 2, "availableReplicas": 2}
DONE = {**ALL, "updatedReplicas": 2}
SAME = {**ALL, "currentRevision": "b", "updateRevision": "b"}
ON_NODES = {
    "observedGeneration": 3,
    "desiredNumberScheduled": 2,
    "updatedNumberScheduled": 2,
    "numberAvailable": 2,
}


def body(kind: str, status: Any, version: str = "apps/v1", **spec: Any) -> dict[str, Any]:
    metadata = {"name": "x", "namespace": "cell-alpha", "generation": 3}
    given = {"replicas": 2, **spec}
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": metadata,
        "spec": given,
        "status": status,
    }


def conditions(**by_type: str) -> dict[str, Any]:
    listed = [
        {"type": name, "status": value, "reason": "Because", "message": "it says so"}
        for name, value in by_type.items()
    ]
    return {"conditions": listed}


@pytest.mark.parametrize(
    "ready",
    [
        body("Deployment", DONE),
        body("StatefulSet", SAME),
        body("StatefulSet", {**SAME, "currentRevision": "a"}, updateStrategy={"type": "OnDelete"}),
        body(
            "StatefulSet",
            {**SAME, "currentRevision": "a", "updatedReplicas": 1},
            updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 1}},
        ),
        body("DaemonSet", ON_NODES),
        body("Job", conditions(Complete="True"), "batch/v1"),
        body("PersistentVolumeClaim", {"phase": "Bound"}, "v1"),
        body("Pod", {"phase": "Running", **conditions(Ready="True")}, "v1"),
        body("Pod", {"phase": "Succeeded"}, "v1"),
        body("Service", {}, "v1", type="ClusterIP"),
        body("ConfigMap", None, "v1"),
        body("Cluster", conditions(Ready="True"), "postgresql.cnpg.io/v1"),
        body("Cluster", None, "postgresql.cnpg.io/v1"),
        body("Ingress", {"conditions": "none"}, "networking.k8s.io/v1"),
    ],
    ids=lambda one: one["kind"],
)
def test_ready(ready: Any) -> None:
    assert lacks(ready) == ""
    assert is_ready(ready)


@pytest.mark.parametrize(
    ("late", "expected"),
    [
        (body("Deployment", {}), "its controller has not seen its latest change yet"),
        (body("Deployment", {**DONE, "updatedReplicas": 1}), "1 of 2 pods are of the new version"),
        (
            body("Deployment", {**DONE, "updatedReplicas": 1}, paused=True),
            "1 of 2 pods are of the new version; the rollout is paused",
        ),
        (body("Deployment", {**DONE, "replicas": 3}), "1 pod of the old version still runs"),
        (body("Deployment", {**DONE, "availableReplicas": 1}), "1 of 2 pods are ready"),
        (body("StatefulSet", {**SAME, "availableReplicas": 0}), "0 of 2 pods are ready"),
        (body("StatefulSet", {**SAME, "replicas": 3}), "1 pod too many still runs"),
        (
            body("StatefulSet", {**SAME, "currentRevision": "a", "updatedReplicas": 1}),
            "1 of 2 pods are of the new version",
        ),
        (
            body("DaemonSet", {**ON_NODES, "updatedNumberScheduled": 0}),
            "0 of 2 pods are of the new version",
        ),
        (body("DaemonSet", {**ON_NODES, "numberAvailable": 1}), "1 of 2 pods are ready"),
        (
            body("Job", conditions(Failed="True"), "batch/v1"),
            "the Job has failed (Because: it says so)",
        ),
        (body("Job", {"failed": 2, "active": 1}, "batch/v1"), "2 pods of it have failed"),
        (body("Job", {"active": 1}, "batch/v1"), "it runs"),
        (body("Job", {}, "batch/v1", suspend=True), "it is suspended (spec.suspend)"),
        (
            body("PersistentVolumeClaim", {"phase": "Pending"}, "v1"),
            "the claim is in phase Pending, not Bound",
        ),
        (
            body("Service", {"loadBalancer": {}}, "v1", type="LoadBalancer"),
            "the load balancer has no address yet",
        ),
        (
            body("Cluster", conditions(Ready="False"), "postgresql.cnpg.io/v1"),
            "Because: it says so",
        ),
        (
            body("Cluster", conditions(Ready="True", Reconciling="True"), "postgresql.cnpg.io/v1"),
            "Because: it says so",
        ),
        (
            body(
                "Cluster",
                {"observedGeneration": 2, **conditions(Ready="True")},
                "postgresql.cnpg.io/v1",
            ),
            "its controller has not seen its latest change yet",
        ),
    ],
)
def test_what_is_lacking(late: Any, expected: str) -> None:
    assert lacks(late) == expected
    assert not is_ready(late)


def test_old_pods_that_serve_while_a_new_one_fails_are_not_what_was_asked_for() -> None:
    """A Deployment of one pod during a rolling update: the old pod is ready, the new one not."""
    status = {
        "observedGeneration": 3,
        "replicas": 2,
        "updatedReplicas": 1,
        "readyReplicas": 1,
        "availableReplicas": 1,
    }
    assert not is_ready(body("Deployment", status, replicas=1))
