"""What manifests tell of what never changes, and what would be made anew."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from cellwright.changes import changes
from cellwright.edge.files import read
from cellwright.forbidden import Fixed, FixedCell, Volume, fixed
from cellwright.manifest import Manifest
from cellwright.plan import Plan, plan
from cellwright.problem import Problem
from cellwright.registration import protected_of
from cellwright.snapshot import Snapshot
from cellwright.standing import problems_of, standing
from tests.fleets import cell, fleet
from tests.manifests import manifest
from tests.workspaces import BASE

FLEET = fleet([cell("alpha", 1), cell("beta", 2, cluster="far")], [])


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return read(BASE)


@pytest.fixture(scope="module")
def made(snapshot: Snapshot) -> Plan:
    return plan(snapshot)


def directory(name: str, kind: str, text: str) -> Manifest:
    labels = {"cellwright.dev/directory": kind}
    key = "cells" if kind == "cells" else "table"
    return manifest("ConfigMap", name, stack="fleet", metadata={"labels": labels}, data={key: text})


def database(
    name: str = "alpha",
    *,
    cluster: str = "local",
    version: str | None = "17",
    labels: Mapping[str, str] | None = None,
    claim: Mapping[str, Any] | None = None,
) -> Manifest:
    own = {"app.kubernetes.io/name": "postgres", "cellwright.dev/cell": name}
    notes = {} if version is None else {"cellwright.dev/postgres-version": version}
    metadata = {"labels": own if labels is None else labels, "annotations": notes}
    spec = {"resources": {"requests": {"storage": "1Gi"}}} if claim is None else claim
    claims = [{"metadata": {"name": "data"}, "spec": spec}]
    return manifest(
        "StatefulSet",
        "postgres",
        cluster=cluster,
        namespace=f"cell-{name}",
        metadata=metadata,
        spec={"volumeClaimTemplates": claims},
    )


def test_rendered_manifests_tell_all_that_definitions_tell(made: Plan) -> None:
    assert made.fleet is not None
    listed = [one for stack in made.stacks.values() for one in stack]
    assert standing(made.fleet, listed) == fixed(made.fleet)


def test_nothing_tells_nothing() -> None:
    assert standing(FLEET, []) == Fixed({}, {})


def test_a_cell_that_is_only_half_there_is_known_by_half() -> None:
    volume = Volume("1Gi", None)
    ids = directory("directory-cells", "cells", "beta\t2\trouter\t80\n")
    found = standing(FLEET, [database(), ids]).cells
    assert found["alpha"] == FixedCell(None, "local", 17, volume)
    assert found["beta"] == FixedCell(2, None, None, None)


@pytest.mark.parametrize("version", [None, "", "seventeen", "-1", "\u0661\u0667"])
def test_a_version_that_is_not_told_is_not_known(version: str | None) -> None:
    assert standing(FLEET, [database(version=version)]).cells["alpha"].version is None


def test_a_claim_tells_its_class() -> None:
    claim = {"storageClassName": "fast", "resources": {"requests": {"storage": "2Gi"}}}
    found = standing(FLEET, [database(claim=claim)]).cells["alpha"]
    assert found.volume == Volume("2Gi", "fast")


@pytest.mark.parametrize(
    "one",
    [
        database(labels={"app.kubernetes.io/name": "postgres"}),
        database(labels={"cellwright.dev/cell": "alpha"}),
        database(labels={"app.kubernetes.io/name": "postgres", "cellwright.dev/cell": "beta"}),
        manifest("Deployment", metadata={"labels": {"app.kubernetes.io/name": "postgres"}}),
    ],
)
def test_what_is_no_cells_database_tells_nothing(one: Manifest) -> None:
    assert standing(FLEET, [one]).cells == {}


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_databases_the_one_in_the_declared_cluster_counts(order: int) -> None:
    both = [database("beta"), database("beta", cluster="far")][::order]
    assert standing(FLEET, both).cells["beta"].cluster == "far"


def test_a_directory_that_can_not_be_read_is_an_error_that_names_it() -> None:
    shard = directory("directory-03", "shard", "131072 ,acme=active:alpha:1:acme,\nhalf")
    with pytest.raises(ValueError, match="cell-alpha/directory-03: no line of the directory: 'ha"):
        standing(FLEET, [shard])


def refused(made: Plan, snapshot: Snapshot, changed: Mapping[str, Any]) -> list[Problem]:
    """Return what is refused where alpha's StatefulSet differs in its spec, the way it was."""
    assert made.fleet is not None
    before = {
        "alpha": [
            replace(one, body={**one.body, "spec": {**one.body["spec"], **changed}}, given=None)
            for one in made.stacks["alpha"]
            if one.kind == "StatefulSet"
        ]
    }
    found = changes(before, {"alpha": made.stacks["alpha"]})
    known = standing(made.fleet, before["alpha"])
    protected = protected_of(made.fleet, made.stacks)
    return problems_of(known, made.fleet, found, protected, snapshot.definitions)


def test_what_can_be_changed_in_place_is_not_refused(made: Plan, snapshot: Snapshot) -> None:
    assert refused(made, snapshot, {}) == []
    assert refused(made, snapshot, {"replicas": 7, "minReadySeconds": 9}) == []


def test_each_field_that_would_make_a_set_anew_is_named(made: Plan, snapshot: Snapshot) -> None:
    found = refused(made, snapshot, {"serviceName": "old", "selector": {}})
    assert [one.code for one in found] == ["CW406", "CW406"]
    assert str(found[1]) == (
        "cells/alpha.yaml:6:3: CW406 spec: StatefulSet cell-alpha/postgres would be made anew for "
        "spec.serviceName (it can't be changed, so the object is made anew) (leave it as it is, or "
        "make a new cell and move the organizations there)"
    )


@pytest.mark.parametrize(
    ("storage", "codes"),
    [("1024Mi", []), ("512Mi", ["CW406"]), ("2Gi", ["CW404"])],
)
def test_a_volume_that_shrinks_is_one_problem(
    made: Plan, snapshot: Snapshot, storage: str, codes: list[str]
) -> None:
    (now,) = [one for one in made.stacks["alpha"] if one.kind == "StatefulSet"]
    (claim,) = now.body["spec"]["volumeClaimTemplates"]
    spec = {**claim["spec"], "resources": {"requests": {"storage": storage}}}
    found = refused(made, snapshot, {"volumeClaimTemplates": [{**claim, "spec": spec}]})
    assert [one.code for one in found] == codes
