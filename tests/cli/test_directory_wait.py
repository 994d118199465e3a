"""`directory wait`, with a stand-in for kubectl."""

from typing import Any

import pytest

from tests.cli.conftest import Program
from tests.cli.standins import Cluster, World, serves


def test_all_have_what_is_there(program: Program, live: Cluster) -> None:
    for cell in ("alpha", "beta", "gamma"):
        live.router(cell, serves(4704))
        live.placement(cell, serves(4704))
    done = program("directory", "wait")
    assert (done.code, done.out) == (0, "")
    assert done.err == "served by 3 routers and 3 placements: version 4704 (local)\n"


def test_a_router_that_comes_to_it_is_waited_for(program: Program, live: Cluster) -> None:
    live.router("alpha", serves(4705))
    live.router("beta", serves(4703), serves(4711, served=False), serves(4711))
    assert program("directory", "wait", "4705", "--timeout", "1m").code == 0
    assert (live.asked("alpha"), live.asked("beta")) == (1, 3), "who has it is not asked again"


def test_those_that_do_not_serve_it_are_named(program: Program, live: Cluster) -> None:
    live.router("alpha", serves(4704))
    live.router("alpha", serves(4704, served=False), name="router-2")
    live.router("beta", serves(4690, **{"directory-03": "half"}))
    live.router("gamma", "dial tcp 10.0.0.1:8405: connect: connection refused")
    done = program("directory", "wait", "--timeout", "0s")
    assert done.code == 1
    assert done.out.splitlines()[:2] == [
        "cell alpha, pod router-2, cluster local: HAProxy does not serve the table yet",
        "cell beta, pod router-1, cluster local: serves version 4690; refuses directory-03: half",
    ]
    assert "cell gamma, pod router-1, cluster local: kubectl get --raw" in done.out
    assert "connection refused" in done.out
    counted = "3 behind, 4 routers and 0 placements found"
    assert done.err == f"not within 0 s: version 4704 (local) was wanted; {counted}\n"


def test_a_placement_that_comes_to_it_is_waited_for(program: Program, live: Cluster) -> None:
    live.router("alpha", serves(4705))
    live.placement("alpha", serves(4703), serves(4711, served=False), serves(4711))
    assert program("directory", "wait", "4705", "--timeout", "1m").code == 0
    assert live.asked("alpha", "placement-1") == 3


def test_a_placement_that_lacks_something_is_named(program: Program, live: Cluster) -> None:
    live.router("alpha", serves(4704))
    away = {**serves(4690, served=False), "problem": "connection refused"}
    live.placement("alpha", away)
    live.placement("beta")
    said = "has version 4690 in the database"
    done = program("directory", "wait", "--timeout", "0s")
    assert (done.code, done.out.splitlines()) == (
        1,
        [
            f"cell alpha, pod placement-1, cluster local: {said}: connection refused",
            "cell beta, cluster local: its placement does not run",
        ],
    )
    assert "2 behind, 1 router and 2 placements found" in done.err


def test_one_placement_of_a_cell_is_enough(program: Program, live: Cluster) -> None:
    """While it is replaced there are two, and the database is the same."""
    live.router("alpha", serves(4704))
    live.placement("alpha", serves(4704))
    live.placement("alpha", serves(1), name="leaving")
    live.placement("alpha", serves(1), name="ended", phase="Failed")
    assert program("directory", "wait", "--timeout", "0s").code == 0
    live.placement("beta", name="coming", phase="Pending")
    assert program("directory", "wait", "--timeout", "0s").code == 1


def test_waiting_as_json(program: Program, live: Cluster) -> None:
    live.router("alpha", serves(4704))
    live.router("beta", serves(4690))
    done = program("directory", "wait", "4700", "--timeout", "0s", "--format", "json")
    behind = {"cluster": "local", "cell": "beta", "pod": "router-1", "version": 4690}
    assert done.code == 1
    assert done.json == {
        "versions": {"local": 4700},
        "routers": 2,
        "placements": 0,
        "behind": [{**behind, "seen": "serves version 4690"}],
    }


