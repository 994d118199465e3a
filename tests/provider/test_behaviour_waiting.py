"""What the project relies on in the Kubernetes plugin: waiting, and what errors say of it."""

import json

import pytest

from .conftest import (
    FORCE,
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


def test_a_service_waits_for_endpoints_where_it_can_have_some(
    stack: Stack, manifests: Manifests
) -> None:
    nobody = {"selector": {"app": "nobody"}, "ports": [{"port": 80}]}
    stack.objects = {
        "headless": manifests.make(
            "v1", "Service", "headless", spec=nobody | {"clusterIP": "None"}
        ),
        "external": manifests.make(
            "v1", "Service", "external", spec={"type": "ExternalName", "externalName": "a.invalid"}
        ),
        "by-hand": manifests.make("v1", "Service", "by-hand", spec={"ports": [{"port": 80}]}),
    }
    stack.made()
    stack.objects["none"] = manifests.make("v1", "Service", "none", spec=nobody, annotations=SOON)
    assert stack.up().returncode != 0
    assert "none" in stack.kept()


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


@airgap_only
def test_an_object_whose_predecessor_is_still_going_is_made_after_it(
    stack: Stack, manifests: Manifests
) -> None:
    ns = manifests.namespace
    held = manifests.config_map("settings", a="0")
    held["metadata"]["finalizers"] = ["example.com/hold"]
    kubectl("apply", "-f", "-", text=json.dumps(held))
    kubectl("delete", "configmap", "settings", "-n", ns, "--wait=false")
    before = uid(found(ns, "configmap", "settings"))
    stack.objects = {"settings": manifests.config_map("settings", a="1")}
    stack.objects["settings"]["metadata"]["annotations"] = SOON | FORCE
    done = stack.up()
    assert done.returncode != 0
    assert "finalizers example.com/hold" in done.stdout, done.stdout
    release = '{"metadata": {"finalizers": null}}'
    kubectl("patch", "configmap", "settings", "-n", ns, "--type=merge", "-p", release)
    stack.made()
    now = found(ns, "configmap", "settings")
    assert (now["data"], uid(now) == before) == ({"a": "1"}, False)
