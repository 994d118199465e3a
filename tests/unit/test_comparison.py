"""Which differences between a manifest and what a cluster holds are told."""

from typing import Any

import pytest

from cellwright.changes import compare
from cellwright.comparison import (
    Differences,
    added_data,
    autoscaled,
    claims,
    is_extra,
    is_ours,
    told,
    without_notes,
)
from cellwright.manifest import Manifest


def manifest(kind: str, name: str = "app", version: str = "v1", **body: Any) -> Manifest:
    metadata = {"name": name, "namespace": "cell-alpha", **body.pop("metadata", {})}
    return Manifest(
        "alpha",
        "local",
        "",
        0,
        0,
        {"apiVersion": version, "kind": kind, "metadata": metadata, **body},
    )


def quota(value: Any) -> Manifest:
    return manifest("ResourceQuota", spec={"hard": {"requests.storage": value}})


def paths(live: Manifest, declared: Manifest, scaled: Any = ()) -> list[str]:
    change = compare(live, declared)
    listed = told([change] if change else [], scaled)
    return [field.path for each in listed for field in each.fields]


@pytest.mark.parametrize(("live", "declared"), [("1", "1000m"), ("512Mi", "0.5Gi"), ("2", 2)])
def test_a_quantity_may_be_written_in_many_ways(live: Any, declared: Any) -> None:
    assert paths(quota(live), quota(declared)) == []
    assert paths(quota(live), quota("7Gi")) == ['spec.hard["requests.storage"]']


def test_text_that_looks_like_a_quantity_is_text() -> None:
    found = paths(
        manifest("ConfigMap", data={"a": "1"}), manifest("ConfigMap", data={"a": "1000m"})
    )
    assert found == ["data.a"]


@pytest.mark.parametrize("empty", [{}, [], "", None])
def test_what_is_empty_may_be_absent(empty: Any) -> None:
    declared = manifest("Service", spec={"selector": {"a": "b"}, "more": empty})
    assert paths(manifest("Service", spec={"selector": {"a": "b"}}), declared) == []


@pytest.mark.parametrize("value", [False, 0, "x"])
def test_what_is_not_empty_may_not(value: Any) -> None:
    declared = manifest("ServiceAccount", automountServiceAccountToken=value)
    assert paths(manifest("ServiceAccount"), declared) == ["automountServiceAccountToken"]


def test_replicas_belong_to_an_autoscaler_where_there_is_one() -> None:
    live = manifest("Deployment", version="apps/v1", spec={"replicas": 5, "paused": True})
    declared = manifest("Deployment", version="apps/v1", spec={"replicas": 2, "paused": False})
    assert paths(live, declared) == ["spec.replicas", "spec.paused"]
    target = {"scaleTargetRef": {"kind": "Deployment", "name": "app"}}
    scaler = manifest("HorizontalPodAutoscaler", version="autoscaling/v2", spec=target).body
    assert paths(live, declared, autoscaled([scaler])) == ["spec.paused"]


@pytest.mark.parametrize(
    ("manager", "subresource", "expected"),
    [
        ("kube-controller-manager", "scale", 1),
        ("kube-controller-manager", "status", 0),
        ("kubectl", "scale", 0),
    ],
)
def test_an_autoscaler_is_known_by_what_it_owns(
    manager: str, subresource: str, expected: int
) -> None:
    fields = {"f:spec": {"f:replicas": {}}}
    entry = {"manager": manager, "subresource": subresource, "fieldsV1": fields}
    assert len(autoscaled([manifest("Deployment", metadata={"managedFields": [entry]}).body])) == (
        expected
    )


def test_what_up_notes_is_left_out() -> None:
    noted = {
        "labels": {"a": "b", "cellwright.dev/fleet-id": "0123"},
        "annotations": {"cellwright.dev/last-run": "{}", "cellwright.dev/applied": "{}"},
    }
    claim = {"metadata": {"name": "data", "labels": {"cellwright.dev/fleet-id": "0123"}}}
    body = manifest("StatefulSet", metadata=noted, spec={"volumeClaimTemplates": [claim]}).body
    cleaned = without_notes(body)
    assert cleaned["metadata"] == {"name": "app", "namespace": "cell-alpha", "labels": {"a": "b"}}
    assert cleaned["spec"] == {"volumeClaimTemplates": [{"metadata": {"name": "data"}}]}
    assert body["metadata"]["annotations"] == noted["annotations"], "the object itself stays"


