"""Which volumes grow, what is in the way, and what a claim still waits for."""

from collections.abc import Mapping
from typing import Any

import pytest

from cellwright.growth import (
    Growth,
    grown_sizes,
    growths,
    raised_quota,
    resize_of,
    resized,
    sizes,
)
from cellwright.manifest import Manifest
from tests.manifests import manifest


def stateful(size: str, name: str = "postgres", **more: Any) -> Manifest:
    template = {
        "metadata": {"name": "data"},
        "spec": {"resources": {"requests": {"storage": size}}},
    }
    spec = {"volumeClaimTemplates": [template, {"metadata": {"name": "other"}}]}
    return manifest("StatefulSet", name, apiVersion="apps/v1", spec=spec, **more)


def claim(size: str, name: str = "data-postgres-0", **more: Any) -> Manifest:
    spec = {"resources": {"requests": {"storage": size}}, "storageClassName": "fast"}
    return manifest("PersistentVolumeClaim", name, spec=spec, **more)


def growth(*held: Manifest, after: str = "2Gi") -> Growth:
    (found,) = growths([stateful(after)], held)
    return found


def test_what_is_as_declared_does_not_grow() -> None:
    assert growths([stateful("1Gi")], [stateful("1024Mi"), claim("1Gi")]) == ()


def test_what_is_not_there_does_not_grow() -> None:
    assert growths([stateful("1Gi")], []) == ()


def test_a_smaller_volume_grows_and_its_set_is_in_the_way() -> None:
    found = growth(stateful("1Gi"), claim("1Gi"))
    assert str(found) == "cell alpha: the volume grows from 1Gi to 2Gi; Postgres keeps running"
    assert found.takes_set_away
    assert [one.name for one in found.small_claims()] == ["data-postgres-0"]
    assert found.claims[0].storage_class == "fast"


def test_a_volume_that_would_shrink_does_not_grow() -> None:
    assert growths([stateful("1Gi")], [stateful("2Gi"), claim("2Gi")]) == ()


def test_a_claim_that_was_raised_already_leaves_the_set_to_be_done() -> None:
    found = growth(stateful("1Gi"), claim("2Gi"))
    assert (found.takes_set_away, found.small_claims()) == (True, [])


def test_a_set_that_is_gone_is_made_again() -> None:
    found = growth(claim("2Gi"))
    assert (found.grows, found.takes_set_away) == (False, False)
    assert str(found) == "cell alpha: StatefulSet postgres is made again around its volume"
    assert str(growth(claim("1Gi"))) == (
        "cell alpha: the volume grows from 1Gi to 2Gi; StatefulSet postgres is made again"
    )


def test_a_set_that_has_the_size_is_kept_while_its_claim_grows() -> None:
    found = growth(stateful("2Gi"), claim("1Gi"))
    assert (found.grows, found.takes_set_away) == (True, False)


def test_a_claim_larger_than_declared_stays_and_is_told() -> None:
    found = growth(stateful("1Gi"), claim("3Gi"))
    assert found.small_claims() == []
    assert str(found).endswith("; claim data-postgres-0 stays at 3Gi")


@pytest.mark.parametrize(
    "other",
    [
        claim("1Gi", "data-postgres-x"),
        claim("1Gi", "data-postgres-0-copy"),
        claim("1Gi", "data-postgres2-0"),
        claim("1Gi", namespace="cell-beta"),
        claim("1Gi", cluster="far"),
    ],
)
def test_claims_of_others_are_left_alone(other: Manifest) -> None:
    assert growths([stateful("2Gi")], [other]) == ()
    assert growths([stateful("2Gi")], [stateful("2Gi"), other]) == ()


def test_every_claim_of_a_set_grows() -> None:
    held = [stateful("1Gi"), *(claim("1Gi", f"data-postgres-{number}") for number in range(12))]
    assert len(growth(*held).small_claims()) == 12


