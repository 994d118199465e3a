"""Whose fields an update takes over, and whose it leaves alone."""

from typing import Any

import pytest
from kubeprovider.managers import adopted, all_taken_over

MINE = "pulumi-kubernetes-0123abcd"


def entry(manager: str, operation: str, field: str, **more: str) -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "fieldsV1": {field: {}}, **more}


OWN = entry(MINE, "Apply", "f:own")


@pytest.mark.parametrize(
    ("manager", "operation"),
    [
        ("kubectl", "Apply"),
        ("kubectl-edit", "Update"),
        (MINE, "Update"),
        ("before-first-apply", "Update"),
        ("pulumi-kubernetes", "Update"),
        ("pulumi-resource-kubernetes", "Update"),
    ],
)
def test_fields_that_people_and_older_plugins_wrote_become_the_resources_own(
    manager: str, operation: str
) -> None:
    other = entry("controller", "Update", "f:status")
    theirs = entry(manager, operation, "f:theirs")
    both = {"f:own": {}, "f:theirs": {}}
    assert adopted([OWN, other, theirs], MINE) == [other, {**OWN, "fieldsV1": both}]
    alone = {**theirs, "manager": MINE, "operation": "Apply"}
    assert adopted([theirs], MINE) == [alone]


def test_fields_that_a_resource_created_under_a_chosen_name_become_those_that_it_applies() -> None:
    created = entry("chosen", "Update", "f:x")
    assert adopted([created], "chosen") == [{**created, "operation": "Apply"}]
    assert adopted([created], "another") is None


@pytest.mark.parametrize(
    "theirs",
    [
        entry("controller", "Update", "f:replicas"),
        entry("before-first-apply", "Apply", "f:x"),
        entry("kubectl-scale", "Update", "f:replicas", subresource="scale"),
        entry("pulumi-kubernetes-fedcba98", "Apply", "f:x"),
    ],
)
def test_fields_of_others_stay_theirs(theirs: dict[str, Any]) -> None:
    assert adopted([OWN, theirs], MINE) is None


@pytest.mark.parametrize(
    "other", [entry(MINE, "Update", "f:x"), entry(MINE, "Apply", "f:x", subresource="status")]
)
def test_only_what_the_resource_applied_itself_is_its_own(other: dict[str, Any]) -> None:
    kubectl = entry("kubectl-edit", "Update", "f:theirs")
    made = adopted([other, OWN, kubectl], MINE)
    assert made is not None
    assert made[-1]["fieldsV1"] == {"f:own": {}, "f:theirs": {}} | (
        {"f:x": {}} if other["operation"] == "Update" else {}
    )


def test_nested_fields_are_united() -> None:
    one = {**OWN, "fieldsV1": {"f:spec": {"f:a": {"f:b": {}}}}}
    two = {**entry("kubectl", "Update", "f:x"), "fieldsV1": {"f:spec": {"f:a": {"f:c": {}}}}}
    assert adopted([one, two], MINE) == [
        {**one, "fieldsV1": {"f:spec": {"f:a": {"f:b": {}, "f:c": {}}}}}
    ]


@pytest.mark.parametrize(
    ("conflict", "expected"),
    [
        ('Apply failed with 1 conflict: conflict with "kubectl-edit" using v1: .data.a', True),
        ('conflicts with "kubectl": .a\nconflicts with "controller": .b', False),
        ('Apply failed with 1 conflict: conflict with "me" using v1: .data.a', True),
        ('conflict with "pulumi-kubernetes-fedcba98" using v1: .data.a', True),
        ('conflict with "pulumi-kubernetes-fedcba98": .data.a', False),
        ('conflict with "kubectl" with subresource "scale" using apps/v1: .spec.replicas', False),
        ("something else", False),
    ],
)
def test_a_conflict_is_mended_only_if_all_its_managers_are(
    conflict: str, *, expected: bool
) -> None:
    assert all_taken_over(conflict, "me") is expected
