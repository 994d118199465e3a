"""Why workloads are not ready: the objects are those that a cluster (1.34) gave."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from cellwright.reasons import Reason, about, reasons

FILE = Path(__file__).parent / "objects/broken.json"
LISTED = json.loads(FILE.read_text("utf-8"))["items"]
PULL = 'failed to pull and unpack image "{0}": failed to resolve reference "{0}": '
START_ERROR = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed"
)
QUOTA = "its pods can't be created: exceeded quota: few, requested: pods=1, used: pods=0, limited"


@pytest.fixture
def objects() -> list[Any]:
    return deepcopy(LISTED)


def of(found: list[Reason], name: str) -> list[str]:
    return [str(each) for each in found if each.name == name]


def named(objects: list[Any], name: str, kind: str) -> Any:
    """Return an object of a kind whose name begins with a name."""
    return next(
        each
        for each in objects
        if each["kind"] == kind and each["metadata"]["name"].startswith(name)
    )


def about_workload(objects: list[Any], name: str) -> list[Any]:
    """Return a workload, all that it owns, and the events about these."""
    own = [each for each in objects if each["metadata"]["name"].startswith(name)]
    uids = {each["metadata"]["uid"] for each in own}
    return [
        *[each for each in own if each["kind"] != "Event"],
        *[each for each in objects if (each.get("involvedObject") or {}).get("uid") in uids],
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "bad-image",
            "container main can't get its image registry.invalid/no/such:1: "
            + PULL.format("registry.invalid/no/such:1"),
        ),
        ("never-pulled", "can't get its image cellwright/absent:1: it is not on the node"),
        ("missing-secret", 'container main can\'t be created: secret "absent" not found'),
        ("missing-mount", 'MountVolume.SetUp failed for volume "v" : configmap "absent" not found'),
        ("crash", "again and again (6 restarts), last with exit code 1: no database here"),
        ("oom", "last with exit code 137 (OOMKilled)"),
        ("no-binary", f"last with exit code 128 (StartError): {START_ERROR}"),
        ("unready", "container main is not ready: Readiness probe failed: not yet"),
        ("too-big", "it can't be scheduled: 0/1 nodes are available: 1 Insufficient memory."),
        ("no-account", 'its pods can\'t be created: serviceaccount "absent" not found'),
        ("quota", QUOTA),
        ("quota-set", QUOTA),
        ("quota-job", QUOTA),
        ("insecure", 'can\'t be created: violates PodSecurity "restricted:latest": allowPriv'),
        ("retrying", "container migrate ended with exit code 1: column a exists"),
        ("data-no-class-0", 'storage class absent: storageclass.storage.k8s.io "absent" not found'),
        ("no-class", "StatefulSet no-class: 0 of 1 pod is ready"),
        ("nobody", "Service nobody: no pod has its labels (app=nobody)"),
    ],
)
def test_each_reason_is_told_once(objects: list[Any], name: str, expected: str) -> None:
    (told,) = of(reasons(objects), name)
    assert expected in told


def test_a_failed_job_is_told_with_the_last_words_of_its_pod(objects: list[Any]) -> None:
    first, second = of(reasons(objects), "failing")
    assert first.endswith("container migrate ended with exit code 1: column a exists")
    assert second.endswith("BackoffLimitExceeded: Job has reached the specified backoff limit)")


def test_what_waiting_does_not_mend_is_known(objects: list[Any]) -> None:
    stuck = {each.name: each.is_stuck for each in reasons(objects)}
    assert [name for name in stuck if not stuck[name]] == ["unready", "retrying", "no-class"]


def test_old_pods_serve_while_new_ones_fail(objects: list[Any]) -> None:
    """The new pod's reason is told, and when the old one is told of anything, it is over."""
    old = named(objects, "half-78fcd76fdc-", "Pod")
    status = old["status"]["containerStatuses"][0]
    status |= {"ready": False, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}
    old["status"]["conditions"] = []
    (told,) = of(reasons(objects), "half")
    assert "registry.invalid/other:2" in told


