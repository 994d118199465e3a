"""Directories that are not the fleet's, or not as they should be: nobody is placed by them."""

import copy
import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from tests.placement.conftest import Cell
from tests.router.directory import (
    Directory,
    config_map,
    homes_signature,
    shard_of,
    signature,
    with_homes,
)

pytestmark = pytest.mark.docker

Object = dict[str, Any]


def shard_with(cell: Cell, name: str) -> Object:
    """Return the shard that a directory with one more organization would have."""
    more = copy.deepcopy(cell.directory)
    more.add(name, "alpha")
    more.change(name, id=max(one.id for one in more.organizations.values()) + 5_000)
    wanted = f"directory-{shard_of(name, more.shards):02d}"
    (found,) = [one for one in more.objects() if one["metadata"]["name"] == wanted]
    return found


def unsigned(one: Object) -> None:
    del one["metadata"]["annotations"]["cellwright.dev/signature"]


def without_homes(one: Object) -> None:
    """As an older release writes it."""
    del one["metadata"]["annotations"]["cellwright.dev/homes-signature"]
    del one["data"]["homes"]


def another_fleet(one: Object) -> None:
    one["metadata"]["labels"]["cellwright.dev/fleet-id"] = "fedcba9876543210"


def another_fleets_signature(one: Object) -> None:
    notes = one["metadata"]["annotations"]
    said = (notes["cellwright.dev/shards"], notes["cellwright.dev/checksum"], "", "")
    name = one["metadata"]["name"]
    proof = signature(name, *said, fleet="fedcba9876543210")
    notes["cellwright.dev/signature"] = proof


def another_place(one: Object) -> None:
    """The homes' signature of another shard."""
    notes = one["metadata"]["annotations"]
    proof = homes_signature("directory-99", notes["cellwright.dev/checksum"], one["data"]["homes"])
    notes["cellwright.dev/homes-signature"] = proof


def homes_by_hand(one: Object) -> None:
    """Whoever may write ConfigMaps gives a home to somebody whom the fleet lets visit."""
    one["data"]["homes"] = "stranger alpha fork\n"


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (unsigned, "it is not signed"),
        (without_homes, "its homes are not signed"),
        (another_fleet, "another fleet"),
        (another_fleets_signature, "its signature is not the fleet's"),
        (another_place, "its homes' signature is not the fleet's"),
        (homes_by_hand, "its homes' signature is not the fleet's"),
    ],
)
def test_nobody_is_placed_by_what_the_fleet_has_not_signed(
    cell: Cell, spoil: Callable[[Object], None], kind: str
) -> None:
    cell.publish()
    rows = cell.postgres.value("SELECT count(*) FROM organizations")
    found = shard_with(cell, "stranger")
    name = found["metadata"]["name"]
    spoil(found)
    cell.api.put(found)
    cell.placement.until(lambda: name in cell.placement.table()["refused"], "it is refused")
    assert kind in cell.placement.table()["refused"][name]
    assert cell.postgres.value("SELECT count(*) FROM organizations") == rows
    assert cell.placement.ready(), "it goes on with what was good"
    reached = int(cell.placement.table()["resource_version"])
    assert reached < cell.api.newest(), "whoever waits for it is told"
    assert cell.placement.metric("placement_shards_refused") == 1
    cell.publish()


def test_malformed_homes_that_are_signed_are_refused_whole(cell: Cell) -> None:
    cell.publish()
    found = shard_with(cell, "malformed")
    name = found["metadata"]["name"]
    cell.api.put(with_homes(found, "malformed alpha\n"))
    cell.placement.until(lambda: name in cell.placement.table()["refused"], "it is refused")
    assert "homes: line 1: malformed" in cell.placement.table()["refused"][name]
    cell.publish()
    assert cell.placement.table()["refused"] == {}


def test_a_malformed_shard_places_nobody(cell: Cell) -> None:
    cell.publish()
    text = "131072 ,evil=active:alpha:66:evil,\n"
    checksum = hashlib.sha256(text.encode()).hexdigest()
    cell.api.put(config_map("directory-00", text, checksum, cell.directory.shards))
    table = cell.placement.table
    cell.placement.until(lambda: "directory-00" in table()["refused"], "it is refused")
    assert "evil has another hash" in table()["refused"]["directory-00"]
    asked = "SELECT count(*) FROM organizations WHERE name = 'evil'"
    assert cell.postgres.value(asked) == "0"
    cell.publish()


def test_odd_answers_are_counted_and_change_nothing(cell: Cell) -> None:
    cell.publish()
    before = cell.placement.metric("placement_odd_answers_total")
    cell.api.say(b"not JSON")
    cell.placement.until(
        lambda: cell.placement.metric("placement_odd_answers_total") > before, "it is counted"
    )
    name = cell.add()
    cell.publish()
    assert cell.row(name) == f"{name}|active"


def test_the_wrong_name_in_the_directory_changes_no_row(cell: Cell) -> None:
    """A directory that the fleet has signed, in which an id was given out twice."""
    first = cell.add()
    cell.publish()
    second = cell.add(cell="alpha")
    cell.directory.change(second, id=cell.id(first))
    cell.publish()
    assert cell.row(first) == f"{first}|active"
    assert second in cell.placement.table()["wrong_names"]
    del cell.directory.organizations[second]
    cell.publish()


def test_a_cell_without_a_directory_is_not_ready(new_cell: Callable[[], Cell]) -> None:
    made = new_cell()
    made.placement.launch()
    made.placement.until(lambda: made.placement.probe("/healthz"), "it lives")
    made.placement.until(lambda: "the directory is listed" in made.placement.logs(), "it looks")
    assert not made.placement.ready()
    made.directory = Directory(maximum_loss=100, cells=made.directory.cells)
    made.publish()
    assert made.placement.ready(), "an empty directory is one"
