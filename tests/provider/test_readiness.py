"""When an object counts as ready, and what is said of one that does not become so."""

from typing import Any

import pytest
from kubeprovider.kinds import Kind
from kubeprovider.readiness import (
    JUDGES,
    READY,
    claim,
    daemon_set,
    definition,
    deployment,
    job,
    judge_of,
    needs_endpoints,
    pod,
    quota,
    service,
    stateful_set,
    token_secret,
)
from kubeprovider.trouble import Surroundings, event_lines, lines_of, pod_troubles

Status = dict[str, Any]


def _deployment(status: Status, **spec: Any) -> dict[str, Any]:
    rolled = {
        "observedGeneration": 2,
        "replicas": 2,
        "updatedReplicas": 2,
        "availableReplicas": 2,
        **status,
    }
    return {"metadata": {"generation": 2}, "spec": {"replicas": 2, **spec}, "status": rolled}


def test_a_rolled_out_deployment_is_ready() -> None:
    assert deployment(_deployment({})) == READY
    assert deployment(_deployment({"availableReplicas": 0}, paused=True)) == READY
    assert deployment({"metadata": {}, "spec": {"replicas": 0}}) == READY


@pytest.mark.parametrize(
    ("status", "seen"),
    [
        ({"observedGeneration": 1}, "generation 2"),
        ({"updatedReplicas": 1}, "1 of 2 new replicas"),
        ({"replicas": 3}, "1 old replicas are still to go"),
        ({"availableReplicas": 1}, "1 of 2 replicas are available"),
    ],
)
def test_a_deployment_waits_for_every_step_of_its_roll_out(status: Status, seen: str) -> None:
    verdict = deployment(_deployment(status))
    assert verdict.state == "waiting"
    assert seen in verdict.seen


def test_a_deployment_tells_what_its_controller_complains_of() -> None:
    conditions = [
        {"type": "Progressing", "status": "True", "reason": "Fine", "message": "moving"},
        {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "quota"},
    ]
    verdict = deployment(_deployment({"updatedReplicas": 0, "conditions": conditions}))
    assert "FailedCreate: quota" in verdict.seen
    assert "Fine" not in verdict.seen


def _set(status: Status, **spec: Any) -> dict[str, Any]:
    rolled = {
        "observedGeneration": 1,
        "availableReplicas": 3,
        "readyReplicas": 3,
        "updatedReplicas": 3,
        **status,
    }
    return {"metadata": {"generation": 1}, "spec": {"replicas": 3, **spec}, "status": rolled}


def test_a_stateful_set_waits_for_availability_and_revision() -> None:
    assert stateful_set(_set({})) == READY
    assert stateful_set(_set({"observedGeneration": 0})).state == "waiting"
    assert stateful_set(_set({"availableReplicas": 2})).state == "waiting"
    assert stateful_set(_set({"updatedReplicas": 2})).state == "waiting"
    on_delete = {"updateStrategy": {"type": "OnDelete"}}
    assert stateful_set(_set({"updatedReplicas": 0}, **on_delete)) == READY
    part = {"updateStrategy": {"rollingUpdate": {"partition": 2}}}
    assert stateful_set(_set({"updatedReplicas": 1}, **part)) == READY
    assert stateful_set(_set({"updatedReplicas": 0}, **part)).state == "waiting"


def _job(kind: str, status: str = "True") -> dict[str, Any]:
    condition = {"type": kind, "status": status, "reason": "BackoffLimitExceeded", "message": "m"}
    return {"status": {"conditions": [condition]}}


def test_a_job_is_ready_when_complete_and_given_up_when_failed() -> None:
    assert job(_job("Complete")) == READY
    assert job(_job("Failed")).state == "failed"
    assert "BackoffLimitExceeded: m" in job(_job("Failed")).seen
    assert job(_job("Failed", "False")).state == "waiting"
    assert job({"spec": {"suspend": True}}) == READY
    assert job({}).state == "waiting"


