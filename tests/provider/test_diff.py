"""Field-level differences, drift, quantities and what must be replaced."""

from typing import Any

import pytest
from kubeprovider.diff import Change, changes, drifted
from kubeprovider.immutable import Mutability, needs_replacement
from kubeprovider.kinds import Kind
from kubeprovider.quantity import parse

DEPLOYMENT = Kind("apps", "v1", "Deployment")


def _pod(**container: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "main", **container}]}}


def test_changes_are_as_deep_as_both_sides_go() -> None:
    old = {"data": {"a": "1", "b": "2"}, "kind": "ConfigMap"}
    new = {"data": {"a": "9", "c": "3"}, "kind": "ConfigMap", "immutable": True}
    assert set(changes(old, new)) == {
        Change(("data", "a"), "update"),
        Change(("data", "b"), "delete"),
        Change(("data", "c"), "add"),
        Change(("immutable",), "add"),
    }


def test_changes_of_lists_are_by_position() -> None:
    old = {"args": ["a", "b"], "env": [{"name": "A", "value": "1"}]}
    new = {"args": ["a"], "env": [{"name": "A", "value": "2"}, {"name": "B"}]}
    assert set(changes(old, new)) == {
        Change(("args", 1), "delete"),
        Change(("env", 0, "value"), "update"),
        Change(("env", 1), "add"),
    }


def test_true_is_not_one() -> None:
    assert list(changes({"a": True}, {"a": 1})) == [Change(("a",), "update")]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", "1000m"),
        (1, "1"),
        ("0.5", "500m"),
        ("1Gi", "1024Mi"),
        ("1e3", "1k"),
        ("1E", "1000P"),
        ("1Ei", "1024Pi"),
        ("100u", "0.1m"),
        (".5", "500m"),
    ],
)
def test_equal_quantities_are_no_change(one: Any, other: Any) -> None:
    assert parse(one) == parse(other)
    limits = ({"limits": {"cpu": one}}, {"limits": {"cpu": other}})
    assert not list(changes(*limits))


@pytest.mark.parametrize("text", ["", "m", "1Ki1", "one", "1KiB", "0x10", True, None, [], "1 Gi"])
def test_what_is_no_quantity_has_no_number(text: Any) -> None:
    assert parse(text) is None


def test_quantities_count_as_such_only_where_kubernetes_has_them() -> None:
    assert list(changes({"data": {"cpu": "1"}}, {"data": {"cpu": "1000m"}}))
    assert list(changes({"limits": {"cpu": "1"}}, {"limits": {"cpu": "2"}}))


def test_no_drift_where_the_server_only_normalized_and_defaulted() -> None:
    inputs = {
        "ingress": [],
        "spec": {"containers": [{"name": "main", "resources": {"limits": {"cpu": "0.5"}}}]},
    }
    live = _pod(resources={"limits": {"cpu": "500m"}}, imagePullPolicy="Always")
    assert drifted(inputs, live, live) == inputs


@pytest.mark.parametrize(
    ("wanted", "live"),
    [
        ({"spec": {"schedule": "@daily"}}, {"spec": {"schedule": "0 0 * * *"}}),
        ({"spec": {"kept": 1, "unknown": 2}}, {"spec": {"kept": 1}}),
        ({"rules": [{"verbs": ["GET"]}]}, {"rules": [{"verbs": ["get"]}, {"verbs": ["list"]}]}),
    ],
)
def test_what_the_server_made_of_it_at_once_is_no_drift(wanted: Any, live: Any) -> None:
    assert drifted(wanted, live, live) == wanted
    # Nor when something else of the object changes, so that it is not the same as a whole.
    both = {"items": [wanted], "other": 1}
    before, now = {"items": [live], "other": 1}, {"items": [live], "other": 2}
    assert drifted(both, before, now) == {"items": [wanted], "other": 2}


def test_lists_of_one_length_drift_item_by_item() -> None:
    wanted = {"args": ["A", "B"]}
    assert drifted(wanted, {"args": ["a", "b"]}, {"args": ["a", "x"]}) == {"args": ["A", "x"]}


