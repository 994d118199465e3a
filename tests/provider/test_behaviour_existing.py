"""What the project relies on in the Kubernetes plugin: objects that exist before they are made.

Without `upsertExistingObjects` the plugin refuses them, in the API server's words; with it, it
adopts them. A preview says nothing of it: it could not tell a replacement from them.
"""

import json
import os
import signal
import subprocess
import time

import pytest

from .conftest import ADOPTS, FORCE, SOON, Manifests, Stack, airgap_only, found, kubectl, uid

pytestmark = pytest.mark.cluster


def test_an_object_that_exists_is_refused_and_left_as_it_is(
    stack: Stack, manifests: Manifests
) -> None:
    ns = manifests.namespace
    kubectl("create", "configmap", "settings", "-n", ns, "--from-literal=b=2")
    before = found(ns, "configmap", "settings")
    stack.objects = {
        "settings": manifests.config_map("settings", a="1"),
        "other": manifests.config_map("other", a="1"),
    }
    done = stack.up()
    assert done.returncode != 0
    assert "was not successfully created by the Kubernetes API server" in done.stdout, done.stdout
    assert 'configmaps "settings" already exists' in done.stdout, done.stdout
    assert found(ns, "configmap", "settings") == before
    assert "settings" not in stack.kept()


@pytest.mark.parametrize("variable", [False, True])
def test_an_object_that_exists_is_adopted_with_the_setting(
    stack: Stack, manifests: Manifests, *, variable: bool
) -> None:
    ns = manifests.namespace
    kubectl("create", "configmap", "settings", "-n", ns, "--from-literal=b=2")
    before = uid(found(ns, "configmap", "settings"))
    stack.objects = {"settings": manifests.config_map("settings", a="1")}
    if variable:
        stack.env["PULUMI_K8S_UPSERT_EXISTING_OBJECTS"] = "true"
    else:
        stack.provider |= ADOPTS
    stack.must("up", "--yes")
    now = found(ns, "configmap", "settings")
    assert (uid(now), now["data"]) == (before, {"a": "1", "b": "2"})
    stack.must("preview", "--expect-no-changes")


def test_fields_of_another_manager_are_a_conflict_also_when_adopted(
    stack: Stack, manifests: Manifests
) -> None:
    ns = manifests.namespace
    rival = json.dumps(manifests.config_map("settings", a="7"))
    kubectl("apply", "--server-side", "--field-manager=rival", "-f", "-", text=rival)
    settings = manifests.config_map("settings", a="1")
    stack.objects, stack.provider = {"settings": settings}, stack.provider | ADOPTS
    done = stack.up()
    assert done.returncode != 0
    assert "rival" in done.stdout, done.stdout
    assert found(ns, "configmap", "settings")["data"] == {"a": "7"}
    settings["metadata"]["annotations"] = FORCE
    stack.made()
    assert found(ns, "configmap", "settings")["data"] == {"a": "1"}


@pytest.mark.parametrize("adopting", [False, True])
def test_a_run_that_was_killed_half_way_goes_on_with_the_setting_alone(
    stack: Stack, manifests: Manifests, *, adopting: bool
) -> None:
    """Whichever way the killed run had made its objects, which no state knows of."""
    ns = manifests.namespace
    web = manifests.deployment("web", envFrom=[{"secretRef": {"name": "late"}}])
    stack.objects = {"web": web}
    refusing = dict(stack.provider)
    stack.provider = refusing | ADOPTS if adopting else refusing
    stack.must("preview")
    command = ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive"]
    with subprocess.Popen(
        command,
        cwd=stack.folder,
        env=stack.env,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    ) as killed:
        for _ in range(600):
            if found(ns, "deployment", "web") or killed.poll() is not None:
                break
            time.sleep(0.1)
        os.killpg(killed.pid, signal.SIGKILL)
    stack.must("cancel", "--yes")
    before = uid(found(ns, "deployment", "web"))
    assert stack.kept() == set()
    kubectl("create", "secret", "generic", "late", "-n", ns)
    stack.provider = refusing
    done = stack.up()
    assert done.returncode != 0
    assert 'deployments.apps "web" already exists' in done.stdout, done.stdout
    stack.provider = refusing | ADOPTS
    stack.made()
    now = found(ns, "deployment", "web")
    assert (uid(now), now["status"]["availableReplicas"]) == (before, 1)
    stack.must("preview", "--expect-no-changes")


