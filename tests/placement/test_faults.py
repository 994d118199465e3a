"""What is away, comes back, is killed, or is there twice."""

from collections.abc import Callable

import pytest

from tests.placement.conftest import Cell
from tests.postgres.containers import PASSWORDS, docker
from tests.router.directory import shard_of

pytestmark = pytest.mark.docker

MANY = 10_000


def test_a_database_that_is_away_is_caught_up_with(cell: Cell) -> None:
    docker("stop", cell.postgres.container.name)
    name = cell.add()
    cell.api.publish(cell.directory)
    placement = cell.placement
    placement.until(lambda: placement.table()["problem"] != "", "it is told")
    assert placement.table()["served"] is False
    assert placement.metric("placement_behind_seconds") > 0
    placement.until(lambda: not placement.ready(), "it is not ready any more", 90)
    assert placement.probe("/healthz"), "a restart would not help"
    docker("start", cell.postgres.container.name)
    cell.postgres.wait()
    port = str(cell.postgres.container.port(5432))
    if port != placement.environment["PGPORT"]:  # the engine has published another one
        placement.environment["PGPORT"] = port
        placement.restart()
    placement.wait(cell.api, cell.directory)
    assert cell.row(name) == f"{name}|active"
    assert placement.ready()
    assert placement.metric("placement_behind_seconds") == 0


def test_connections_that_break_are_made_again(cell: Cell) -> None:
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'cell_placement'"
    for _ in range(3):
        cell.postgres.value(end)
        name = cell.add()
        cell.publish()
        assert cell.row(name) == f"{name}|active"


def test_an_api_server_that_is_away_is_caught_up_with(cell: Cell) -> None:
    cell.publish()
    with cell.api.away():
        name = cell.add()
        cell.api.publish(cell.directory)
        cell.placement.until(lambda: "is away" in cell.placement.logs(), "it is away")
        assert cell.placement.ready()
        assert cell.row(name) == ""
    cell.placement.wait(cell.api, cell.directory)
    assert cell.row(name) == f"{name}|active"


def test_a_table_on_disk_alone_places_nobody(cell: Cell) -> None:
    """It may be older than a move: an old home must not come back by it."""
    name = cell.add()
    cell.publish()
    left = f"DELETE FROM organizations WHERE organization_id = {cell.id(name)}"  # noqa: S608
    with cell.api.away():
        cell.placement.remove()
        cell.postgres.value(left)
        cell.placement.launch()
        cell.placement.until(lambda: "is away" in cell.placement.logs(), "it has tried")
        assert cell.row(name) == ""
        assert not cell.placement.ready()
        cell.directory.change(name, cell="beta")
        cell.api.publish(cell.directory)
    cell.placement.wait(cell.api, cell.directory)
    assert cell.row(name) == ""
    assert cell.placement.ready()


def rows(cell: Cell, prefix: str) -> str:
    """Return how many rows there are, how many ids, and how many with another name."""
    return cell.postgres.value(
        "SELECT count(*), count(DISTINCT organization_id),"  # noqa: S608 - values of the tests
        f" count(*) FILTER (WHERE state <> 'active') FROM organizations WHERE name LIKE '{prefix}%'"
    )


def crowd(new_cell: Callable[[], Cell], prefix: str) -> Cell:
    """Return a cell that is to get many organizations, beside as many of another one."""
    made = new_cell()
    for number in range(MANY):
        made.add(f"{prefix}{number}")
        made.add(f"{prefix}-there-{number}", cell="beta")
    made.api.publish(made.directory)
    return made


def test_a_placement_that_is_killed_half_way_goes_on(new_cell: Callable[[], Cell]) -> None:
    made = crowd(new_cell, "killed")
    placement = made.placement
    shards = made.directory.shards
    last = next(n for n in range(MANY) if shard_of(f"killed{n}", shards) == shards - 1)
    held = f"VALUES ({made.id(f'killed{last}')}, 'killed{last}')"
    insert = f"INSERT INTO organizations (organization_id, name) {held}"
    with made.postgres.transaction(insert):  # what the last shard waits for
        placement.launch()
        placement.until(lambda: rows(made, "killed") != "0|0|0", "it has begun")
        placement.remove()
        assert 0 < int(rows(made, "killed").partition("|")[0]) < MANY
    for _ in range(3):
        placement.launch()
        placement.until(lambda: placement.probe("/healthz"), "it lives")
        placement.remove()
    placement.start()
    placement.wait(made.api, made.directory)
    assert rows(made, "killed") == f"{MANY}|{MANY}|0"
    placement.remove()


def test_two_placements_at_once_place_each_once(new_cell: Callable[[], Cell]) -> None:
    made = crowd(new_cell, "twice")
    other = made.another()
    for one in (made.placement, other):
        one.launch()
    for one in (made.placement, other):
        one.wait(made.api, made.directory)
        assert one.metric("placement_wrong_names") == 0
        assert one.metric("placement_failures_total") == 0
    assert rows(made, "twice") == f"{MANY}|{MANY}|0"
    added = made.placement.metric("placement_rows_added_total")
    assert added + other.metric("placement_rows_added_total") == MANY
    for one in (made.placement, other):
        one.remove()


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_passwords_the_valid_one_is_used(new_cell: Callable[[], Cell], order: int) -> None:
    """As while they are rotated."""
    made = new_cell()
    lines = ["another-password-of-this-role", PASSWORDS["placement"]][::order]
    (made.placement.folder / "secrets" / "placement").write_text("\n".join(lines) + "\n")
    name = made.add()
    made.api.publish(made.directory)
    made.placement.start()
    made.placement.wait(made.api, made.directory)
    assert made.row(name) == f"{name}|active"
    made.placement.remove()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("CELL", "", "CELL: not set"),
        ("FLEET_ID", "x", "FLEET_ID: 'x' is not the id of a fleet"),
        ("PASSWORD_FILE", "", "PASSWORD_FILE: not set"),
        ("PASSWORD_FILE", "/nowhere", "PASSWORD_FILE: /nowhere: No such file or directory"),
    ],
)
def test_wrong_settings_are_said(
    new_cell: Callable[[], Cell], name: str, value: str, said: str
) -> None:
    placement = new_cell().placement
    placement.environment[name] = value
    placement.launch()
    assert docker("wait", placement.name).strip() == "2"
    assert said in placement.logs()
    assert "Traceback" not in placement.logs()
