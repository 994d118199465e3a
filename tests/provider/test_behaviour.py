"""What the project relies on in the Kubernetes plugin, be it ours or the official one.

Pulumi's engine, the API server and its controllers are the real ones. See docs/provider.md for how
to run this against either plugin.
"""

import base64
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from .conftest import Manifests, Stack, found, kubectl

pytestmark = pytest.mark.cluster

SECRET = "correct-horse-battery"
SECRET_BASE64 = "Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5"
FORCE = {"pulumi.com/patchForce": "true"}
SOON = {"pulumi.com/timeoutSeconds": "2"}
"""For waits that cannot succeed."""

SEEN = {"pulumi.com/timeoutSeconds": "8"}
"""For waits that cannot succeed, but in which something must have been seen."""


def _secret(manifests: Manifests, value: str) -> dict[str, Any]:
    return manifests.make("v1", "Secret", "hidden", stringData={"password": value})


def _uid(obj: dict[str, Any]) -> str:
    return str(obj["metadata"]["uid"])


def test_up_makes_everything_ready_and_leaves_nothing_to_do(
    stack: Stack, manifests: Manifests
) -> None:
    ns = manifests.namespace
    deployment = manifests.deployment("web", ports=[{"containerPort": 8080}])
    deployment["spec"]["template"]["spec"]["containers"][0]["resources"] = {
        "requests": {"cpu": "0.01", "memory": "16Mi"},
        "limits": {"cpu": "1000m", "memory": "1024Mi"},
    }
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}
    stack.objects = {
        "space": {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"{ns}-own"}},
        "settings": manifests.config_map("settings", colour="blue"),
        "hidden": _secret(manifests, SECRET),
        "web": deployment,
        "service": manifests.make(
            "v1", "Service", "web", spec={"selector": {"app": "web"}, "ports": [{"port": 80}]}
        ),
        "task": manifests.job("task", "-version"),
        "claim": manifests.make("v1", "PersistentVolumeClaim", "claim", spec=claim),
        "quota": manifests.make("v1", "ResourceQuota", "quota", spec={"hard": {"pods": "9"}}),
        "closed": manifests.make(
            "networking.k8s.io/v1",
            "NetworkPolicy",
            "closed",
            spec={"podSelector": {}, "policyTypes": ["Ingress"], "ingress": []},
        ),
        "budget": manifests.make(
            "policy/v1",
            "PodDisruptionBudget",
            "web",
            spec={"maxUnavailable": 1, "selector": {"matchLabels": {"app": "web"}}},
        ),
    }
    stack.made()
    assert found(ns, "deployment", "web")["status"]["availableReplicas"] == 1
    assert found(ns, "job", "task")["status"]["succeeded"] == 1
    slices = kubectl("get", "endpointslices", "-n", ns, "-l", "kubernetes.io/service-name=web")
    assert "web-" in slices
    stack.must("preview", "--expect-no-changes")
    stack.must("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    stack.must("preview", "--expect-no-changes")
    stack.must("destroy", "--yes", "--skip-preview")
    assert not found(ns, "deployment", "web")
    assert "No resources found" in kubectl("get", "pods", "-n", ns)
    assert not found(ns, "namespace", f"{ns}-own")


def test_a_preview_changes_nothing_even_without_the_namespace(
    stack: Stack, manifests: Manifests
) -> None:
    absent = f"{manifests.namespace}-absent"
    stack.objects = {"settings": manifests.config_map("settings", a="1")}
    there = manifests.config_map("elsewhere", a="1")
    there["metadata"]["namespace"] = absent
    stack.objects["elsewhere"] = there
    steps = stack.steps()
    assert {name: step["op"] for name, step in steps.items()} == {
        "settings": "create ",
        "elsewhere": "create ",
    }
    assert not found(manifests.namespace, "configmap", "settings")
    assert not found(manifests.namespace, "namespace", absent)


def test_a_preview_names_the_fields_that_would_change(stack: Stack, manifests: Manifests) -> None:
    web = manifests.deployment("web", env=[{"name": "A", "value": "1"}])
    stack.objects = {
        "settings": manifests.config_map("settings", a="1", b="2"),
        "web": web,
    }
    stack.made()
    stack.objects["settings"] = manifests.config_map("settings", a="9", c="3")
    web["spec"]["replicas"] = 2
    web["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] = "2"
    web["metadata"]["annotations"] = {"example.com/note": "x"}
    steps = stack.steps()
    assert {name: step["op"] for name, step in steps.items()} == {
        "settings": "update ",
        "web": "update ",
    }
    assert set(steps["settings"]["detailedDiff"]) == {"data.a", "data.b", "data.c"}
    changed = set(steps["web"]["detailedDiff"])
    assert {"spec.replicas", "spec.template.spec.containers[0].env[0].value"} <= changed
    assert any(path.startswith("metadata.annotations") for path in changed)
    assert len(changed) == 3
    assert found(manifests.namespace, "configmap", "settings")["data"] == {"a": "1", "b": "2"}
    stack.made()
    assert found(manifests.namespace, "configmap", "settings")["data"] == {"a": "9", "c": "3"}
    assert found(manifests.namespace, "deployment", "web")["status"]["availableReplicas"] == 2


@pytest.mark.parametrize("existing", [False, True])
def test_a_preview_refuses_a_wrong_manifest(
    stack: Stack, manifests: Manifests, *, existing: bool
) -> None:
    web = manifests.deployment("web")
    stack.objects = {"web": web}
    if existing:
        stack.made()
        web["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"] = "Perhaps"
    else:
        web["spec"]["selector"]["matchLabels"] = {"app": "other"}
    done = stack.pulumi("preview")
    assert done.returncode != 0
    assert ("imagePullPolicy" if existing else "selector") in done.stdout, done.stdout


def test_a_preview_refuses_a_field_that_does_not_exist(stack: Stack, manifests: Manifests) -> None:
    web = manifests.deployment("web")
    web["spec"]["replica"] = 3
    stack.objects = {"web": web}
    done = stack.pulumi("preview")
    assert done.returncode != 0
    assert ".spec.replica" in done.stdout or '"spec.replica"' in done.stdout, done.stdout


def test_values_that_are_not_yet_known_can_be_previewed(stack: Stack, manifests: Manifests) -> None:
    """Data of Secrets must be base64, which what stands for an unknown value is not."""
    stack.objects = {
        "first": manifests.config_map("first", a="1"),
        "keeper": manifests.make("v1", "Secret", "keeper", data={"id": "id of first"}),
    }
    assert set(stack.steps()) == {"first", "keeper"}
    stack.made()
    third = manifests.config_map("third", a="1")
    keeper = manifests.make("v1", "Secret", "keeper", data={"id": "id of third"})
    stack.objects = {"first": stack.objects["first"], "third": third, "keeper": keeper}
    assert set(stack.steps()) == {"third", "keeper"}
    stack.made()
    data = found(manifests.namespace, "secret", "keeper")["data"]
    assert base64.b64decode(data["id"]).decode() == f"{manifests.namespace}/third"


def test_what_cannot_be_changed_is_replaced(stack: Stack, manifests: Manifests) -> None:
    ns = manifests.namespace

    def objects(word: str) -> dict[str, Any]:
        api = "rbac.authorization.k8s.io"
        role = {"apiGroup": api, "kind": "Role", "name": word}
        web = manifests.deployment("web")
        web["spec"]["replicas"] = 0
        for labels in (web["spec"]["selector"]["matchLabels"], web["spec"]["template"]["metadata"]):
            labels.update(
                {"word": word} if "app" in labels else {"labels": {"app": "web", "word": word}}
            )
        sets = manifests.deployment("sets")["spec"] | {"replicas": 0, "serviceName": word}
        return {
            "binding": manifests.make(f"{api}/v1", "RoleBinding", "binding", roleRef=role),
            "hidden": manifests.make("v1", "Secret", "typed", type=f"example.com/{word}"),
            "web": web,
            "sets": manifests.make("apps/v1", "StatefulSet", "sets", spec=sets),
            "task": manifests.job("task", "-version", env=[{"name": "W", "value": word}]),
        }

    stack.objects = objects("one")
    stack.made()
    places = {
        "binding": ("rolebinding", "binding"),
        "hidden": ("secret", "typed"),
        "web": ("deployment", "web"),
        "sets": ("statefulset", "sets"),
        "task": ("job", "task"),
    }
    before = {name: _uid(found(ns, *place)) for name, place in places.items()}
    stack.objects = objects("two")
    steps = stack.steps()
    assert set(steps) == set(places)
    assert all("replace" in step["op"] for step in steps.values()), steps
    stack.made()
    after = {name: _uid(found(ns, *place)) for name, place in places.items()}
    assert not set(before.values()) & set(after.values())
    assert found(ns, "rolebinding", "binding")["roleRef"]["name"] == "two"
    stack.must("preview", "--expect-no-changes")


@pytest.mark.parametrize("mutable", [True, False])
def test_config_maps_are_replaced_unless_mutable(
    stack: Stack, manifests: Manifests, *, mutable: bool
) -> None:
    stack.provider = {"enableConfigMapMutable": str(mutable).lower()}
    stack.objects = {"settings": manifests.config_map("settings", a="1")}
    stack.made()
    before = _uid(found(manifests.namespace, "configmap", "settings"))
    stack.objects = {"settings": manifests.config_map("settings", a="2")}
    stack.made()
    now = found(manifests.namespace, "configmap", "settings")
    assert now["data"] == {"a": "2"}
    assert (_uid(now) == before) is mutable


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
    before = _uid(found(manifests.namespace, "deployment", "web"))
    kubectl("create", "configmap", "late", "-n", manifests.namespace)
    web["metadata"]["annotations"]["pulumi.com/timeoutSeconds"] = "100"
    stack.made()
    now = found(manifests.namespace, "deployment", "web")
    assert now["status"]["availableReplicas"] == 1
    assert _uid(now) == before
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


def test_secrets_are_nowhere_in_the_clear(stack: Stack, manifests: Manifests) -> None:
    """Also where the program does not say that they are secret, and in the middle of a diff."""
    ns = manifests.namespace
    plain = manifests.make("v1", "Secret", "plain", data={"password": SECRET_BASE64})
    stack.objects = {"hidden": _secret(manifests, SECRET), "plain": plain}
    shown = stack.must("preview", "--diff") + stack.made() + stack.state()
    changed = "another-horse-battery"
    stack.objects["hidden"] = _secret(manifests, changed)
    shown += stack.must("preview", "--diff") + stack.made() + stack.state()
    kubectl(
        "patch", "secret", "plain", "-n", ns, "-p", '{"stringData": {"password": "by-hand-123"}}'
    )
    shown += stack.must("refresh", "--yes", "--skip-preview", "--diff") + stack.state()
    shown += stack.pulumi("preview", "--diff", "--json").stdout
    shown += kubectl("get", "events", "-n", ns, "-o", "json")
    words = (SECRET, SECRET_BASE64, changed, "YW5vdGhlci1ob3JzZS", "by-hand-123", "YnktaGFuZC0x")
    assert not [word for word in words if word in shown]
    assert "YnktaGFuZC0xMjM=" in stack.state("--show-secrets")


def test_refresh_shows_a_manual_change_and_up_mends_it(stack: Stack, manifests: Manifests) -> None:
    ns = manifests.namespace
    web = manifests.deployment("web")
    web["metadata"]["annotations"] = FORCE
    settings = manifests.config_map("settings", a="1") | {}
    settings["metadata"]["annotations"] = FORCE
    stack.objects = {"settings": settings, "web": web, "gone": manifests.config_map("gone", a="1")}
    stack.made()
    kubectl("scale", "deployment", "web", "-n", ns, "--replicas=2")
    kubectl("patch", "configmap", "settings", "-n", ns, "-p", '{"data": {"a": "9"}}')
    kubectl("delete", "configmap", "gone", "-n", ns)
    kubectl("annotate", "configmap", "settings", "-n", ns, "example.com/by=hand")
    stack.must("preview", "--expect-no-changes")
    refreshed = stack.pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    assert refreshed.returncode != 0
    stack.must("refresh", "--yes", "--skip-preview")
    steps = stack.steps()
    assert set(steps["settings"]["detailedDiff"]) == {"data.a"}
    assert set(steps["web"]["detailedDiff"]) == {"spec.replicas"}
    assert steps["gone"]["op"] == "create "
    stack.must("up", "--yes")
    assert found(ns, "configmap", "settings")["data"] == {"a": "1"}
    assert found(ns, "configmap", "gone")["data"] == {"a": "1"}
    assert found(ns, "deployment", "web")["spec"]["replicas"] == 1
    stack.must("refresh", "--yes", "--skip-preview", "--expect-no-changes")


def test_fields_of_another_manager_are_a_conflict_unless_forced(
    stack: Stack, manifests: Manifests
) -> None:
    stack.objects = {"settings": manifests.config_map("settings", a="1")}
    stack.made()
    rival = json.dumps(manifests.config_map("settings", a="7"))
    server_side = ("--server-side", "--field-manager=rival", "--force-conflicts")
    kubectl("apply", *server_side, "-f", "-", text=rival)
    stack.objects = {"settings": manifests.config_map("settings", a="2")}
    done = stack.up()
    assert done.returncode != 0
    assert "rival" in done.stdout, done.stdout
    assert ".data.a" in done.stdout
    assert found(manifests.namespace, "configmap", "settings")["data"] == {"a": "7"}
    stack.objects["settings"]["metadata"]["annotations"] = FORCE
    stack.made()
    assert found(manifests.namespace, "configmap", "settings")["data"] == {"a": "2"}


@pytest.mark.parametrize("policy", ["orphan", "foreground"])
def test_deletion_takes_dependents_along_unless_orphaned(
    stack: Stack, manifests: Manifests, policy: str
) -> None:
    web = manifests.deployment("web")
    web["metadata"]["annotations"] = {"pulumi.com/deletionPropagationPolicy": policy}
    stack.objects = {"web": web}
    stack.made()
    stack.must("destroy", "--yes", "--skip-preview")
    assert not found(manifests.namespace, "deployment", "web")
    left = kubectl("get", "replicasets,pods", "-n", manifests.namespace, "-o", "name")
    assert bool(left.strip()) is (policy == "orphan")


def test_destroy_waits_until_a_deletion_is_over_and_takes_what_is_gone_as_deleted(
    stack: Stack, manifests: Manifests
) -> None:
    held = manifests.config_map("held", a="1")
    held["metadata"]["annotations"] = SOON
    stack.objects = {"held": held, "gone": manifests.config_map("gone", a="1")}
    stack.made()
    ns = manifests.namespace
    hold = '{"metadata": {"finalizers": ["example.com/hold"]}}'
    kubectl("patch", "configmap", "held", "-n", ns, "--type=merge", "-p", hold)
    kubectl("delete", "configmap", "gone", "-n", ns)
    done = stack.pulumi("destroy", "--yes", "--skip-preview")
    assert done.returncode != 0
    assert "held" in stack.kept()
    release = '{"metadata": {"finalizers": null}}'
    kubectl("patch", "configmap", "held", "-n", ns, "--type=merge", "-p", release)
    stack.must("destroy", "--yes", "--skip-preview")
    assert not stack.kept()


def test_a_cluster_that_is_away_is_a_clear_error_and_a_later_run_goes_on(
    stack: Stack, manifests: Manifests, tmp_path: Path
) -> None:
    config = json.loads(kubectl("config", "view", "--raw", "--minify", "-o", "json"))
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:9"
    away = tmp_path / "away"
    away.write_text(json.dumps(config))
    stack.objects = {"settings": manifests.config_map("settings", a="1")}
    present = stack.env["KUBECONFIG"]
    stack.env["KUBECONFIG"] = str(away)
    done = stack.up()
    assert done.returncode != 0
    assert "unreachable" in done.stdout, done.stdout
    stack.env["KUBECONFIG"] = present
    stack.made()
    stack.env["KUBECONFIG"] = str(away)
    for command in ("refresh", "destroy"):
        done = stack.pulumi(command, "--yes", "--skip-preview")
        assert done.returncode != 0
        assert "unreachable" in done.stdout, done.stdout
    stack.env["KUBECONFIG"] = present
    stack.must("preview", "--expect-no-changes")
    stack.env |= {"KUBECONFIG": str(away), "PULUMI_K8S_DELETE_UNREACHABLE": "true"}
    stack.must("destroy", "--yes", "--skip-preview")
    assert not stack.kept()
    assert found(manifests.namespace, "configmap", "settings")


def test_an_interrupted_run_keeps_what_it_made_and_the_next_one_goes_on(
    stack: Stack, manifests: Manifests
) -> None:
    ns = manifests.namespace
    stack.objects = {"web": manifests.deployment("web", envFrom=[{"secretRef": {"name": "late"}}])}
    stack.must("preview")
    command = ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive"]
    with subprocess.Popen(
        command, cwd=stack.folder, env=stack.env, stdout=subprocess.PIPE, text=True
    ) as running:
        for _ in range(600):
            if found(ns, "deployment", "web") or running.poll() is not None:
                break
            time.sleep(0.1)
        running.send_signal(signal.SIGINT)
        output, _ = running.communicate(timeout=60)
    assert running.returncode != 0, output
    assert stack.kept() == {"web"}, output
    kubectl("create", "secret", "generic", "late", "-n", ns)
    stack.made()
    assert found(ns, "deployment", "web")["status"]["availableReplicas"] == 1


airgap_only = pytest.mark.skipif(
    os.environ.get("CELLWRIGHT_PROVIDER", "airgap") != "airgap",
    reason="where ours does more than the official plugin",
)


@airgap_only
def test_a_preview_refuses_a_wrong_manifest_in_a_namespace_to_come(
    stack: Stack, manifests: Manifests
) -> None:
    web = manifests.deployment("web")
    web["metadata"]["namespace"] += "-absent"
    web["spec"]["selector"]["matchLabels"] = {"app": "other"}
    stack.objects = {"web": web}
    done = stack.pulumi("preview")
    assert done.returncode != 0
    assert "selector" in done.stdout, done.stdout


@airgap_only
def test_a_manual_change_by_kubectl_is_mended_without_force(
    stack: Stack, manifests: Manifests
) -> None:
    stack.objects = {"settings": manifests.config_map("settings", a="1")}
    stack.made()
    ns = manifests.namespace
    kubectl("patch", "configmap", "settings", "-n", ns, "-p", '{"data": {"a": "9", "b": "2"}}')
    stack.must("refresh", "--yes", "--skip-preview")
    stack.must("up", "--yes")
    assert found(ns, "configmap", "settings")["data"] == {"a": "1"}


@airgap_only
def test_errors_carry_the_last_words_of_a_job_without_its_secrets(
    stack: Stack, manifests: Manifests
) -> None:
    env = [{"name": "P", "valueFrom": {"secretKeyRef": {"name": "hidden", "key": "password"}}}]
    stack.objects = {
        "hidden": _secret(manifests, SECRET),
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
    before = _uid(found(ns, "configmap", "settings"))
    stack.objects = {"settings": manifests.config_map("settings", a="1")}
    stack.objects["settings"]["metadata"]["annotations"] = SOON | FORCE
    done = stack.up()
    assert done.returncode != 0
    assert "finalizers example.com/hold" in done.stdout, done.stdout
    release = '{"metadata": {"finalizers": null}}'
    kubectl("patch", "configmap", "settings", "-n", ns, "--type=merge", "-p", release)
    stack.made()
    now = found(ns, "configmap", "settings")
    assert (now["data"], _uid(now) == before) == ({"a": "1"}, False)