def test_other_kinds() -> None:
    assert claim({"status": {"phase": "Bound"}}) == READY
    assert claim({"status": {"phase": "Pending"}}).state == "waiting"
    assert claim({"status": {"phase": "Lost"}}).state == "failed"
    hard = {"pods": "1", "count/jobs.batch": "2"}
    assert quota({"spec": {"hard": hard}, "status": {"hard": hard}}) == READY
    assert "pods" in quota({"spec": {"hard": hard}}).seen
    assert pod({"status": {"phase": "Succeeded"}}) == READY
    assert pod({"status": {"conditions": [{"type": "Ready", "status": "True"}]}}) == READY
    assert (
        pod({"status": {"phase": "Failed"}, "spec": {"restartPolicy": "Never"}}).state == "failed"
    )
    assert pod({"status": {"phase": "Pending"}}).state == "waiting"
    token = {"type": "kubernetes.io/service-account-token"}
    assert token_secret({"type": "Opaque"}) == READY
    assert token_secret(token).state == "waiting"
    assert token_secret({**token, "data": {"token": "x"}}) == READY
    established = {"status": {"conditions": [{"type": "Established", "status": "True"}]}}
    assert definition(established) == READY
    assert definition({}).state == "waiting"
    scheduled = {"desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 2}
    assert daemon_set({"status": scheduled}) == READY
    assert daemon_set({"status": {**scheduled, "numberAvailable": 1}}).state == "waiting"
    assert daemon_set({"status": {**scheduled, "updatedNumberScheduled": 1}}).state == "waiting"


def test_kinds_without_a_rule_are_ready_at_once() -> None:
    assert judge_of(Kind("", "v1", "ConfigMap")) is None
    assert judge_of(Kind("apps", "v1", "Deployment")) is JUDGES["apps", "Deployment"]


def test_services_need_endpoints_only_where_they_can_have_some() -> None:
    web = {"spec": {"selector": {"app": "web"}, "clusterIP": "10.0.0.1"}}
    assert needs_endpoints(web)
    assert not needs_endpoints({"spec": {"selector": {}}})
    assert not needs_endpoints({"spec": {**web["spec"], "clusterIP": "None"}})
    assert not needs_endpoints({"spec": {**web["spec"], "type": "ExternalName"}})
    assert service(web, []).state == "waiting"
    assert service(web, [{"endpoints": [{"conditions": {"ready": False}}]}]).state == "waiting"
    assert service(web, [{"endpoints": None}, {"endpoints": [{}]}]) == READY
    balanced = {"spec": {"type": "LoadBalancer"}}
    assert service(balanced, []).state == "waiting"
    given = {**balanced, "status": {"loadBalancer": {"ingress": [{"ip": "10.1.1.1"}]}}}
    assert service(given, []) == READY


def test_pods_tell_why_they_do_not_start() -> None:
    waiting = {"reason": "ImagePullBackOff", "message": "no such image x:1"}
    statuses = [
        {"name": "a", "state": {"waiting": waiting}},
        {"name": "b", "state": {"waiting": {"reason": "ContainerCreating"}}},
        {
            "name": "c",
            "state": {"waiting": {"reason": "CrashLoopBackOff"}},
            "lastState": {"terminated": {"exitCode": 2, "reason": "Error", "message": "boom\n"}},
        },
        {"name": "d", "state": {"running": {}}, "ready": False},
        {"name": "e", "state": {"terminated": {"exitCode": 0}}},
    ]
    lines = pod_troubles({"metadata": {"name": "p"}, "status": {"containerStatuses": statuses}})
    assert lines == [
        "Pod p: container a is waiting: ImagePullBackOff: no such image x:1",
        "Pod p: container c is waiting: CrashLoopBackOff",
        "Pod p: container c ended with 2 (Error): boom",
        "Pod p: container d is running but not ready",
    ]
    condition = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": "0/1 nodes",
    }
    unscheduled = {"metadata": {"name": "p"}, "status": {"conditions": [condition]}}
    assert pod_troubles(unscheduled) == ["Pod p: Unschedulable: 0/1 nodes"]


def _event(uid: str, reason: str, when: str, **about: Any) -> dict[str, Any]:
    return {
        "involvedObject": {"kind": "Pod", "name": "p", "uid": uid, **about},
        "reason": reason,
        "message": "m",
        "lastTimestamp": when,
    }


def test_events_are_those_of_the_object_newest_first_each_once() -> None:
    events = [
        _event("1", "Old", "2026-01-01T00:00:00Z"),
        _event("1", "New", "2026-01-02T00:00:00Z"),
        _event("1", "New", "2026-01-01T12:00:00Z"),
        _event("2", "Other", "2026-01-03T00:00:00Z"),
        _event(
            "3", "Claim", "2026-01-01T06:00:00Z", kind="PersistentVolumeClaim", name="data-db-0"
        ),
    ]
    assert event_lines(events, {"1"}, {"data-db-0"}) == [
        "Pod p: New: m",
        "PersistentVolumeClaim data-db-0: Claim: m",
        "Pod p: Old: m",
    ]


def test_a_stateful_set_is_explained_by_its_claims() -> None:
    template = {"metadata": {"name": "data"}}
    db = {"metadata": {"name": "db", "uid": "1"}, "spec": {"volumeClaimTemplates": [template]}}
    claims = [
        {"metadata": {"name": "data-db-0"}, "status": {"phase": "Pending"}},
        {"metadata": {"name": "data-db-1"}, "status": {"phase": "Bound"}},
        {"metadata": {"name": "data-other-0"}, "status": {"phase": "Pending"}},
    ]
    lines = lines_of(Kind("apps", "v1", "StatefulSet"), db, Surroundings([], [], claims, []))
    assert lines == ["PersistentVolumeClaim data-db-0: phase Pending"]


def test_a_deployment_is_explained_by_its_replica_sets() -> None:
    web = {"metadata": {"name": "web", "uid": "1"}, "spec": {}}
    owned = {"metadata": {"name": "web-1", "uid": "2", "ownerReferences": [{"uid": "1"}]}}
    other = {"metadata": {"name": "else-1", "uid": "3", "ownerReferences": [{"uid": "9"}]}}
    events = [
        _event("2", "FailedCreate", "2026", kind="ReplicaSet", name="web-1"),
        _event("3", "No", "1"),
    ]
    kind = Kind("apps", "v1", "Deployment")
    lines = lines_of(kind, web, Surroundings([], [owned, other], [], events))
    assert lines == ["ReplicaSet web-1: FailedCreate: m"]
