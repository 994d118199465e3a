"""Strategic merge patches of rendered manifests."""

from typing import Any

import pytest

from cellwright.api_types import ApiTypes
from cellwright.edge.files import read
from cellwright.manifest import Manifest
from cellwright.patch import Patch, apply_patches
from cellwright.problem import Problem
from cellwright.shape import whole
from tests.fleets import ROOT
from tests.manifests import manifest

TYPES = ApiTypes(read(ROOT).api_types[""])
CONTAINERS = [
    {
        "name": "app",
        "image": "a:1",
        "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
    },
    {"name": "other", "image": "b:1", "args": ["x", "y"]},
]
PORTS = [{"port": 53, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}]


def deployment() -> Manifest:
    spec = {"replicas": 1, "template": {"spec": {"containers": CONTAINERS}}, "selector": {}}
    return manifest("Deployment", "app", apiVersion="apps/v1", spec=spec)


def patched(
    body: dict[str, Any], name: str = "app", kind: str = "Deployment", version: str = "apps/v1"
) -> tuple[list[Manifest], list[Problem]]:
    metadata = {"name": name, **body.pop("metadata", {})}
    wanted = {"apiVersion": version, "kind": kind, "metadata": metadata, **body}
    service = manifest("Service", "dns", spec={"ports": PORTS})
    patch = Patch("patches/x.yaml.j2", whole(wanted, "patches/x.yaml.j2"), wanted)
    return apply_patches([deployment(), service], [patch], TYPES)


def pod_spec(**body: Any) -> dict[str, Any]:
    return {"spec": {"template": {"spec": body}}}


def containers(manifests: list[Manifest]) -> Any:
    return manifests[0].body["spec"]["template"]["spec"]["containers"]


def test_mappings_are_merged_and_null_takes_away() -> None:
    (one, _), problems = patched({"spec": {"replicas": 3, "selector": None, "paused": True}})
    assert problems == []
    assert one.body["spec"] == {
        "replicas": 3,
        "template": {"spec": {"containers": CONTAINERS}},
        "paused": True,
    }
    assert deployment().body["spec"]["replicas"] == 1


def test_items_of_lists_are_told_apart_by_their_keys() -> None:
    env = [
        {"name": "B", "value": "3"},
        {"name": "C", "value": "4"},
        {"name": "A", "$patch": "delete"},
    ]
    more = [{"name": "app", "env": env}, {"name": "new", "image": "c:1", "args": None}]
    manifests, problems = patched(pod_spec(containers=more))
    assert problems == []
    assert containers(manifests) == [
        {
            "name": "app",
            "image": "a:1",
            "env": [{"name": "B", "value": "3"}, {"name": "C", "value": "4"}],
        },
        CONTAINERS[1],
        {"name": "new", "image": "c:1"},
    ]


def test_other_lists_are_replaced() -> None:
    manifests, _ = patched(pod_spec(containers=[{"name": "other", "args": ["z"]}]))
    assert containers(manifests)[1]["args"] == ["z"]


def test_a_list_or_mapping_can_be_replaced() -> None:
    manifests, problems = patched(
        pod_spec(containers=[{"$patch": "replace"}, {"name": "only", "image": "c:1"}])
    )
    assert problems == []
    assert containers(manifests) == [{"name": "only", "image": "c:1"}]
    manifests, _ = patched({"spec": {"template": {"$patch": "replace", "metadata": {}}}})
    assert manifests[0].body["spec"]["template"] == {"metadata": {}}


def test_a_manifest_can_be_taken_away() -> None:
    manifests, problems = patched({"$patch": "delete"})
    assert problems == []
    assert [one.kind for one in manifests] == ["Service"]


def test_a_patched_manifest_is_ordered_and_shown_anew() -> None:
    annotations = {"cellwright.dev/rank": "7"}
    (one, _), _ = patched({"metadata": {"annotations": annotations}, "spec": {"replicas": 9}})
    assert one.rank == 7
    assert "replicas: 9\n" in one.text


@pytest.mark.parametrize(
    ("body", "target", "message", "hint"),
    [
        (
            {},
            ("ap", "Deployment", "apps/v1"),
            "there is no Deployment 'ap' of apps/v1 to patch",
            "did you mean 'app'?",
        ),
        (
            {},
            ("app", "Deploymnt", "apps/v1"),
            "there is no Deploymnt 'app' of apps/v1 to patch",
            "did you mean 'Deployment'?",
        ),
        (
            {},
            ("app", "Deployment", "apps/v2"),
            "there is no Deployment 'app' of apps/v2 to patch",
            "did you mean 'app'?",
        ),
        (
            {"metadata": {"namespace": "x"}},
            ("app", "Deployment", "apps/v1"),
            "there is no Deployment 'app' of apps/v1 to patch",
            "did you mean 'app'?",
        ),
        (
            {"spec": {"replcas": 1}},
            ("app", "Deployment", "apps/v1"),
            "Kubernetes v1.34.3 has no field 'replcas' here",
            "did you mean 'replicas'?",
        ),
        (
            {"spec": {"replicas": "1"}},
            ("app", "Deployment", "apps/v1"),
            "expected a number, 32 bits, not '1'",
            "",
        ),
        (
            pod_spec(containers=[{"image": "x"}]),
            ("app", "Deployment", "apps/v1"),
            "an item without 'name', by which items are told apart",
            "",
        ),
        (
            {"spec": {"ports": [{"port": 53, "name": "x"}]}},
            ("dns", "Service", "v1"),
            "2 items have the port 53",
            "replace the list: begin it with an item $patch: replace",
        ),
        (
            {"metadata": {"annotations": {"cellwright.dev/rank": "--5"}}},
            ("app", "Deployment", "apps/v1"),
            "the annotation cellwright.dev/rank is '--5', not a whole number",
            "",
        ),
        (
            {"metadata": {"annotations": {"cellwright.dev/after": "x"}}},
            ("app", "Deployment", "apps/v1"),
            "the annotation cellwright.dev/after is 'x', not a whole number",
            "",
        ),
    ],
)
def test_a_patch_that_does_not_fit_is_a_problem(
    body: Any, target: tuple[str, str, str], message: str, hint: str
) -> None:
    manifests, (problem,) = patched(dict(body), *target)
    is_about_a_type = "Kubernetes v1" in message or message.startswith("expected")
    assert problem.code in (("CW304", "CW305") if is_about_a_type else ("CW307",))
    assert (problem.message, problem.hint) == (message, hint)
    assert problem.place.file == "templates/patches/x.yaml.j2"
    assert manifests[0].body == deployment().body
