"""Whose an object is."""

from typing import Any

from cellwright.edge.files import read
from cellwright.identity import FLEET_ID_LABEL, Owner, fleet_id, identified, owner_of, unowned
from cellwright.manifest import Manifest
from cellwright.plan import plan
from tests.fleets import ROOT as FLEET

ROOT = b"\x07" * 32
OTHER = b"\x08" * 32


def test_the_id_is_made_from_the_root_secret_alone() -> None:
    assert fleet_id(ROOT) == fleet_id(ROOT)
    assert fleet_id(ROOT) != fleet_id(OTHER)
    assert len(fleet_id(ROOT)) == 16
    assert ROOT.hex() not in fleet_id(ROOT)


def test_labels_are_put_on_the_object_and_change_nothing_else() -> None:
    claim = {"metadata": {"name": "data", "labels": {"a": "b"}}, "spec": {"x": 1}}
    body: dict[str, Any] = {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "postgres"},
        "spec": {"replicas": 1, "volumeClaimTemplates": [claim]},
    }
    made = identified(body, "demo", fleet_id(ROOT))
    assert owner_of(made) == Owner("demo", fleet_id(ROOT))
    assert made["spec"] == {"replicas": 1, "volumeClaimTemplates": [claim]}
    assert "labels" not in body["metadata"]


def test_pods_that_ask_for_the_id_are_given_it_and_no_others() -> None:
    template = {"metadata": {"labels": {"a": "b", FLEET_ID_LABEL: ""}}, "spec": {"x": 1}}
    body: dict[str, Any] = {
        "kind": "Deployment",
        "metadata": {"name": "router"},
        "spec": {"replicas": 1, "template": template},
    }
    made = identified(body, "demo", fleet_id(ROOT))
    labels = {"a": "b", FLEET_ID_LABEL: fleet_id(ROOT)}
    template = {"metadata": {"labels": labels}, "spec": {"x": 1}}
    assert made["spec"] == {"replicas": 1, "template": template}
    assert body["spec"]["template"]["metadata"]["labels"][FLEET_ID_LABEL] == ""
    for spec in (None, {}, {"template": None}, {"template": {"metadata": {"labels": {"a": ""}}}}):
        assert identified({**body, "spec": spec}, "demo", fleet_id(ROOT))["spec"] == spec


def test_routers_ask_for_the_id() -> None:
    for name in ("alpha", "beta", "gamma"):
        manifests = plan(read(FLEET)).stacks[name]
        (router,) = [m for m in manifests if (m.kind, m.name) == ("Deployment", "router")]
        pod = identified(router.body, "demo", fleet_id(ROOT))["spec"]["template"]
        assert pod["metadata"]["labels"][FLEET_ID_LABEL] == fleet_id(ROOT)
        (agent,) = pod["spec"]["initContainers"]
        asked = {one["name"]: one.get("valueFrom") for one in agent["env"]}
        path = asked["FLEET_ID"]["fieldRef"]["fieldPath"]
        assert path == f"metadata.labels['{FLEET_ID_LABEL}']"


def test_labels_of_a_template_can_not_claim_another_fleet() -> None:
    labels = {"cellwright.dev/fleet": "other", "cellwright.dev/fleet-id": "0" * 16}
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a", "labels": labels}}
    assert owner_of(identified(body, "demo", "1" * 16)) == Owner("demo", "1" * 16)


def test_what_is_not_this_fleets_says_whose_it_is() -> None:
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a", "namespace": "n"}}
    one = Manifest("alpha", "local", "", 0, 0, body)
    mine = fleet_id(ROOT)
    assert unowned(one, Owner("demo", mine), "demo", mine) == ""
    where = "Secret n/a in cluster local"
    assert unowned(one, Owner("", ""), "demo", mine) == f"{where} exists and belongs to no fleet"
    assert (
        unowned(one, Owner("demo", ""), "demo", mine) == f"{where} exists and belongs to no fleet"
    )
    said = unowned(one, Owner("shop", "f" * 16), "demo", mine)
    assert said == f"{where} belongs to fleet shop (id {'f' * 16})"
    said = unowned(one, Owner("demo", fleet_id(OTHER)), "demo", mine)
    assert said.endswith(f"belongs to fleet demo (id {fleet_id(OTHER)})")
