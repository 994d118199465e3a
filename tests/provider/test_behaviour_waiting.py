"""What the project relies on in the Kubernetes plugin: waiting, and what errors say of it."""

import json

import pytest

from .conftest import (
    SECRET,
    SEEN,
    SOON,
    Manifests,
    Stack,
    airgap_only,
    found,
    kubectl,
    secret,
    uid,
)

pytestmark = pytest.mark.cluster


def test_a_time_out_says_why_keeps_the_object_and_a_later_run_goes_on(
    stack: Stack, manifests: Manifests
) -> None:
    """The object is large, since the state of a failed resource travels in the error itself."""
    source = [{"configMapRef": {"name": "late"}}]
    web = manifests.deployment("web", envFrom=source)
    web["metadata"]["annotations"] = SEEN | {"example.com/large": "x" * 100_000}
    stack.objects = {"web": web}
    done = stack.up()
    assert done.returncode != 0
    assert 'configmap "late" not found' in done.stdout, done.stdout
    assert stack.kept() == {"web"}
    assert stack.up().returncode != 0, "a run without any change must wait for it, too"
    assert "unhealthy" in stack.must("refresh", "--yes", "--skip-preview")
    before = uid(found(manifests.namespace, "deployment", "web"))
    kubectl("create", "configmap", "late", "-n", manifests.namespace)
    web["metadata"]["annotations"]["pulumi.com/timeoutSeconds"] = "100"
    stack.made()
    now = found(manifests.namespace, "deployment", "web")
    assert now["status"]["availableReplicas"] == 1
    assert uid(now) == before
    stack.must("preview", "--expect-no-changes")


def test_an_image_that_does_not_exist_is_named(stack: Stack, manifests: Manifests) -> None:
    web = manifests.deployment("web", image="registry.invalid/nothing:1")
    web["metadata"]["annotations"] = SEEN
    stack.objects = {"web": web}
    done = stack.up()
    assert done.returncode != 0
    assert "registry.invalid/nothing:1" in done.stdout, done.stdout


def test_skip_await_does_not_wait(stack: Stack, manifests: Manifests) -> None:
    web = manifests.deployment("web", image="registry.invalid/nothing:1")
    web["metadata"]["annotations"] = {"pulumi.com/skipAwait": "true"}
    spec = {"selector": {"app": "nobody"}, "ports": [{"port": 80}]}
    service = manifests.make(
        "v1", "Service", "none", spec=spec, annotations={"pulumi.com/skipAwait": "true"}
    )
    stack.objects = {"web": web, "none": service}
    stack.made()
    stack.must("preview", "--expect-no-changes")


def test_a_service_that_can_have_no_endpoints_is_not_waited_for(
    stack: Stack, manifests: Manifests
) -> None:
    headless = {"selector": {"app": "nobody"}, "ports": [{"port": 80}], "clusterIP": "None"}
    stack.objects = {
        "headless": manifests.make("v1", "Service", "headless", spec=headless),
        "external": manifests.make(
            "v1", "Service", "external", spec={"type": "ExternalName", "externalName": "a.invalid"}
        ),
        "by-hand": manifests.make("v1", "Service", "by-hand", spec={"ports": [{"port": 80}]}),
    }
    stack.made()


@airgap_only
def test_a_service_without_endpoints_fails(stack: Stack, manifests: Manifests) -> None:
    spec = {"selector": {"app": "nobody"}, "ports": [{"port": 80}]}
    stack.objects = {
        "none": manifests.make("v1", "Service", "none", spec=spec, annotations=SOON),
    }
    assert stack.up().returncode != 0
    assert "none" in stack.kept()


@airgap_only
def test_a_deployment_is_changed_when_all_its_replicas_are_available(
    stack: Stack, manifests: Manifests
) -> None:
    web = manifests.deployment("web")
    stack.objects = {"web": web}
    stack.made()
    web["spec"]["replicas"] = 3
    stack.made()
    assert found(manifests.namespace, "deployment", "web")["status"]["availableReplicas"] == 3


