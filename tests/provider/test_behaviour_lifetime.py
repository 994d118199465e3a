"""What the project relies on in the Kubernetes plugin: secrets, drift, deletion, interruptions."""

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest

from .conftest import (
    FORCE,
    SECRET,
    SECRET_BASE64,
    SOON,
    Manifests,
    Stack,
    airgap_only,
    found,
    kubectl,
    secret,
)

pytestmark = pytest.mark.cluster


def test_secrets_are_nowhere_in_the_clear(stack: Stack, manifests: Manifests) -> None:
    """Also where the program does not say that they are secret, and in the middle of a diff."""
    ns = manifests.namespace
    plain = manifests.make("v1", "Secret", "plain", data={"password": SECRET_BASE64})
    stack.objects = {"hidden": secret(manifests, SECRET), "plain": plain}
    shown = stack.must("preview", "--diff") + stack.made() + stack.state()
    changed = "another-horse-battery"
    stack.objects["hidden"] = secret(manifests, changed)
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


@airgap_only
def test_an_unchanged_stack_of_a_cluster_that_is_away_is_an_error(
    stack: Stack, manifests: Manifests, tmp_path: Path
) -> None:
    stack.objects = {"settings": manifests.config_map("settings", a="1")}
    stack.made()
    config = json.loads(kubectl("config", "view", "--raw", "--minify", "-o", "json"))
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:9"
    away = tmp_path / "away"
    away.write_text(json.dumps(config))
    stack.env["KUBECONFIG"] = str(away)
    done = stack.up()
    assert done.returncode != 0
    assert "unreachable" in done.stdout, done.stdout


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