def test_ports_of_a_service_are_told_apart_by_port_and_protocol() -> None:
    ports = [{"port": 53, "protocol": protocol, "targetPort": 53} for protocol in ("UDP", "TCP")]
    service = {"spec": {"ports": ports}}
    changed = {"spec": {"ports": [ports[1], {**ports[0], "targetPort": 54}]}}
    wanted = {"spec": {"ports": [{**ports[0], "targetPort": 54}, ports[1]]}}
    assert drifted(service, service, changed) == wanted


@pytest.mark.parametrize("direction", ["ingress", "egress"])
def test_a_port_that_was_opened_by_hand_in_a_network_policy_is_drift(direction: str) -> None:
    def policy(*ports: int) -> Any:
        listed = [{"port": port, "protocol": "TCP"} for port in ports]
        return {"spec": {direction: [{"ports": listed}]}}

    assert drifted(policy(5432), policy(5432), policy(5432, 22)) == policy(5432, 22)


def test_drift_shows_changed_and_removed_fields_only() -> None:
    inputs = {"data": {"a": "1", "b": "2"}, "kind": "ConfigMap"}
    before = {**inputs, "metadata": {"uid": "x"}}
    now = {"data": {"a": "9", "added": "!"}, "kind": "ConfigMap", "metadata": {"uid": "x"}}
    assert drifted(inputs, before, now) == {"data": {"a": "9"}, "kind": "ConfigMap"}


def test_drift_that_was_undone_is_none() -> None:
    inputs = {"spec": {"replicas": 1}}
    assert drifted(inputs, {"spec": {"replicas": 5}}, {"spec": {"replicas": 1}}) == inputs