def test_pods_that_have_no_table_are_not_asked(program: Program, live: Cluster) -> None:
    """One that has ended, one that has not begun; and a pod of somebody else's."""
    live.router("alpha", serves(4704))
    live.router("alpha", name="ended", phase="Succeeded")
    live.router("beta", name="coming", phase="Pending")
    live.router("elsewhere", serves(1))
    assert program("directory", "wait", "--timeout", "0s").code == 0
    live.router(
        "beta",
        serves(1),
        name="starting",
        phase="Pending",
        initContainerStatuses=[{"name": "agent", "state": {"running": {}}}],
    )
    done = program("directory", "wait", "--timeout", "0s")
    assert (done.code, done.out) == (
        1,
        "cell beta, pod starting, cluster local: serves version 1\n",
    )


@pytest.mark.parametrize("said", [serves(0), {}, [], {"resource_version": "x"}])
def test_what_has_no_version_does_not_serve_it(program: Program, live: Cluster, said: Any) -> None:
    live.router("alpha", said)
    assert program("directory", "wait", "1", "--timeout", "0s").code == 1


def test_no_router_and_no_directory_are_said(program: Program, world: World) -> None:
    made = world.cluster()
    done = program("directory", "wait", "--timeout", "0s")
    assert (done.code, done.out) == (
        1,
        "cluster local: there is no directory; `cellwright up` applies the fleet's stack\n",
    )
    made.directory(program.organizations())
    done = program("directory", "wait", "--timeout", "0s")
    assert (done.code, done.out) == (1, "cluster local: there is no router\n")


@pytest.fixture
def two(program: Program, world: World) -> tuple[Cluster, World]:
    """A fleet whose cell gamma is in another cluster, which is away."""
    program.edit("cells/fleet.yaml", "local: {}", "local: {context: here}\n    far: {context: far}")
    program.edit(
        "cells/gamma.yaml",
        "cluster: local",
        "cluster: far\n  routerAddress: {host: gamma.example.com, port: 443}",
    )
    here = world.cluster("here")
    here.directory(program.organizations())
    here.router("alpha", serves(4704))
    return here, world


@pytest.mark.usefixtures("two")
def test_a_cluster_that_is_away_is_named(program: Program) -> None:
    done = program("directory", "wait", "--timeout", "0s")
    assert done.code == 1
    assert done.out.startswith("cluster far: kubectl --context far")
    assert program("directory", "wait", "--timeout", "0s", "--cluster", "local").code == 0
    got = program("directory", "get", "acme")
    assert got.code == 1
    assert "cluster far does not answer" in got.err
    assert got.rows[0][0] == "acme"


def test_each_cluster_has_versions_of_its_own(program: Program, two: tuple[Cluster, World]) -> None:
    _, world = two
    far = world.cluster("far")
    far.directory(program.organizations(), version=90)
    far.router("gamma", serves(94))
    done = program("directory", "wait")
    assert (done.code, done.err) == (
        0,
        "served by 2 routers and 0 placements: version 94 (far), 4704 (local)\n",
    )
    done = program("directory", "wait", "4704")
    assert done.code == 2
    assert "--cluster says of which it is one (far, local)" in done.err
    assert program("directory", "wait", "4704", "--cluster", "local").code == 0
    got = program("directory", "get", "acme", "--format", "json").json
    assert [one["cluster"] for one in got] == ["far", "local"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("wait", "now"), 2, "'now' is no resourceVersion, which is a whole number such as 4711"),
        (("wait", "-1"), 2, "usage"),
        (("wait", "--timeout", "soon"), 2, "'soon' is not a duration, as 90s, 10m or 1h is"),
        (("wait", "--cluster", "locl"), 1, "no cell is in cluster 'locl' (did you mean 'local'?)"),
        ((), 2, "wait|get|history"),
        (("history",), 2, "ORG"),
    ],
)
def test_wrong_usage(program: Program, arguments: tuple[str, ...], code: int, said: str) -> None:
    done = program("directory", *arguments)
    assert (done.code, said in done.err) == (code, True), done.err