def test_the_fleets_id_on_pods_is_no_difference_and_another_one_is() -> None:
    def router(own: str, pods: str) -> Manifest:
        metadata = {"labels": {"cellwright.dev/fleet-id": own}} if own else {}
        pod = {"metadata": {"labels": {"a": "b", "cellwright.dev/fleet-id": pods}}}
        return manifest("Deployment", metadata=metadata, spec={"template": pod})

    declared = router("", "")
    for pods, expected in (("0123", []), ("4567", ["fleet-id"])):
        cleaned = Manifest("alpha", "local", "", 0, 0, without_notes(router("0123", pods).body))
        found = paths(cleaned, declared)
        assert [path[-10:-2] for path in found] == expected


def test_a_signature_is_left_out() -> None:
    noted = {"annotations": {"a": "b", "cellwright.dev/signature": "0123"}}
    cleaned = without_notes(manifest("ConfigMap", metadata=noted).body)
    assert cleaned["metadata"]["annotations"] == {"a": "b"}


def test_data_that_was_added_is_told_and_a_secret_is_not_shown() -> None:
    declared = manifest("ConfigMap", data={"a": "1"})
    assert added_data(declared, {"data": {"a": "2"}}) is None
    (field,) = added_data(declared, {"data": {"a": "1", "b": "2"}}).fields  # type: ignore[union-attr]
    assert (field.path, field.before) == ("data.b", "2")
    secret = manifest("Secret", stringData={"a": "1"})
    (field,) = added_data(secret, {"data": {"a": "MQ==", "b": "Mg=="}}).fields  # type: ignore[union-attr]
    assert (field.path, field.before) == ("data.b", "(secret)")
    assert added_data(manifest("Service"), {"data": {"b": "2"}}) is None


def test_what_the_directory_remembers_is_no_difference() -> None:
    live = manifest("ConfigMap", "directory-history", data={"history": "more", "b": "2"})
    declared = manifest("ConfigMap", "directory-history", data={"history": "less"})
    assert paths(live, declared) == []
    assert added_data(declared, live.body) is None
    assert not is_extra(live.body, (), live.identity, ())


def test_objects_of_controllers_are_not_extra() -> None:
    owned = manifest("Pod", metadata={"ownerReferences": [{"uid": "1"}]})
    assert not is_extra(owned.body, (), owned.identity, ())
    template = {"volumeClaimTemplates": [{"metadata": {"name": "data"}}]}
    volumes = claims([manifest("StatefulSet", "postgres", "apps/v1", spec=template)])
    for name, expected in (("data-postgres-0", False), ("data-other-0", True)):
        claim = manifest("PersistentVolumeClaim", name)
        assert is_extra(claim.body, (), claim.identity, volumes) == expected
    left = manifest("ConfigMap", "left")
    assert is_extra(left.body, (), left.identity, ())
    assert not is_extra(left.body, {left.identity}, left.identity, ())


def test_an_object_of_another_fleet_is_not_ours() -> None:
    for labels, expected in (
        ({}, True),
        ({"cellwright.dev/fleet": "demo"}, True),
        ({"cellwright.dev/fleet": "other"}, False),
    ):
        assert is_ours(manifest("ConfigMap", metadata={"labels": labels}).body, "demo") == expected


def test_differences_are_counted() -> None:
    one = manifest("ConfigMap")
    assert not Differences()
    assert str(Differences(missing=(one,), extra=(one, one))) == "1 missing, 2 extra"


@pytest.mark.parametrize(
    "noted",
    [
        {"annotations": {"cellwright.dev/applied": "{}", "cellwright.dev/last-run": "{}"}},
        {"annotations": {"pulumi.com/patchFieldManager": "cellwright-0123"}},
        {"labels": {"cellwright.dev/fleet-id": "0123"}},
    ],
)
def test_what_up_has_noted_is_no_change_beside_one(noted: dict[str, Any]) -> None:
    """The server answers with what it holds: notes are in it, and in no manifest."""
    live = manifest("ConfigMap", data={"a": "1"})
    answered = manifest("ConfigMap", data={"a": "2"}, metadata=noted)
    assert paths(live, answered) == ["data.a"]
