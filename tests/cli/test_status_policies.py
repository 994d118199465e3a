"""What `status --network-policies` tells: what a router's pod could reach that it must not."""

from copy import deepcopy
from typing import Any

import pytest

from tests.cli.conftest import Program
from tests.cli.standins import Body, Cluster
from tests.cli.statuses import change, declared

POD = "python3 cell-{}/router-1"
ENFORCED = "NetworkPolicies in cluster local are enforced"


def router(postgres: Body) -> Body:
    pod = deepcopy(postgres)
    pod["metadata"]["name"] = "router-1"
    pod["metadata"]["labels"]["app.kubernetes.io/name"] = "router"
    del pod["metadata"]["ownerReferences"]
    return pod


@pytest.fixture
def fleet(program: Program, cluster: Cluster) -> Cluster:
    """The demo fleet, ready, with a router's pod in each cell."""
    declared(program, cluster)
    for pod in [one for one in cluster.objects if one["kind"] == "Pod"]:
        pod["status"]["podIP"] = "10.0.0.1"
        cluster.objects.append(router(pod))
    cluster.save()
    return cluster


def say(cluster: Cluster, said: str, cell: str = "alpha") -> None:
    cluster.tables[POD.format(cell)] = said
    cluster.save()


def found(program: Program) -> Any:
    return program("status", "--network-policies", "--format", "json").json["network_policies"]


def test_a_router_that_is_kept_off_means_enforced(program: Program, fleet: Cluster) -> None:
    say(fleet, "kept off")
    done = program("status", "--network-policies")
    assert (done.code, done.err) == (0, "")
    why = "a router of cell alpha did not reach its Postgres"
    assert done.out.splitlines()[-1] == f"{ENFORCED} ({why})"
    assert found(program) == {"local": {"enforced": True, "why": why}}


def test_a_router_that_reaches_postgres_means_not_enforced(
    program: Program, fleet: Cluster
) -> None:
    say(fleet, "reached")
    done = program("status", "--network-policies")
    why = "a router of cell alpha reached its Postgres, which no policy allows"
    assert (done.code, done.err) == (1, "")
    assert done.out.splitlines()[-1] == f"NetworkPolicies in cluster local are not enforced ({why})"
    assert found(program) == {"local": {"enforced": False, "why": why}}


def test_another_cell_is_asked_where_the_first_is_not_ready(
    program: Program, fleet: Cluster
) -> None:
    change(fleet, "Pod", "cell-alpha/postgres-0", lambda pod: pod["status"].pop("conditions"))
    say(fleet, "kept off", "beta")
    assert found(program)["local"]["enforced"] is True


@pytest.mark.parametrize(
    "said", [None, "", "Python 3", "reached\nkept off", "[Errno 111] Connection refused"]
)
def test_what_can_not_be_tried_is_not_guessed(
    program: Program, fleet: Cluster, said: str | None
) -> None:
    if said is not None:
        say(fleet, said)
    done = program("status", "--network-policies")
    assert done.code == 1
    assert "NetworkPolicies in cluster local are unknown (" in done.out
    assert found(program)["local"]["enforced"] is None


def test_a_fleet_without_pods_has_nothing_to_try(program: Program, cluster: Cluster) -> None:
    declared(program, cluster)
    why = "no cell has a router and a Postgres that are ready"
    assert found(program) == {"local": {"enforced": None, "why": why}}


@pytest.mark.usefixtures("fleet")
def test_nothing_is_tried_unless_asked_for(program: Program) -> None:
    """Where a router was asked all the same, there would be no answer, and so an exit code of 1."""
    done = program("status")
    assert (done.code, "NetworkPolicies" in done.out) == (0, False)
    assert program("status", "--format", "json").json["network_policies"] == {}
