"""What manifests tell of what never changes, and what would be made anew."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from cellwright.changes import changes
from cellwright.edge.files import read
from cellwright.fixed import Fixed, FixedCell, Volume, fixed
from cellwright.history import UsedCell, history_after
from cellwright.manifest import Manifest
from cellwright.model import IdRange
from cellwright.plan import Plan, plan
from cellwright.problem import Problem
from cellwright.registration import protected_of
from cellwright.snapshot import Snapshot
from cellwright.standing import Facts, refusals, standing
from tests.fleets import cell, fleet
from tests.manifests import manifest
from tests.workspaces import BASE

FLEET = fleet([cell("alpha", 1), cell("beta", 2, cluster="far")], [])

DIRECTORY = FLEET.directory_namespace


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return read(BASE)


@pytest.fixture(scope="module")
def made(snapshot: Snapshot) -> Plan:
    return plan(snapshot)


def directory(name: str, kind: str, text: str) -> Manifest:
    labels = {"cellwright.dev/directory": kind}
    key = "cells" if kind == "cells" else "table"
    return manifest(
        "ConfigMap",
        name,
        stack="fleet",
        namespace=DIRECTORY,
        metadata={"labels": labels},
        data={key: text},
    )


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
    found, declared = standing(made.fleet, listed), fixed(made.fleet)
    assert {name: one._replace(where=()) for name, one in found.cells.items()} == declared.cells
    assert found.organizations == {
        name: (one.state, one.cell, one.id, name) for name, one in declared.organizations.items()
    }
    assert found.history == history_after(None, {}, (), made.fleet)
    assert found.cells["alpha"].where == (
        "Namespace cell-alpha in cluster local",
        "StatefulSet cell-alpha/postgres in cluster local",
        "RoleBinding cellwright-directory/router-alpha in cluster local",
    )


def test_nothing_tells_nothing() -> None:
    assert standing(FLEET, []) == Fixed({}, {})


def test_a_cell_that_is_only_half_there_is_known_by_half() -> None:
    volume = Volume("1Gi", None)
    ids = directory("directory-cells", "cells", "beta\t2\trouter\t80\n")
    found = standing(FLEET, [database(), ids]).cells
    where = ("StatefulSet cell-alpha/postgres in cluster local",)
    assert found["alpha"] == FixedCell(None, "local", 17, volume, None, where)
    assert found["beta"] == FixedCell(2, None, None, None, None, ("ConfigMap directory-cells",))


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
    with pytest.raises(ValueError, match="-directory/directory-03: no line of the directory: 'ha"):
        standing(FLEET, [shard])


def test_a_directory_in_another_namespace_tells_nothing() -> None:
    shard = directory("directory-03", "shard", "131072 ,acme=active:alpha:1:acme,\n")
    metadata = {**shard.body["metadata"], "namespace": "other-cellwright-directory"}
    other = replace(shard, body={**shard.body, "metadata": metadata}, given=None)
    assert standing(FLEET, [shard]).organizations
    assert not standing(FLEET, [other]).organizations


def namespace(name: str, number: str, span: str = "", **labels: str) -> Manifest:
    own = {"cellwright.dev/cell": name, "cellwright.dev/cell-id": number, **labels}
    notes = {"cellwright.dev/id-range": span}
    metadata = {"labels": own, "annotations": notes}
    return manifest("Namespace", f"cell-{name}", namespace="", metadata=metadata)


def claim_of(name: str, number: str, cluster: str = "far") -> Manifest:
    labels = {"app.kubernetes.io/name": "postgres", "cellwright.dev/cell": name}
    labels["cellwright.dev/cell-id"] = number
    kind, called = "PersistentVolumeClaim", "data-postgres-0"
    where = f"cell-{name}"
    return manifest(kind, called, cluster=cluster, namespace=where, metadata={"labels": labels})


def test_a_namespace_that_is_left_tells_id_and_range() -> None:
    found = standing(FLEET, [namespace("gamma", "3", "30-39")])
    where = ("Namespace cell-gamma in cluster local",)
    gamma = FixedCell(3, None, None, None, IdRange(30, 39), where)
    assert found.cells == {"gamma": gamma}
    assert found.used_cells() == [UsedCell("gamma", 3, IdRange(30, 39))]


def test_a_volume_claim_that_is_left_tells_id_and_cluster() -> None:
    where = ("PersistentVolumeClaim cell-gamma/data-postgres-0 in cluster far",)
    gamma = FixedCell(3, "far", None, None, None, where)
    assert standing(FLEET, [claim_of("gamma", "3")]).cells == {"gamma": gamma}


def test_the_cells_own_objects_are_believed_before_the_directory() -> None:
    ids = directory("directory-cells", "cells", "beta\t9\trouter\t80\n")
    assert standing(FLEET, [ids, namespace("beta", "2")]).cells["beta"].id == 2
    assert standing(FLEET, [ids, namespace("beta", "x")]).cells["beta"].id == 9


def test_a_namespace_with_another_cells_labels_tells_nothing() -> None:
    labels = namespace("gamma", "3").body["metadata"]["labels"]
    one = manifest("Namespace", "other", namespace="", metadata={"labels": labels})
    assert standing(FLEET, [one]).cells == {}


def test_what_belongs_to_another_fleet_tells_nothing() -> None:
    other = namespace("gamma", "3", "30-39", **{"cellwright.dev/fleet": "other"})
    assert standing(FLEET, [other]).cells == {}
    own = namespace("gamma", "3", **{"cellwright.dev/fleet": FLEET.name})
    assert standing(FLEET, [own]).cells["gamma"].id == 3


def history(text: str) -> Manifest:
    metadata = {"labels": {"cellwright.dev/history": "0"}}
    data = {"history": text}
    return manifest(
        "ConfigMap",
        "directory-history",
        stack="fleet",
        namespace=DIRECTORY,
        metadata=metadata,
        data=data,
    )


def test_the_home_of_an_overridden_organization_is_remembered() -> None:
    shard = directory("directory-00", "shard", "131072 ,acme=active:beta:1:acme,\n")
    assert standing(FLEET, [shard]).organizations["acme"].cell == "beta"
    found = standing(FLEET, [shard, history("last-id 7\nhome acme alpha\nhome old alpha\n")])
    assert found.organizations == {"acme": ("active", "alpha", 1, "acme")}


def test_directories_that_differ_are_both_told() -> None:
    shards = [
        directory("directory-00", "shard", f"131072 ,acme=active:{cell}:1:acme,\n")
        for cell in ("alpha", "beta")
    ]
    found = standing(FLEET, shards)
    assert found.organizations["acme"].cell == "alpha"
    assert found.elsewhere == {"acme": (("active", "beta", 1, "acme"),)}
    assert standing(FLEET, [shards[0], shards[0]]).elsewhere == {}


def test_a_history_that_can_not_be_read_is_an_error() -> None:
    with pytest.raises(ValueError, match="directory-history: no line of the directory's history"):
        standing(FLEET, [history("half a line")])


def test_the_history_of_what_stands_goes_on() -> None:
    shard = directory("directory-00", "shard", "131072 ,old=gone:beta:8:old,\n")
    facts = Facts(standing(FLEET, [shard, history("last-id 7\n"), namespace("gamma", "3")]))
    found = facts.history(FLEET)
    assert (found.last_id, found.retired) == (8, (((8, 8),),))
    assert [one.name for one in found.cells if one.retired] == ["gamma"]


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
    return refusals(known, made.fleet, found, protected, snapshot.definitions)


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
    [("1024Mi", []), ("512Mi", []), ("2Gi", ["CW404"])],
)
def test_a_volume_that_shrinks_is_one_problem_and_one_that_grows_none(
    made: Plan, snapshot: Snapshot, storage: str, codes: list[str]
) -> None:
    (now,) = [one for one in made.stacks["alpha"] if one.kind == "StatefulSet"]
    (claim,) = now.body["spec"]["volumeClaimTemplates"]
    spec = {**claim["spec"], "resources": {"requests": {"storage": storage}}}
    found = refused(made, snapshot, {"volumeClaimTemplates": [{**claim, "spec": spec}]})
    assert [one.code for one in found] == codes


def test_the_directory_of_a_fleet_of_this_name_with_another_prefix_tells_nothing() -> None:
    shard = directory("directory-00", "shard", "131072 ,acme=active:beta:1:acme,\n")
    body = {**shard.body, "metadata": {**shard.body["metadata"], "namespace": "x-directory"}}
    assert standing(FLEET, [replace(shard, body=body)]).organizations == {}


def test_the_leave_to_read_the_directory_is_a_part_of_its_cell() -> None:
    metadata = {"labels": {"cellwright.dev/cell": "gamma"}}
    own = manifest("RoleBinding", "router-gamma", namespace=DIRECTORY, metadata=metadata)
    users = manifest("RoleBinding", "gamma-team", namespace=DIRECTORY, metadata=metadata)
    (gamma,) = standing(FLEET, [own, users]).cells.values()
    assert gamma.where == (f"RoleBinding {DIRECTORY}/router-gamma in cluster local",)
