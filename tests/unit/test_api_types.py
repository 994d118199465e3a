# ruff: noqa: E501 - messages are long
"""Objects held against the types of the Kubernetes API, which are reduced from OpenAPI."""

import json
from typing import Any

import pytest

from cellwright.api_reduce import dump, reduce
from cellwright.api_types import ApiTypes, Duty, Finding, checked_types
from cellwright.edge.files import read
from cellwright.node import Hole
from tests.fleets import ROOT
from tests.manifests import secret

SHIPPED = read(ROOT).api_types[""]
TYPES = ApiTypes(SHIPPED)


def pod(**spec: Any) -> dict[str, Any]:
    containers = [{"name": "a", "image": "b"}]
    return {"metadata": {"name": "x"}, "spec": {"containers": containers, **spec}}


def findings(body: Any, kind: str = "Pod", version: str = "v1") -> list[str]:
    found = TYPES.examine(body, TYPES.of(version, kind))
    return [
        f"{'.'.join(map(str, one.path))}: {one.message} ({one.hint})"
        for one in found
        if isinstance(one, Finding)
    ]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            pod(hostNetwrk=True),
            "spec.hostNetwrk: Kubernetes v1.34.3 has no field 'hostNetwrk' here (did you mean 'hostNetwork'?)",
        ),
        (pod(hostNetwork="yes"), "spec.hostNetwork: expected true or false, not 'yes' ()"),
        (
            pod(hostNetwork=None),
            "spec.hostNetwork: expected true or false, not nothing (leave the key out)",
        ),
        (pod(priority=1.5), "spec.priority: expected a number, 32 bits, not 1.5 ()"),
        (pod(priority=2**31), "spec.priority: expected a number, 32 bits, not 2147483648 ()"),
        (pod(priority=True), "spec.priority: expected a number, 32 bits, not True ()"),
        (pod(nodeName=7), "spec.nodeName: expected text, not 7 (add `| string`)"),
        (pod(tolerations={}), "spec.tolerations: expected a list, not {} ()"),
        (pod(tolerations=None), "spec.tolerations: expected a list, not nothing (write [])"),
        (pod(affinity=[]), "spec.affinity: expected a mapping, not [] ()"),
        (
            pod(volumes=[{"name": "v", "emptyDir": None}]),
            "spec.volumes.0.emptyDir: expected a mapping, not nothing (write {})",
        ),
        (
            pod(volumes=[{"name": "v", "emptyDir": {"sizeLimit": "64MB"}}]),
            "spec.volumes.0.emptyDir.sizeLimit: expected a quantity such as 250m or 64Mi, not '64MB' ()",
        ),
        (
            pod(restartPolicy="Allways"),
            "spec.restartPolicy: Kubernetes does not know 'Allways' here (did you mean 'Always'?)",
        ),
        (
            pod(restartPolicy=None),
            "spec.restartPolicy: expected text, not nothing (leave the key out)",
        ),
        (pod(containers=[{"image": "b"}]), "spec.containers.0: the field 'name' is missing ()"),
        (pod(nodeSelector={"a": 1}), "spec.nodeSelector.a: expected text, not 1 (add `| string`)"),
        (
            {"metadata": {"labels": {"a": "b c"}}},
            "metadata.labels.a: expected a label's value (letters and digits, with - _ . between them, at most 63), not 'b c' ()",
        ),
        (
            {"metadata": {"labels": {"a b": "c"}}},
            "metadata.labels.a b: 'a b' is no key of a label ()",
        ),
    ],
)
def test_what_kubernetes_does_not_take_is_found(body: Any, expected: str) -> None:
    assert findings(body) == [expected]


@pytest.mark.parametrize(
    "body",
    [
        pod(),
        pod(priority=2**31 - 1, nodeSelector={}, restartPolicy="Always"),
        pod(volumes=[{"name": "v", "emptyDir": {"sizeLimit": 1}}]),
        *(
            pod(volumes=[{"name": "v", "emptyDir": {"sizeLimit": one}}])
            for one in ("1", "1.5Gi", "1e3", "100m", ".5", "-1")
        ),
        {"metadata": {"labels": {"a.b/c_d": "", "x": "A-1_2.3"}}},
    ],
)
def test_what_kubernetes_takes_is_clean(body: Any) -> None:
    assert findings(body) == []


def test_ports_of_probes_are_numbers_or_names() -> None:
    for port, wrong in ((80, 0), ("http", 0), (1.5, 1), (True, 1)):
        probe = {"httpGet": {"port": port}}
        body = pod(containers=[{"name": "a", "livenessProbe": probe}])
        assert len(findings(body)) == wrong


def test_a_secret_may_stand_for_text() -> None:
    body = {"metadata": {"name": "x"}, "stringData": {"a": secret("b")}}
    assert findings(body, "Secret") == []
    assert findings({"metadata": {"name": "x"}, "type": {"a": "b"}}, "Secret") != []


def test_holes_are_duties() -> None:
    body = pod(hostNetwork=Hole(3), containers=[Hole(1)])
    duties = {one.number: one for one in TYPES.examine(body, TYPES.of("v1", "Pod"))}
    assert duties[3] == Duty(3, ("spec", "hostNetwork"), "boolean")
    assert duties[1].path == ("spec", "containers", 0)
    (wrong,) = TYPES.examine({"name": "a", "imge": "b"}, duties[1].type)
    assert isinstance(wrong, Finding)
    assert wrong.path == ("imge",)


