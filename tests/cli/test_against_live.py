"""What the clusters hold already is not changed: by `check`, in `diff`, and before `up`."""

import json
from typing import Any

import pytest

from tests.cli.conftest import Program
from tests.cli.refusals import CALLED, codes, only_asked
from tests.cli.standins import Cluster, World

CLUSTERS = "local: {context: current}\n    far: {context: far}"


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if ": CW4" in line]


def break_everything(program: Program) -> None:
    """Change an id of each kind, shrink one volume, take another id, another class."""
    program.edit("cells/beta.yaml", "id: 2", "id: 7")
    program.edit("organizations/customers.yaml", "1001", "1099")
    program.edit("cells/beta.yaml", "spec:", "spec:\n  postgres: {storage: 512Mi}")
    program.edit("cells/alpha.yaml", "spec:", "spec:\n  postgres: {storageClass: fast}")


NEW = "(make a new cell and move the organizations there)"
DEFAULT = "the cluster's default"
EXPECTED = f"""\
cells/alpha.yaml:7:28: CW405 spec.postgres.storageClass: the storage class goes from {DEFAULT} to fast {NEW}
cells/beta.yaml:7:23: CW404 spec.postgres.storage: the storage shrinks from 1Gi to 512Mi {NEW}
cells/beta.yaml:8:7: CW401 spec.id: the id goes from 2 to 7 (write 2)
organizations/customers.yaml:7:7: CW401 spec.id: the id goes from 1001 to 1099 (write 1001)
""".splitlines()  # noqa: E501 - as they are printed


@pytest.mark.usefixtures("cluster")
def test_an_empty_cluster_forbids_nothing(program: Program, world: World) -> None:
    break_everything(program)
    assert program("check", "--against", "live").code == 0
    assert CALLED in program("up", "--yes").err
    assert world.pulumi


def test_what_the_cluster_holds_as_declared_is_no_change(
    program: Program, cluster: Cluster, world: World
) -> None:
    cluster.declared(program.root)
    done = program("check", "--against", "live")
    assert (done.code, done.err) == (0, "no problems in 3 cells and 12 organizations\n")
    assert "forbidden" not in program("diff", "--against", "live").out
    assert CALLED in program("up", "--yes").err
    assert world.pulumi


def test_check_diff_and_up_refuse_the_same_in_the_same_words(
    program: Program, cluster: Cluster, world: World
) -> None:
    cluster.declared(program.root)
    break_everything(program)
    checked = program("check", "--against", "live")
    assert (checked.code, checked.out.splitlines()) == (1, EXPECTED)
    quick = program("check", "--against", "live", "--definitions")
    assert (quick.code, quick.out) == (1, checked.out)
    refused = program("up", "--yes")
    assert (refused.code, refused.out) == (1, checked.out)
    assert refused.err == "4 problems\ncellwright up: refused; nothing was touched\n"
    assert only_asked(world)
    shown = program("diff", "--against", "live")
    assert shown.code == 16
    assert lines(shown.out) == EXPECTED
    assert "forbidden, so that up refuses\n" in shown.out
    listed = json.loads(program("diff", "--against", "live", "--format", "json").out)
    as_json = program("check", "--against", "live", "--format", "json").out
    assert listed["forbidden"] == json.loads(as_json)


def test_diff_against_a_commit_or_rendered_files_names_the_same(
    program: Program, cluster: Cluster
) -> None:
    cluster.goes_away()
    program("render", "--out", "../rendered")
    program.commit()
    break_everything(program)
    for against in ("HEAD", "../rendered"):
        done = program("diff", "--against", against)
        assert (done.code, lines(done.out)) == (16, EXPECTED), against


@pytest.mark.parametrize("verb", [("up", "--yes"), ("check", "--against", "live")])
def test_a_cluster_that_is_away_is_an_error(
    program: Program, cluster: Cluster, world: World, verb: tuple[str, ...]
) -> None:
    cluster.goes_away()
    done = program(*verb)
    assert (done.code, done.out) == (1, "")
    assert "cluster local does not answer" in done.err
    assert only_asked(world)


def test_another_version_of_postgres_is_refused(
    program: Program, cluster: Cluster, world: World
) -> None:
    def old(body: dict[str, Any]) -> None:
        if body["kind"] == "StatefulSet":
            body["metadata"]["annotations"]["cellwright.dev/postgres-version"] = "16"

    cluster.declared(program.root, old)
    done = program("up", "--yes")
    assert done.code == 1
    told = f"CW403 spec.postgres.version: the major version of Postgres goes from 16 to 17 {NEW}"
    assert [line.split(" ", 1)[1] for line in lines(done.out)] == 3 * [told]
    assert only_asked(world)


