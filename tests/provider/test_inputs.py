"""Type tokens, checks of inputs, annotations, configuration, kubeconfigs and field managers."""

import json
from pathlib import Path
from typing import Any

import pytest
from kubeprovider import annotations
from kubeprovider.checks import checked
from kubeprovider.config import Config, parse, refused
from kubeprovider.connection import KubeconfigError, connect, server_of
from kubeprovider.kinds import Kind, UnsupportedTypeError, kind_of_token, kind_of_urn
from kubeprovider.managers import adopted, all_taken_over, fresh_manager
from kubeprovider.objects import identifier, split_identifier

CONFIG_MAP = Kind("", "v1", "ConfigMap")


@pytest.mark.parametrize(
    ("token", "kind", "api_version"),
    [
        ("kubernetes:core/v1:Secret", Kind("", "v1", "Secret"), "v1"),
        ("kubernetes:apps/v1:Deployment", Kind("apps", "v1", "Deployment"), "apps/v1"),
        ("kubernetes:example.com/v1beta1:Thing", Kind("example.com", "v1beta1", "Thing"), None),
    ],
)
def test_tokens_name_kinds(token: str, kind: Kind, api_version: str | None) -> None:
    assert kind_of_token(token) == kind
    assert kind_of_urn(f"urn:pulumi:dev::shop::my:component$other${token}::name") == kind
    if api_version:
        assert kind.api_version == api_version


@pytest.mark.parametrize(
    "token",
    [
        "kubernetes:helm.sh/v3:Release",
        "kubernetes:yaml/v2:ConfigGroup",
        "kubernetes:kustomize/v2:Directory",
        "kubernetes:apps/v1:DeploymentPatch",
        "kubernetes:core/v1:ConfigMapList",
        "kubernetes:core:Secret",
        "aws:s3/v1:Bucket",
        "kubernetes",
    ],
)
def test_other_tokens_are_refused(token: str) -> None:
    with pytest.raises(UnsupportedTypeError, match=token):
        kind_of_token(token)


def test_checks_fill_in_what_the_type_says() -> None:
    inputs, reasons = checked(CONFIG_MAP, {"metadata": {"name": "a"}}, "here")
    assert inputs == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a", "namespace": "here"},
    }
    assert not reasons


def test_checks_leave_the_namespace_of_the_program_and_drop_it_where_there_is_none() -> None:
    given = {"metadata": {"name": "a", "namespace": "there"}}
    assert checked(CONFIG_MAP, given, "here")[0]["metadata"]["namespace"] == "there"
    assert "namespace" not in checked(Kind("", "v1", "Namespace"), given, None)[0]["metadata"]


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ({}, "metadata.name is required"),
        ({"metadata": {"name": "a"}, "kind": "Secret"}, "kind is 'Secret'"),
        ({"metadata": {"name": "a"}, "apiVersion": "v2"}, "apiVersion is 'v2'"),
        ({"metadata": "a"}, "metadata must be an object"),
        (
            {"metadata": {"name": "a", "annotations": {"pulumi.com/timeoutSeconds": "soon"}}},
            "pulumi.com/timeoutSeconds: expected a whole number",
        ),
        (
            {
                "metadata": {
                    "name": "a",
                    "annotations": {"pulumi.com/deletionPropagationPolicy": "x"},
                }
            },
            "expected one of foreground",
        ),
    ],
)
def test_checks_give_every_reason(inputs: dict[str, Any], reason: str) -> None:
    reasons = checked(CONFIG_MAP, inputs, "here")[1]
    assert any(reason in text for text in reasons), reasons


def _annotated(**values: str) -> dict[str, Any]:
    return {"metadata": {"annotations": {f"pulumi.com/{k}": v for k, v in values.items()}}}


def test_time_outs_prefer_the_resource_over_the_annotation() -> None:
    assert annotations.timeout_seconds(0, {}) == 600
    assert annotations.timeout_seconds(0, _annotated(timeoutSeconds="7")) == 7
    assert annotations.timeout_seconds(3, _annotated(timeoutSeconds="7")) == 3


def test_annotations_steer() -> None:
    assert annotations.skip_await(_annotated(skipAwait="true"))
    assert not annotations.skip_await({})
    assert annotations.propagation_policy({}) == "Foreground"
    orphan = _annotated(deletionPropagationPolicy="Orphan")
    assert annotations.propagation_policy(orphan) == "Orphan"
    assert annotations.force(_annotated(patchForce="true"))
    assert not annotations.force({})


def test_settings_are_flags_as_words_or_booleans(monkeypatch: pytest.MonkeyPatch) -> None:
    given = parse({"enableConfigMapMutable": "true", "context": "kind", "namespace": "here"})
    assert given.mutability.config_maps
    assert not given.mutability.secrets
    assert (given.context, given.namespace) == ("kind", "here")
    assert parse({"enableSecretMutable": True}).mutability.secrets
    monkeypatch.setenv("PULUMI_K8S_ENABLE_SECRET_MUTABLE", "true")
    assert parse({}).mutability.secrets
    assert not parse({"enableSecretMutable": "false"}).mutability.secrets


