"""What `up` does for a fleet in two clusters, also while one of them is away."""

import json

import pytest

from tests.cli.conftest import Program
from tests.cli.standins import World
from tests.cli.ups import Engine

TWO = "local: {context: current}\n    far: {context: far}"


@pytest.fixture
def two_clusters(program: Program, engine: Engine, world: World) -> Engine:
    """A fleet that is up, with cell gamma in a cluster of its own."""
    far = world.cluster("far")
    metadata = {"name": "kube-system", "uid": "uid-of-the-other"}
    far.objects = [{"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}]
    far.save()
    engine.clusters["far"] = far
    program.edit("cells/fleet.yaml", "local: {}", TWO)
    program.edit("cells/gamma.yaml", "cluster: local", "cluster: far")
    program.edit(
        "cells/gamma.yaml",
        "size: small",
        "size: small\n  routerAddress: {host: gamma.example.com, port: 80}",
    )
    done = program("up", "--yes")
    assert done.code == 0, done
    engine.applied.clear()
    return engine


def tables(engine: Engine) -> list[str]:
    """Return the shards of the directory in the near cluster."""
    objects = json.loads(engine.cluster.file.read_text())["objects"]
    return [one["data"]["table"] for one in objects if "table" in one.get("data", {})]


def test_a_cluster_that_is_away_keeps_no_other_from_its_organizations(
    program: Program, two_clusters: Engine
) -> None:
    two_clusters.clusters["far"].goes_away()
    program.edit("cells/fleet.yaml", "timeout: 3m", "timeout: 4m")
    program.edit("organizations/customers.yaml", "id: 1003", "id: 1003\n  state: suspended")
    program.write("organizations/new.yaml", _NEW)
    done = program("up", "--yes")
    assert done.code == 1
    assert two_clusters.applied == ["alpha", "beta", "fleet"]
    assert two_clusters.options["fleet"] == ["--target", "**::fleet", "--target", "**::local/**"]
    assert "gamma: not done: cluster far does not answer" in done.err
    assert any("suspended:beta:1003:initech" in table for table in tables(two_clusters))
    assert any("active:alpha:3001:newcomer" in table for table in tables(two_clusters))


def test_nobody_is_sent_elsewhere_while_a_cluster_is_away(
    program: Program, two_clusters: Engine
) -> None:
    two_clusters.clusters["far"].goes_away()
    moved = "cell: beta\n  moved: {from: alpha, reason: restored}"
    program.edit("organizations/customers.yaml", "cell: alpha", moved)
    done = program("up", "--yes")
    assert done.code == 1
    assert "fleet: 1 organization not published" in done.err
    assert any("active:alpha:1001:acme" in table for table in tables(two_clusters))
    assert not any("active:beta:1001:acme" in table for table in tables(two_clusters))


def test_two_names_for_one_cluster_are_refused(
    program: Program, two_clusters: Engine, world: World
) -> None:
    del two_clusters
    system = {"name": "kube-system", "uid": "uid-of-the-cluster"}
    far = world.cluster("far")
    far.objects = [{"apiVersion": "v1", "kind": "Namespace", "metadata": system}]
    far.save()
    program.edit("cells/fleet.yaml", "timeout: 3m", "timeout: 4m")
    done = program("up", "--yes")
    assert done.code == 1
    assert "CW231 spec.clusters.far: cluster far is the same cluster as local" in done.out


_NEW = """\
apiVersion: cellwright/v1
kind: Organization
metadata: {name: newcomer}
spec: {id: 3001, cell: alpha}
"""