@pytest.mark.parametrize(
    ("version", "kind", "hint"),
    [
        ("v1", "Deployment", "it is in apps/v1"),
        ("policy/v1beta1", "PodDisruptionBudget", "it is in policy/v1"),
        ("apps/v1", "Deploymnet", "did you mean 'Deployment'?"),
        ("app/v1", "Widget", "did you mean 'apps/v1'?"),
        (
            "monitoring.example.com/v1",
            "Widget",
            "kinds that a cluster has beyond these: `cellwright types`",
        ),
    ],
)
def test_unknown_kinds_are_told(version: str, kind: str, hint: str) -> None:
    assert TYPES.of(version, kind) is None
    assert TYPES.unknown(version, kind).hint == hint


def test_what_lives_in_namespaces_is_known() -> None:
    assert TYPES.is_namespaced("apps/v1", "Deployment")
    assert not TYPES.is_namespaced("v1", "Namespace")
    assert not TYPES.is_namespaced("rbac.authorization.k8s.io/v1", "ClusterRole")


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"kubernetes": "v1", "kinds": {}},
        {
            "kubernetes": "v1",
            "types": {},
            "kinds": {"v1": {"A": {"type": "x", "namespaced": True}}},
        },
        {"kubernetes": "v1", "types": {}, "kinds": {"v1": []}},
        {"kubernetes": "v1", "types": {"x": {"fields": 3}}, "kinds": {}},
        {"kubernetes": "v1", "types": {"x": {"list": "no such type", "key": ""}}, "kinds": {}},
        {"kubernetes": "v1", "types": {"x": 3}, "kinds": {}},
    ],
)
def test_what_is_no_reduced_document_is_refused(document: Any) -> None:
    with pytest.raises(ValueError, match=r"missing or of the wrong type|is not described"):
        checked_types(document)
    assert checked_types(SHIPPED) is SHIPPED


WIDGET = {
    "components": {
        "schemas": {
            "com.example.v1.Widget": {
                "type": "object",
                "required": ["spec"],
                "x-kubernetes-group-version-kind": [
                    {"group": "example.com", "version": "v1", "kind": "Widget"}
                ],
                "properties": {
                    "metadata": {
                        "allOf": [
                            {
                                "$ref": "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
                            }
                        ]
                    },
                    "spec": {
                        "type": "object",
                        "properties": {
                            "port": {"x-kubernetes-int-or-string": True},
                            "size": {
                                "$ref": "#/components/schemas/io.k8s.apimachinery.pkg.api.resource.Quantity"
                            },
                            "mode": {"type": "string", "enum": ["a", "b"]},
                            "free": {
                                "type": "object",
                                "x-kubernetes-preserve-unknown-fields": True,
                            },
                            "half": {
                                "type": "object",
                                "x-kubernetes-preserve-unknown-fields": True,
                                "properties": {"a": {"type": "integer", "format": "int32"}},
                            },
                            "map": {"type": "object", "additionalProperties": {"type": "boolean"}},
                            "parts": {
                                "type": "array",
                                "x-kubernetes-list-type": "map",
                                "x-kubernetes-list-map-keys": ["name"],
                                "items": {
                                    "type": "object",
                                    "properties": {"name": {"type": "string"}},
                                },
                            },
                            "plain": {"type": "array", "items": {"type": "number"}},
                            "inner": {"$ref": "#/components/schemas/com.example.v1.Widget"},
                        },
                    },
                },
            },
            "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta": {
                "type": "object",
                "properties": {
                    "labels": {"type": "object", "additionalProperties": {"type": "string"}}
                },
            },
            "io.k8s.apimachinery.pkg.api.resource.Quantity": {
                "oneOf": [{"type": "string"}, {"type": "number"}]
            },
            "com.example.v1.NeverCreated": {
                "type": "object",
                "x-kubernetes-group-version-kind": [
                    {"group": "example.com", "version": "v1", "kind": "NeverCreated"}
                ],
            },
        }
    },
    "paths": {
        "/apis/example.com/v1/namespaces/{namespace}/widgets": {
            "post": {
                "x-kubernetes-group-version-kind": {
                    "group": "example.com",
                    "version": "v1",
                    "kind": "Widget",
                }
            }
        },
    },
}
"""What a cluster publishes for a custom resource, shortened."""


def test_a_cluster_s_own_kinds_are_reduced() -> None:
    document = reduce("v1.99", [WIDGET])
    assert document["kinds"] == {
        "example.com/v1": {"Widget": {"type": "com.example.v1.Widget", "namespaced": True}}
    }
    spec = document["types"]["com.example.v1.Widget"]["fields"]["spec"]["fields"]
    assert spec == {
        "free": "any",
        "half": {"fields": {"a": "int32"}, "open": True},
        "inner": "com.example.v1.Widget",
        "map": {"map": "boolean"},
        "mode": {"enum": ["a", "b"]},
        "parts": {"list": {"fields": {"name": "string"}}, "key": "name"},
        "plain": {"list": "number", "key": ""},
        "port": "int-or-string",
        "size": "quantity",
    }
    types = ApiTypes(checked_types(json.loads(dump(document))))
    of = types.of("example.com/v1", "Widget")
    body = {
        "metadata": {"labels": {"a": "b"}},
        "spec": {"inner": {"spec": {"mode": "c"}}, "half": {"z": 1}},
    }
    (wrong,) = types.examine(body, of)
    assert isinstance(wrong, Finding)
    assert wrong.path == ("spec", "inner", "spec", "mode")


def test_the_shipped_document_is_as_written_by_the_program() -> None:
    text = (ROOT / "src/cellwright/kubernetes/types.json").read_text()
    assert dump(json.loads(text)) == text
    assert len(text) < 150_000