def test_a_namespace_that_was_retained_comes_back_with_the_setting_alone(
    stack: Stack, manifests: Manifests
) -> None:
    ns = f"{manifests.namespace}-own"
    stack.objects = {"space": {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": ns}}}
    stack.retained = ["space"]
    stack.made()
    before = uid(found(ns, "namespace", ns))
    stack.must("destroy", "--yes", "--skip-preview")
    assert uid(found(ns, "namespace", ns)) == before
    done = stack.up()
    assert done.returncode != 0
    assert f'namespaces "{ns}" already exists' in done.stdout, done.stdout
    stack.provider |= ADOPTS
    stack.made()
    assert uid(found(ns, "namespace", ns)) == before
    stack.retained = []
    stack.made()
    stack.must("destroy", "--yes", "--skip-preview")
    assert not found(ns, "namespace", ns)


@pytest.mark.parametrize("shared", [False, True])
def test_what_an_earlier_run_made_is_adopted_with_its_fields_where_both_have_one_manager(
    stack: Stack, manifests: Manifests, *, shared: bool
) -> None:
    ns = manifests.namespace
    named = {"pulumi.com/patchFieldManager": "provider-test"} if shared else {}

    def settings(**data: str) -> None:
        stack.objects = {"settings": manifests.config_map("settings", **data)}
        stack.objects["settings"]["metadata"]["annotations"] = {"example.com/a": "b"} | named

    stack.provider |= ADOPTS
    stack.retained = ["settings"]
    settings(a="1", b="1")
    stack.made()
    stack.must("destroy", "--yes", "--skip-preview")
    settings(a="2")
    done = stack.up()
    if shared:
        assert done.returncode == 0, done.stdout
        assert found(ns, "configmap", "settings")["data"] == {"a": "2"}
    else:
        assert done.returncode != 0
        assert ".data.a" in done.stdout, done.stdout


@airgap_only
def test_an_update_drops_what_the_creation_wrote_under_a_chosen_manager(
    stack: Stack, manifests: Manifests
) -> None:
    for data in ({"a": "1", "b": "1"}, {"a": "2"}):
        settings = manifests.config_map("settings", **data)
        settings["metadata"]["annotations"] = {"pulumi.com/patchFieldManager": "provider-test"}
        stack.objects = {"settings": settings}
        stack.must("up", "--yes")
    assert found(manifests.namespace, "configmap", "settings")["data"] == {"a": "2"}


def test_an_object_that_is_just_being_deleted_is_refused(
    stack: Stack, manifests: Manifests
) -> None:
    ns = manifests.namespace
    held = manifests.config_map("settings", a="0")
    held["metadata"]["finalizers"] = ["example.com/hold"]
    kubectl("apply", "-f", "-", text=json.dumps(held))
    kubectl("delete", "configmap", "settings", "-n", ns, "--wait=false")
    stack.objects = {"settings": manifests.config_map("settings", a="1")}
    try:
        done = stack.up()
        assert done.returncode != 0
        expected = 'object is being deleted: configmaps "settings" already exists'
        assert expected in done.stdout, done.stdout
        assert found(ns, "configmap", "settings")["data"] == {"a": "0"}
    finally:
        release = '{"metadata": {"finalizers": null}}'
        kubectl("patch", "configmap", "settings", "-n", ns, "--type=merge", "-p", release)
    stack.made()
    assert found(ns, "configmap", "settings")["data"] == {"a": "1"}


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
    stack.provider |= ADOPTS
    done = stack.up()
    assert done.returncode != 0
    assert "finalizers example.com/hold" in done.stdout, done.stdout
    release = '{"metadata": {"finalizers": null}}'
    kubectl("patch", "configmap", "settings", "-n", ns, "--type=merge", "-p", release)
    stack.made()
    now = found(ns, "configmap", "settings")
    assert (now["data"], uid(now) == before) == ({"a": "1"}, False)