def test_a_replaced_pod_gives_no_reason(objects: list[Any]) -> None:
    gone = about_workload(objects, "missing-secret")
    pod = named(gone, "missing-secret-", "Pod")
    pod["metadata"]["deletionTimestamp"] = "2026-11-28T04:50:00Z"
    (told,) = reasons(gone)
    assert told.text == "0 of 1 pod is ready"


def test_a_deployment_that_is_ready_again_has_no_reasons(objects: list[Any]) -> None:
    """Its events, and those of its pod before, are still there."""
    mended = about_workload(objects, "bad-image")
    assert len(reasons(mended)) == 1
    deployment = named(mended, "bad-image", "Deployment")
    deployment["status"] |= {"readyReplicas": 1, "availableReplicas": 1}
    assert reasons(mended) == []


def test_an_event_that_something_newer_has_overtaken_is_not_told(objects: list[Any]) -> None:
    """The quota was raised, and the set's pod was made since; it starts."""
    mended = about_workload(objects, "quota-set")
    owner = {"uid": mended[0]["metadata"]["uid"], "controller": True}
    pod = {
        "kind": "Pod",
        "metadata": {
            "name": "quota-set-0",
            "namespace": "quota",
            "uid": "new",
            "creationTimestamp": "2026-11-28T23:00:00Z",
            "ownerReferences": [owner],
        },
        "status": {"phase": "Pending"},
    }
    assert "exceeded quota" in reasons(mended)[0].text
    assert [each.text for each in reasons([*mended, pod])] == ["0 of 1 pod is ready"]


def test_a_failed_probe_of_the_container_before_is_not_told(objects: list[Any]) -> None:
    restarted = about_workload(objects, "unready")
    (container,) = named(restarted, "unready-", "Pod")["status"]["containerStatuses"]
    container["state"]["running"]["startedAt"] = "2026-11-28T23:00:00Z"
    (told,) = reasons(restarted)
    assert told.text.endswith("container main runs, but is not ready yet")


def test_an_event_about_another_object_of_the_same_name_is_not_told(objects: list[Any]) -> None:
    anew = about_workload(objects, "quota-set")
    named(anew, "quota-set", "StatefulSet")["metadata"]["uid"] = "made anew"
    (told,) = reasons(anew)
    assert told.text == "0 of 1 pod is ready"


def test_without_events_nothing_is_missed(objects: list[Any]) -> None:
    alone = [each for each in objects if each["kind"] != "Event"]
    assert {each[:3] for each in reasons(alone)} == {each[:3] for each in reasons(objects)}


def test_a_claim_that_waits_for_its_first_consumer_is_no_reason(objects: list[Any]) -> None:
    claim = named(objects, "data-no-class-0", "PersistentVolumeClaim")
    assert reasons([claim]) == []


def test_the_services_of_a_workload_without_pods_are_no_reason() -> None:
    metadata = {"name": "app", "namespace": "cell-alpha"}
    service = {"kind": "Service", "metadata": metadata, "spec": {"selector": {"app": "app"}}}
    template = {"metadata": {"labels": {"app": "app"}}}
    spec = {"replicas": 0, "template": template}
    deployment = {"kind": "Deployment", "metadata": metadata, "spec": spec}
    assert reasons([service, deployment]) == []
    assert len(reasons([service])) == 1


def test_only_what_is_declared_counts(objects: list[Any]) -> None:
    found = reasons(objects)
    deployment = named(objects, "oom", "Deployment")
    assert [each.name for each in about(found, [deployment])] == ["oom"]
    database = named(objects, "no-class", "StatefulSet")
    database["spec"]["volumeClaimTemplates"] = [{"metadata": {"name": "data"}}]
    assert [each.name for each in about(found, [database])] == ["data-no-class-0", "no-class"]
