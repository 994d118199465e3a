"""What the project relies on in the Kubernetes plugin, be it ours or the official one.

Pulumi's engine, the API server and its controllers are the real ones. See docs/provider.md for how
to run this against either plugin.
"""

import base64
from typing import Any

import pytest

from .conftest import (
    SECRET,
    Manifests,
    Stack,
    airgap_only,
    found,
    kubectl,
    rolled_out,
    secret,
    uid,
)

pytestmark = pytest.mark.cluster


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
        "hidden": secret(manifests, SECRET),
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
    assert rolled_out(manifests.namespace, "web")["status"]["availableReplicas"] == 2


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


@airgap_only
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
    before = {name: uid(found(ns, *place)) for name, place in places.items()}
    stack.objects = objects("two")
    steps = stack.steps()
    assert set(steps) == set(places)
    assert all("replace" in step["op"] for step in steps.values()), steps
    stack.made()
    after = {name: uid(found(ns, *place)) for name, place in places.items()}
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
    before = uid(found(manifests.namespace, "configmap", "settings"))
    stack.objects = {"settings": manifests.config_map("settings", a="2")}
    stack.made()
    now = found(manifests.namespace, "configmap", "settings")
    assert now["data"] == {"a": "2"}
    assert (uid(now) == before) is mutable


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