@pytest.mark.parametrize("operation", ["create", "update"])
def test_custom_timeouts_hold_before_the_annotation(
    stack: Stack, manifests: Manifests, operation: str
) -> None:
    """The annotation allows more than a command of these tests may take."""
    web = manifests.deployment("web")
    web["metadata"]["annotations"] = {"pulumi.com/timeoutSeconds": "1000"}
    stack.objects, stack.timeouts = {"web": web}, {"web": {operation: "5s"}}
    if operation == "update":
        stack.made()
    web["spec"]["template"]["spec"]["containers"][0]["envFrom"] = [
        {"configMapRef": {"name": "late"}}
    ]
    assert stack.up().returncode != 0
    assert stack.kept() == {"web"}


def test_custom_timeouts_hold_for_deletions_of_every_kind(
    stack: Stack, manifests: Manifests
) -> None:
    ns = manifests.namespace
    group = f"{ns}.example.com"
    names = {"plural": "things", "singular": "thing", "kind": "Thing"}
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"things.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": names,
            "versions": [version | {"schema": {"openAPIV3Schema": schema}}],
        },
    }
    kubectl("create", "-f", "-", text=json.dumps(definition))
    kubectl("wait", "--for=condition=Established", f"crd/things.{group}", "--timeout=60s")
    thing = manifests.make(f"{group}/v1", "Thing", "held")
    settings = manifests.config_map("held", a="1")
    stack.objects = {"thing": thing, "settings": settings}
    for held in (thing, settings):
        held["metadata"]["finalizers"] = ["example.com/hold"]
    stack.timeouts = {"thing": {"delete": "3s"}, "settings": {"delete": "3s"}}
    try:
        stack.made()
        assert stack.pulumi("destroy", "--yes", "--skip-preview").returncode != 0
        assert stack.kept() == {"thing", "settings"}
        release = '{"metadata": {"finalizers": null}}'
        for kind in (f"things.{group}", "configmap"):
            kubectl("patch", kind, "held", "-n", ns, "--type=merge", "-p", release)
        stack.must("destroy", "--yes", "--skip-preview")
    finally:
        kubectl("delete", "crd", f"things.{group}", "--wait=false")


def test_a_failed_job_is_an_error_at_once(stack: Stack, manifests: Manifests) -> None:
    """Long before the time allowed, which is longer than a command of these tests may take."""
    failing = manifests.job("task", "-conf", "/no/such/file")
    failing["metadata"]["annotations"] = {"pulumi.com/timeoutSeconds": "1000"}
    stack.objects = {"task": failing}
    done = stack.up()
    assert done.returncode != 0
    assert "BackoffLimitExceeded" in done.stdout, done.stdout
    assert stack.kept() == {"task"}
    stack.objects = {"task": manifests.job("task", "-version")}
    stack.made()
    assert found(manifests.namespace, "job", "task")["status"]["succeeded"] == 1


@airgap_only
def test_errors_carry_the_last_words_of_a_job_without_its_secrets(
    stack: Stack, manifests: Manifests
) -> None:
    env = [{"name": "P", "valueFrom": {"secretKeyRef": {"name": "hidden", "key": "password"}}}]
    stack.objects = {
        "hidden": secret(manifests, SECRET),
        "task": manifests.job("task", "-conf", "/no/$(P)", env=env),
    }
    done = stack.up()
    assert done.returncode != 0
    assert "last lines of container main" in done.stdout, done.stdout
    assert "/no/[secret]" in done.stdout, done.stdout
    assert SECRET not in done.stdout


@airgap_only
def test_errors_name_what_keeps_pods_from_being_made(stack: Stack, manifests: Manifests) -> None:
    web, db = manifests.deployment("web"), manifests.deployment("db")["spec"]
    web["metadata"]["annotations"] = SEEN
    volume = {"accessModes": ["ReadWriteOnce"], "storageClassName": "no-such-class"}
    volume["resources"] = {"requests": {"storage": "1Mi"}}
    db |= {
        "serviceName": "db",
        "volumeClaimTemplates": [{"metadata": {"name": "d"}, "spec": volume}],
    }
    kubectl("create", "quota", "tight", "-n", manifests.namespace, "--hard=count/pods=1,pods=1")
    stack.objects = {
        "db": manifests.make("apps/v1", "StatefulSet", "db", spec=db, annotations=SEEN),
    }
    done = stack.up()
    assert done.returncode != 0
    assert "no-such-class" in done.stdout, done.stdout
    stack.objects["web"] = web
    done = stack.up()
    assert "exceeded quota" in done.stdout, done.stdout
