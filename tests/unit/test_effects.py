"""What changes and removals do to what runs."""

from typing import Any

import pytest

from cellwright.changes import compare
from cellwright.effects import Effect, of_removal
from tests.manifests import manifest

CLAIM = {
    "metadata": {"name": "data"},
    "spec": {"storageClassName": "a", "resources": {"requests": {"storage": "1Gi"}}},
}


def with_value(body: Any, path: str, value: Any) -> Any:
    """Return a copy of `body` with another value at a path of keys and numbers."""
    first, _, rest = path.partition("/")
    if isinstance(body, list):
        index = int(first)
        new = with_value(body[index], rest, value) if rest else value
        return [*body[:index], new, *body[index + 1 :]]
    return {**body, first: with_value(body.get(first, {}), rest, value) if rest else value}


WORKLOAD: dict[str, Any] = {"replicas": 2, "template": {"spec": {"a": 1}}, "selector": {"x": "y"}}


@pytest.mark.parametrize(
    ("kind", "spec", "path", "value", "effect"),
    [
        ("Deployment", WORKLOAD, "replicas", 3, Effect.IN_PLACE),
        ("Deployment", WORKLOAD, "template/spec/a", 2, Effect.ROLLING),
        ("Deployment", WORKLOAD, "template", {}, Effect.ROLLING),
        ("Deployment", WORKLOAD, "selector/x", "z", Effect.REPLACE),
        (
            "Deployment",
            {**WORKLOAD, "strategy": {"type": "Recreate"}},
            "template/spec/a",
            2,
            Effect.REPLACE,
        ),
        (
            "DaemonSet",
            {**WORKLOAD, "updateStrategy": {"type": "OnDelete"}},
            "template/spec/a",
            2,
            Effect.IN_PLACE,
        ),
        ("StatefulSet", WORKLOAD, "template/spec/a", 2, Effect.ROLLING),
        ("StatefulSet", {"serviceName": "a"}, "serviceName", "b", Effect.REPLACE),
        ("Job", WORKLOAD, "template/spec/a", 2, Effect.REPLACE),
        ("Job", {"parallelism": 1}, "parallelism", 2, Effect.IN_PLACE),
        ("Service", {"clusterIP": "None"}, "clusterIP", "10.0.0.1", Effect.REPLACE),
        ("Service", {"type": "ClusterIP"}, "type", "NodePort", Effect.IN_PLACE),
        ("Unheard", {"a": 1}, "a", 2, Effect.IN_PLACE),
        ("PersistentVolumeClaim", CLAIM["spec"], "storageClassName", "b", Effect.DATA_LOSS),
        (
            "PersistentVolumeClaim",
            CLAIM["spec"],
            "resources/requests/storage",
            "2Gi",
            Effect.IN_PLACE,
        ),
        (
            "PersistentVolumeClaim",
            CLAIM["spec"],
            "resources/requests/storage",
            "1000Mi",
            Effect.DATA_LOSS,
        ),
    ],
)
def test_a_change_of_the_spec(
    kind: str, spec: dict[str, Any], path: str, value: Any, effect: Effect
) -> None:
    before = manifest(kind, spec=spec)
    after = manifest(kind, spec=with_value(spec, path, value))
    change = compare(before, after)
    assert change is not None
    assert change.effect == effect


@pytest.mark.parametrize(
    ("path", "value", "effect"),
    [
        ("spec/resources/requests/storage", "2Gi", Effect.IN_PLACE),
        ("spec/resources/requests/storage", "500Mi", Effect.DATA_LOSS),
        ("spec/resources/requests/storage", "1024Mi", Effect.IN_PLACE),
        ("spec/storageClassName", "b", Effect.DATA_LOSS),
        ("metadata/labels", {"a": "b"}, Effect.REPLACE),
    ],
)
def test_a_change_of_a_claim_template(path: str, value: Any, effect: Effect) -> None:
    before = manifest("StatefulSet", spec={"volumeClaimTemplates": [CLAIM]})
    changed = with_value(CLAIM, path, value)
    after = manifest("StatefulSet", spec={"volumeClaimTemplates": [changed]})
    change = compare(before, after)
    assert change is not None
    assert change.effect == effect


@pytest.mark.parametrize("kind", ["ConfigMap", "Secret"])
def test_an_immutable_object_is_made_anew(kind: str) -> None:
    before = manifest(kind, data={"a": "b"}, immutable=True)
    after = manifest(kind, data={"a": "c"}, immutable=True)
    change = compare(before, after)
    assert change is not None
    assert change.effect == Effect.REPLACE
    labelled = manifest(kind, data={"a": "b"}, immutable=True, metadata={"labels": {"x": "y"}})
    relabelled = compare(before, labelled)
    assert relabelled is not None
    assert relabelled.effect == Effect.IN_PLACE


@pytest.mark.parametrize(
    ("kind", "spec", "effect"),
    [
        ("Namespace", {}, Effect.DATA_LOSS),
        ("PersistentVolumeClaim", {}, Effect.DATA_LOSS),
        ("CustomResourceDefinition", {}, Effect.DATA_LOSS),
        ("Deployment", {}, Effect.REPLACE),
        ("ConfigMap", {}, Effect.IN_PLACE),
        ("StatefulSet", {}, Effect.REPLACE),
        (
            "StatefulSet",
            {"persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete"}},
            Effect.DATA_LOSS,
        ),
    ],
)
def test_a_removal(kind: str, spec: dict[str, Any], effect: Effect) -> None:
    body = manifest(kind, spec=spec).body
    assert of_removal(body, retained=False).effect == effect
    assert of_removal(body, retained=True).effect == Effect.IN_PLACE