def test_a_volume_that_grows_is_no_problem_and_told_as_what_it_is(
    program: Program, cluster: Cluster
) -> None:
    cluster.declared(program.root)
    program.edit("cells/beta.yaml", "spec:", "spec:\n  postgres: {storage: 2Gi}")
    assert program("check", "--against", "live").code == 0
    done = program("diff", "--against", "live")
    assert done.code == 16
    assert "forbidden" not in done.out
    assert (
        "StatefulSet cell-beta/postgres  in place (the volume grows; `cellwright up` does that"
    ) in done.out
    assert 'requests.storage: "1Gi" -> "2Gi"' in done.out


def test_what_the_server_fills_in_is_no_change(program: Program, cluster: Cluster) -> None:
    """Also in a list that is owned as a whole, as the claim templates of a StatefulSet are."""

    def filled_in(body: dict[str, Any]) -> None:
        if body["kind"] == "StatefulSet":
            (claim,) = body["spec"]["volumeClaimTemplates"]
            claim["spec"]["volumeMode"] = "Filesystem"
            claim["status"] = {"phase": "Pending"}
            owned = {"f:spec": {"f:volumeClaimTemplates": {}}}
            entry = {"manager": "cellwright-1", "operation": "Apply", "fieldsV1": owned}
            body["metadata"]["managedFields"] = [entry]

    cluster.declared(program.root, filled_in)
    assert CALLED in program("up", "--yes", "--all").err


def test_a_set_that_nothing_protects_may_be_made_anew(program: Program, cluster: Cluster) -> None:
    program.write(
        "cells/delta.yaml",
        "apiVersion: cellwright/v1\nkind: Cell\nmetadata: {name: delta}\n"
        "spec: {id: 4, ring: -1, region: us, cluster: local, size: small}\n",
    )
    cluster.declared(program.root)
    program.edit("cells/delta.yaml", "size: small", "size: small, postgres: {storage: 2Gi}")
    assert CALLED in program("up", "--yes").err


def test_data_in_another_cluster_is_found_there(
    program: Program, cluster: Cluster, world: World
) -> None:
    cluster.declared(program.root)
    program.edit("cells/fleet.yaml", "local: {}", CLUSTERS)
    far = world.cluster("far")
    metadata = {"name": "kube-system", "uid": "uid-of-the-other"}
    far.objects = [{"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}]
    far.save()
    assert program("check", "--against", "live").code == 0
    program.edit("cells/beta.yaml", "cluster: local", "cluster: far")
    address = "size: small\n  routerAddress: {host: beta.example.com, port: 80}"
    program.edit("cells/beta.yaml", "size: small", address)
    assert program("check").code == 0
    done = program("up", "--yes")
    assert done.code == 1
    assert "CW405 spec.cluster: the cluster goes from local to far" in done.out
    assert only_asked(world)


def test_an_unused_cluster_that_is_away_may_hold_data(program: Program, cluster: Cluster) -> None:
    cluster.declared(program.root)
    program.edit("cells/fleet.yaml", "local: {}", CLUSTERS)
    done = program("check", "--against", "live")
    assert (done.code, done.out) == (1, "")
    assert "cluster far does not answer" in done.err


def test_a_directory_that_was_damaged_is_said(program: Program, cluster: Cluster) -> None:
    def damage(body: dict[str, Any]) -> None:
        if body["metadata"]["name"] == "directory-07":
            body["data"]["table"] = "half a line"

    cluster.declared(program.root, damage)
    for verb in (("up", "--yes"), ("check", "--against", "live"), ("diff", "--against", "live")):
        done = program(*verb)
        assert (done.code, done.out) == (1, ""), verb
        assert (
            "the directory in the cluster can't be read: ConfigMap cellwright-directory/"
            "directory-07: no line of the directory: 'half a line'"
        ) in done.err


@pytest.mark.parametrize("verb", ["check", "diff"])
def test_an_empty_name_is_no_silent_pass(program: Program, verb: str) -> None:
    done = program(verb, "--against", "")
    assert (done.code, done.out) == (2, "")
    assert "--against: it is empty" in done.err


def test_a_fleet_with_another_name_is_another_fleet(program: Program, cluster: Cluster) -> None:
    cluster.declared(program.root)
    program.edit("cells/fleet.yaml", "name: demo", "name: other")
    done = program("check", "--against", "live")
    assert set(codes(done)) == {"CW421"}
    assert "Namespace cell-alpha in cluster local belongs to fleet demo (id " in done.out
