"""The agent takes nothing that is not its own fleet's."""

import json

import pytest
from agent.answers import read_event, read_one
from agent.config_map import CELLS
from agent.status import Status
from agent.table import Table

from tests.router.conftest import Fleet
from tests.router.directory import FLEET_ID, config_map
from tests.router.said import Said, kinds
from tests.router.test_refusals import lines, metric, refused

OTHERS = ["", "fedcba9876543210", FLEET_ID.upper(), f"{FLEET_ID} ", FLEET_ID[:-1]]


@pytest.mark.parametrize("other", OTHERS)
def test_a_directory_of_another_fleet_is_refused(table: Table, said: Said, other: str) -> None:
    mark, before = table.mark, table.rules
    said.fleet, said.rules = other, {"epoch": "9", "maximum_loss": "100"}
    table.take([said.cells(30), *said.all(31, said.without(1))], 31)
    assert kinds(table) == {CELLS: "fleet", **{f"directory-{n:02d}": "fleet" for n in range(4)}}
    assert (table.mark, table.rules) == (mark, before)
    reason = table.refused[CELLS].reason
    assert (f"the id {other!r}" if other else "of no fleet") in reason
    assert f"this router is of {FLEET_ID!r}" in reason
    status = Status(refused=dict(table.refused))
    line = f'cellwright_table_refused{{configmap="{CELLS}",kind="fleet"}} 1'
    assert line in status.metrics().splitlines()


def test_the_own_one_is_taken_again(table: Table, said: Said) -> None:
    said.fleet = "fedcba9876543210"
    table.take(said.all(30), 30)
    said.fleet = FLEET_ID
    table.take(said.all(31), 31)
    assert (table.refused, table.resource_version) == ({}, 31)


def test_the_id_is_read_from_the_label() -> None:
    body = config_map("directory-00", "", "none", 4)
    assert read_one(json.dumps(body).encode()).fleet == FLEET_ID
    event = read_event(json.dumps({"type": "ADDED", "object": body}).encode())
    assert event.found is not None
    assert event.found.fleet == FLEET_ID
    del body["metadata"]["labels"]
    assert read_one(json.dumps(body).encode()).fleet == ""


@pytest.mark.docker
def test_routers_keep_their_fleets_directory(fleet: Fleet) -> None:
    """Another fleet's stack has written its own over it."""
    served = fleet.directory.mark()
    fleet.directory.change("acme", cell="beta")
    objects = fleet.directory.objects()
    fleet.directory.change("acme", cell="alpha")
    for one in objects:
        one["metadata"]["labels"]["cellwright.dev/fleet-id"] = "fedcba9876543210"
        fleet.api.put(one)
    for router in fleet.routers:
        assert refused(router).keys() <= set(fleet.directory.texts())
        assert router.table()["checksum"] == served
        assert router.answered_by("/o/acme/") == "alpha-app"
        assert lines(router, "refused", "fedcba9876543210")
        (name, *_) = refused(router)
        assert metric(router, f'cellwright_table_refused{{configmap="{name}",kind="fleet"}}') == "1"
    for one in fleet.directory.objects():
        fleet.api.put(one)
    for router in fleet.routers:
        assert refused(router, some=False) == {}
    fleet.publish()