def test_a_set_that_is_made_anew_for_another_reason_is_left_to_pulumi() -> None:
    held = [stateful("1Gi"), claim("1Gi")]
    (found,) = growths([stateful("2Gi")], held, replaced=[held[0].identity])
    assert not found.takes_set_away
    assert "StatefulSet postgres is replaced" in str(found)
    assert found.small_claims()


def test_pods_that_restart_all_the_same_are_told() -> None:
    held = [stateful("1Gi"), claim("1Gi")]
    (found,) = growths([stateful("2Gi")], held, restarted=[held[0].identity])
    assert str(found).endswith("Postgres restarts for other changes")


def test_another_set_is_named() -> None:
    (found,) = growths([stateful("2Gi", "cache")], [stateful("1Gi", "cache")])
    assert str(found) == (
        "cell alpha: volume data of cache grows from 1Gi to 2Gi; its pod keeps running"
    )


def test_a_set_is_shown_with_the_sizes_it_had() -> None:
    before, after = stateful("1Gi").body, stateful("2Gi").body
    assert grown_sizes(before, after) == {"data": "1Gi"}
    assert grown_sizes(after, before) == {}
    assert resized(after, {"data": "1Gi"}) == before
    assert sizes(after) == {"data": "2Gi"}, "the original is as it was"


def quota(**hard: str) -> Mapping[str, Any]:
    return {"spec": {"hard": {key.replace("_", "."): value for key, value in hard.items()}}}


def test_only_limits_for_storage_are_raised_and_none_is_lowered() -> None:
    live = quota(requests_storage="1Gi", pods="1")
    assert raised_quota(quota(requests_storage="2Gi", pods="9"), live) == {
        "requests.storage": "2Gi"
    }
    assert raised_quota(quota(requests_storage="1Gi"), quota(requests_storage="2Gi")) == {}
    by_class = "fast.storageclass.storage.k8s.io/requests.storage"
    declared, there = ({"spec": {"hard": {by_class: size}}} for size in ("2Gi", "1Gi"))
    assert raised_quota(declared, there) == {by_class: "2Gi"}


def status(**said: Any) -> dict[str, Any]:
    capacity = {"storage": said.pop("has", "1Gi")}
    conditions = [
        {"type": kind, "status": "True", "message": message}
        for kind, message in said.pop("conditions", {}).items()
    ]
    body = claim("2Gi").body
    return {
        **body,
        "status": {"phase": "Bound", "capacity": capacity, "conditions": conditions, **said},
    }


def test_a_volume_with_its_size_waits_for_nothing() -> None:
    assert resize_of(status(has="2Gi"), "2Gi") is None
    assert resize_of(status(has="3Gi"), "2Gi") is None
    assert resize_of({**status(), "status": {"phase": "Pending"}}, "2Gi") is None


@pytest.mark.parametrize(
    ("said", "message", "failed", "final"),
    [
        ({}, "its provisioner has not resized it yet", False, False),
        ({"conditions": {"Resizing": ""}}, "it is being resized", False, False),
        ({"conditions": {"FileSystemResizePending": "x"}}, "when the pod is started", False, False),
        ({"conditions": {"ControllerResizeError": "no space"}}, "no space", True, False),
        (
            {"allocatedResourceStatuses": {"storage": "ControllerResizeInfeasible"}},
            "ControllerResizeInfeasible",
            True,
            True,
        ),
        (
            {
                "conditions": {"NodeResizeError": "read-only"},
                "allocatedResourceStatuses": {"storage": "NodeResizeInfeasible"},
            },
            "read-only",
            True,
            True,
        ),
    ],
)
def test_what_a_volume_waits_for(
    said: dict[str, Any], message: str, *, failed: bool, final: bool
) -> None:
    found = resize_of(status(**said), "2Gi")
    assert found is not None
    assert "data-postgres-0: the volume has 1Gi of 2Gi" in found.message
    assert message in found.message
    assert (found.failed, found.final) == (failed, final)