@pytest.mark.parametrize(
    ("setting", "variable", "claim"),
    [
        ("upsertExistingObjects", "PULUMI_K8S_UPSERT_EXISTING_OBJECTS", "upsert"),
        ("enablePatchForce", "PULUMI_K8S_ENABLE_PATCH_FORCE", "force"),
    ],
)
def test_nothing_of_others_is_touched_unless_a_setting_or_its_variable_says_so(
    monkeypatch: pytest.MonkeyPatch, setting: str, variable: str, claim: str
) -> None:
    monkeypatch.delenv(variable, raising=False)
    assert getattr(parse({}).claims, claim) is False
    assert getattr(parse({setting: "true"}).claims, claim) is True
    monkeypatch.setenv(variable, "true")
    assert getattr(parse({}).claims, claim) is True
    assert getattr(parse({setting: "false"}).claims, claim) is False


def test_settings_that_cannot_be_honoured_are_refused() -> None:
    assert not refused({"enableServerSideApply": "true", "strictMode": "false"})
    names = {name for name, _ in refused({"renderYamlToDirectory": "x", "strictMode": "true"})}
    assert names == {"renderYamlToDirectory", "strictMode"}
    assert [name for name, _ in refused({"enableServerSideApply": "false"})] == [
        "enableServerSideApply"
    ]


def _kubeconfig(name: str, **cluster: str) -> dict[str, Any]:
    return {
        "current-context": name,
        "clusters": [{"name": name, "cluster": {"server": f"https://{name}.invalid", **cluster}}],
        "users": [{"name": name, "user": {"token": "t"}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name, "namespace": name}}],
    }


def test_kubeconfigs_of_a_list_are_merged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [tmp_path / name for name in ("one", "absent", "two")]
    for path in paths[::2]:
        path.write_text(json.dumps(_kubeconfig(path.name)))
    monkeypatch.setenv("KUBECONFIG", ":".join(map(str, paths)))
    assert server_of(Config()) == "https://one.invalid"
    assert server_of(Config(context="two")) == "https://two.invalid"
    assert server_of(Config(context="one", cluster="two")) == "https://two.invalid"
    assert connect(Config(context="two")).namespace == "two"
    assert connect(Config(namespace="set")).namespace == "set"


def test_a_kubeconfig_may_be_given_as_content_or_path(tmp_path: Path) -> None:
    content = json.dumps(_kubeconfig("one"))
    assert server_of(Config(kubeconfig=content)) == "https://one.invalid"
    (tmp_path / "file").write_text(content)
    assert server_of(Config(kubeconfig=str(tmp_path / "file"))) == "https://one.invalid"


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (Config(kubeconfig="/no/such/file"), "no such file: /no/such/file"),
        (Config(kubeconfig="{"), "not YAML"),
        (Config(kubeconfig="\n- a\n"), "does not hold one"),
        (Config(kubeconfig="{}"), "No current context"),
        (Config(kubeconfig=json.dumps(_kubeconfig("a")), context="b"), "Context 'b' not found"),
        (Config(kubeconfig=json.dumps(_kubeconfig("a")), cluster="b"), "no cluster or user 'b'"),
        (
            Config(kubeconfig=json.dumps(_kubeconfig("a", **{"certificate-authority": "/no/ca"}))),
            "No such file",
        ),
    ],
)
def test_an_unusable_kubeconfig_says_why(config: Config, reason: str) -> None:
    with pytest.raises(KubeconfigError, match="kubeconfig: ") as raised:
        connect(config)
    assert reason in str(raised.value)


def _entry(manager: str, operation: str, *fields: str, **rest: str) -> dict[str, Any]:
    owned = {"f:data": {f"f:{field}": {} for field in fields}}
    return {"manager": manager, "operation": operation, "fieldsV1": owned, **rest}


def test_fields_that_kubectl_wrote_become_the_resources_own() -> None:
    ours, theirs = _entry("me", "Apply", "a"), _entry("kubectl-edit", "Update", "a", "b")
    status = _entry("kubectl-x", "Update", "c", subresource="status")
    rival = _entry("rival", "Apply", "d")
    entries = adopted([ours, theirs, status, rival], "me")
    assert entries == [status, rival, _entry("me", "Apply", "a", "b")]
    assert adopted([theirs], "me") == [_entry("me", "Apply", "a", "b")]
    assert adopted([ours, rival, status], "me") is None


def test_conflicts_with_kubectl_alone_do_not_stop_a_preview() -> None:
    assert all_taken_over('1 conflict: conflict with "kubectl-patch" using v1: .data.a', "me")
    assert not all_taken_over(
        'conflict with "kubectl" using v1: .a\nconflicts with "rival": .b', "me"
    )
    assert not all_taken_over("the object has been modified", "me")


def test_managers_are_new_for_each_resource() -> None:
    assert fresh_manager().startswith("pulumi-kubernetes-")
    assert fresh_manager() != fresh_manager()


def test_identifiers_are_namespace_and_name() -> None:
    for text in ("here/a", "a"):
        namespace, name = split_identifier(text)
        metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
        assert identifier({"metadata": metadata}) == text
