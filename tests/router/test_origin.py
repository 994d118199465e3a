"""The agent takes nothing that is not its own fleet's, and signed by it."""

import hashlib
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import pytest
from agent.answers import read_event, read_one
from agent.config_map import CELLS, ConfigMap
from agent.ed25519 import PublicKey
from agent.guard import RefusedError
from agent.origin import Origin
from agent.status import Status
from agent.table import Table
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.router.conftest import Fleet
from tests.router.directory import CLUSTER, FLEET_ID, SIGNING, config_map, public, signature
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
    assert f"this cell is of {FLEET_ID!r}" in reason
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


def forged(one: ConfigMap, **fields: Any) -> ConfigMap:
    """Return a ConfigMap that somebody without the key has changed, and made fit again."""
    changed = replace(one, **fields)
    return replace(changed, checksum=hashlib.sha256(changed.text).hexdigest())


@pytest.mark.parametrize(
    "fields",
    [
        {"text": b"alpha\t1\tattacker.example.com\t80\n"},
        {"text": b""},
        {"shards": "5"},
        {"epoch": "2"},
        {"maximum_loss": "100"},
        {"maximum_loss": ""},
        {"epoch": "1\n20", "maximum_loss": ""},
        {"signature": ""},
        {"signature": "0" * 64},
        {"signature": "\u0661" * 64},
    ],
)
def test_nothing_of_the_cells_can_be_changed_without_the_key(
    table: Table, said: Said, fields: dict[str, Any]
) -> None:
    mark, before = table.mark, (table.rules, table.coming, table.cells)
    table.take([forged(said.cells(30), **fields)], 30)
    assert kinds(table) == {CELLS: "signature"}
    assert (table.mark, (table.rules, table.coming, table.cells)) == (mark, before)
    expected = "it is not signed" if fields.get("signature") == "" else "is not the fleet's"
    assert expected in table.refused[CELLS].reason
    table.take([said.cells(31)], 31)
    assert table.refused == {}


@pytest.mark.parametrize("field", ["text", "shards", "name", "signature"])
def test_nothing_of_a_shard_can_be_changed_without_the_key(
    table: Table, said: Said, field: str
) -> None:
    mark = table.mark
    said.changed = {said.held(0)[0]: "active:beta"}
    moved, other = said.shard(0, 30), said.shard(1, 30)
    fields = {
        "text": {"text": said.shard(0).text.replace(b":alpha:", b":beta:", 1)},
        "shards": {"shards": "8"},
        "name": {"name": "directory-01"},
        "signature": {"signature": other.signature},
    }
    one = forged(moved, **fields[field])
    table.take([one], 30)
    assert kinds(table) == {one.name: "signature"}
    assert table.mark == mark


def test_another_key_cluster_or_fleet_signs_for_itself_alone(table: Table, said: Said) -> None:
    one = said.cells(30)
    key, foreign = PublicKey(public()), PublicKey(public(Ed25519PrivateKey.generate()))
    for keys in ((key,), (key, foreign), (foreign, key)):
        Origin(FLEET_ID, CLUSTER, keys).check(one)
    for other in (
        Origin(FLEET_ID, CLUSTER, (foreign,)),
        Origin(FLEET_ID, CLUSTER, ()),
        Origin(FLEET_ID, "far", (key,)),
    ):
        with pytest.raises(RefusedError, match="signature is not the fleet's"):
            other.check(one)
    assert table.refused == {}


def test_a_shard_of_another_number_of_shards_is_refused_though_it_is_signed(
    table: Table, said: Said
) -> None:
    """It was one of this fleet's directories once."""
    said.shards = 5
    table.take([said.shard(0, 30)], 30)
    assert kinds(table) == {"directory-00": "malformed"}
    assert "it is one of '5' shards, not of 4" in table.refused["directory-00"].reason


def test_an_agent_that_has_nothing_takes_nothing_that_is_not_signed(
    restarted: Callable[[], Table], said: Said
) -> None:
    table = restarted()
    table.take([replace(one, signature="") for one in (said.cells(1), *said.all(1))], 1)
    assert not table.complete
    table.take([said.cells(2), *said.all(2)], 2)
    assert (table.complete, table.refused) == (True, {})


@pytest.mark.docker
def test_routers_take_nothing_that_was_changed_in_the_cluster(fleet: Fleet) -> None:
    """Whoever may write ConfigMaps would send all requests to a host of theirs."""
    served = fleet.directory.mark()
    cells = next(one for one in fleet.directory.objects() if "cells" in one["data"])
    text = cells["data"]["cells"].replace("router-hop.cell-gamma", "attacker")
    assert text != cells["data"]["cells"]
    cells["data"]["cells"] = text
    notes = cells["metadata"]["annotations"]
    notes["cellwright.dev/checksum"] = hashlib.sha256(text.encode()).hexdigest()
    notes["cellwright.dev/maximum-loss"] = "100"
    fleet.api.put(cells)
    for router in fleet.routers:
        (name,) = refused(router)
        assert (name, router.table()["checksum"]) == (CELLS, served)
        assert router.answered_by("/o/globex/") == "gamma"
        line = f'cellwright_table_refused{{configmap="{CELLS}",kind="signature"}}'
        assert metric(router, line) == "1"
        assert lines(router, "refused", "signature is not the fleet's")
    fleet.publish()
    for router in fleet.routers:
        assert refused(router, some=False) == {}


@pytest.mark.docker
def test_while_the_key_is_rotated_both_are_believed(
    new_fleet: Callable[[], AbstractContextManager[Fleet]],
) -> None:
    """A router that knows both keys takes the directory as signed by either, and no third one's."""
    new, third = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    with new_fleet() as fleet:
        router = fleet.alpha
        router.remove(router.agent)
        router.directory_keys = (public(), public(new))
        router.start_agent()
        for number, key in enumerate((SIGNING, new, third), start=1):
            fleet.directory.change("acme", limits=f"{number}/")
            objects = fleet.directory.objects()
            for one in objects:
                resign(one, key)
                fleet.api.put(one)
            if key is third:
                assert refused(router)
            else:
                router.wait(fleet.directory.mark())
                assert refused(router, some=False) == {}


def resign(one: dict[str, Any], key: Ed25519PrivateKey) -> None:
    """Sign a ConfigMap of the directory with another key."""
    notes = one["metadata"]["annotations"]
    said = [
        notes.get(f"cellwright.dev/{field}", "")
        for field in ("shards", "checksum", "epoch", "maximum-loss")
    ]
    name = one["metadata"]["name"]
    notes["cellwright.dev/signature"] = signature(name, *said, key=key)