def test_lists_merged_by_key_follow_their_elements() -> None:
    env = [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    inputs = _pod(env=env)
    moved = [
        {"name": "NEW", "value": "0"},
        {"name": "B", "value": "9"},
        {"name": "A", "value": "1"},
    ]
    wanted = _pod(env=[{"name": "A", "value": "1"}, {"name": "B", "value": "9"}])
    assert drifted(inputs, inputs, _pod(env=moved)) == wanted
    assert drifted(inputs, inputs, _pod(env=env[1:])) == _pod(env=env[1:])


def test_a_container_port_without_protocol_is_the_same_as_tcp() -> None:
    inputs = _pod(ports=[{"containerPort": 80}])
    live = _pod(ports=[{"containerPort": 80, "protocol": "TCP"}])
    assert drifted(inputs, live, live) == inputs
    other = _pod(ports=[{"containerPort": 80, "protocol": "UDP"}])
    assert drifted(inputs, live, other) == _pod(ports=[])


def test_atomic_lists_and_maps_drift_as_a_whole() -> None:
    rules = {"rules": [{"verbs": ["get"]}]}
    wider = {"rules": [{"verbs": ["get"]}, {"verbs": ["*"]}]}
    assert drifted(rules, rules, wider) == wider
    selector = {"spec": {"selector": {"app": "web"}}}
    narrower = {"spec": {"selector": {"app": "web", "track": "canary"}}}
    assert drifted(selector, selector, narrower) == narrower


@pytest.mark.parametrize(
    ("kind", "path", "expected"),
    [
        (DEPLOYMENT, ("metadata", "name"), True),
        (DEPLOYMENT, ("metadata", "labels", "a"), False),
        (DEPLOYMENT, ("spec", "selector", "matchLabels", "app"), True),
        (DEPLOYMENT, ("spec",), True),
        (DEPLOYMENT, ("spec", "replicas"), False),
        (Kind("apps", "v1", "StatefulSet"), ("spec", "podManagementPolicy"), True),
        (Kind("apps", "v1", "StatefulSet"), ("spec", "selector", "matchLabels", "app"), True),
        (Kind("apps", "v1", "StatefulSet"), ("spec", "serviceName"), True),
        (Kind("apps", "v1", "StatefulSet"), ("spec", "volumeClaimTemplates", 0, "spec"), True),
        (Kind("apps", "v1", "StatefulSet"), ("spec", "template", "spec", "containers"), False),
        (Kind("apps", "v1", "StatefulSet"), ("spec", "revisionHistoryLimit"), False),
        (Kind("batch", "v1", "Job"), ("spec", "template", "spec", "containers", 0), True),
        (Kind("batch", "v1", "Job"), ("spec", "completionMode"), True),
        (Kind("batch", "v1", "Job"), ("spec", "completions"), True),
        (Kind("batch", "v1", "Job"), ("spec", "selector"), True),
        (Kind("batch", "v1", "Job"), ("spec", "parallelism"), False),
        (Kind("", "v1", "PersistentVolume"), ("spec", "hostPath", "path"), True),
        (Kind("", "v1", "PersistentVolume"), ("spec", "capacity", "storage"), False),
        (Kind("", "v1", "PersistentVolumeClaim"), ("spec", "storageClassName"), True),
        (Kind("", "v1", "PersistentVolumeClaim"), ("spec", "volumeAttributesClassName"), False),
        (Kind("storage.k8s.io", "v1", "StorageClass"), ("provisioner",), True),
        (Kind("storage.k8s.io", "v1", "StorageClass"), ("allowVolumeExpansion",), False),
        (Kind("", "v1", "Service"), ("spec", "clusterIP"), True),
        (Kind("", "v1", "Service"), ("spec", "ports", 0, "port"), False),
        (Kind("", "v1", "Secret"), ("type",), True),
        (Kind("", "v1", "Pod"), ("spec", "containers", 0, "image"), False),
        (Kind("", "v1", "Pod"), ("spec", "initContainers", 0, "image"), False),
        (Kind("", "v1", "Pod"), ("spec", "containers", 0, "args"), True),
        (Kind("", "v1", "Pod"), ("spec", "containers", 0), True),
        (Kind("", "v1", "Pod"), ("spec", "volumes", 0, "image"), True),
        (Kind("", "v1", "Pod"), ("spec", "tolerations", 0), False),
        (Kind("", "v1", "Pod"), ("metadata", "labels", "a"), False),
        (Kind("rbac.authorization.k8s.io", "v1", "RoleBinding"), ("roleRef", "name"), True),
        (Kind("rbac.authorization.k8s.io", "v1", "RoleBinding"), ("subjects", 0), False),
        (Kind("policy", "v1", "PodDisruptionBudget"), ("spec", "maxUnavailable"), False),
    ],
)
def test_immutable_fields(kind: Kind, path: tuple[str | int, ...], *, expected: bool) -> None:
    change = Change(path, "update")
    assert needs_replacement(kind, change, ({}, {}), Mutability()) is expected


@pytest.mark.parametrize(("new", "expected"), [("2Gi", False), ("512Mi", True), ("much", True)])
def test_claims_may_only_grow(new: str, *, expected: bool) -> None:
    def claim(size: str) -> dict[str, Any]:
        return {"spec": {"resources": {"requests": {"storage": size}}}}

    versions = (claim("1Gi"), claim(new))
    (change,) = changes(*versions)
    kind = Kind("", "v1", "PersistentVolumeClaim")
    assert needs_replacement(kind, change, versions, Mutability()) is expected


@pytest.mark.parametrize("field", ["data", "binaryData", "stringData", "immutable"])
def test_all_forms_of_data_count(field: str) -> None:
    change = Change((field,), "update")
    assert needs_replacement(Kind("", "v1", "Secret"), change, ({}, {}), Mutability())
    assert not needs_replacement(DEPLOYMENT, change, ({}, {}), Mutability())


@pytest.mark.parametrize("kind", ["ConfigMap", "Secret"])
@pytest.mark.parametrize(
    ("mutable", "frozen", "expected"),
    [(True, False, False), (False, False, True), (True, True, True)],
)
def test_data_is_replaced_unless_mutable(
    kind: str, *, mutable: bool, frozen: bool, expected: bool
) -> None:
    change = Change(("data", "a"), "update")
    old = {"immutable": True} if frozen else {}
    both = Mutability(config_maps=mutable, secrets=mutable)
    assert needs_replacement(Kind("", "v1", kind), change, (old, {}), both) is expected
    other = Mutability(config_maps=kind == "Secret", secrets=kind == "ConfigMap")
    assert needs_replacement(Kind("", "v1", kind), change, ({}, {}), other)
