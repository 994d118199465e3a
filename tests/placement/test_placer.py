"""When the placement places, and what it says of it; no container is needed."""

import socket
from pathlib import Path
from typing import Any

import pytest

from tests.placement.conftest import first_directory
from tests.placement.fakes import Bench
from tests.router.directory import shard_of

SHARDS = 4
FRESH = 300
"""Seconds for which the API server's word counts."""
COMPARE = 600
"""Seconds between comparisons of everything."""
CHECK = 6
"""Seconds after which it has looked whether the database answers."""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Return a placement that has placed eight organizations."""
    made = Bench(tmp_path, first_directory())
    for number in range(8):
        made.directory.add(f"o{number}", "alpha")
    made.list()
    assert (len(made.database.rows), made.status.placed) == (8, True)
    return made


def refused(bench: Bench, number: int) -> dict[str, Any]:
    """Return a shard that placements refuse, and routers do not."""
    one = bench.object(number)
    one["metadata"]["annotations"]["cellwright.dev/homes-signature"] = "00" * 64
    return one


def another_shard(name: str) -> int:
    return (shard_of(name, SHARDS) + 1) % SHARDS


def restored(bench: Bench) -> None:
    """Let the database be another one, without rows."""
    bench.database.rows.clear()
    bench.database.connections += 1


def test_a_refused_shard_that_was_placed_is_no_lack(bench: Bench) -> None:
    bench.watch(refused(bench, 0))
    assert (bench.status.placed, bench.status.can_start) == (True, True)
    bench.pass_time(COMPARE + 1)
    bench.list(refused(bench, 0))
    assert (bench.status.comparisons, bench.status.placed) == (2, True)


def test_a_refused_shard_is_a_lack_of_a_database_that_was_restored(bench: Bench) -> None:
    number = shard_of("o0", SHARDS)
    bench.watch(refused(bench, number))
    restored(bench)
    bench.turn()
    assert "o0" not in bench.database.rows.values(), "its last good form may be old"
    assert len(bench.database.rows) > 0
    assert (bench.status.placed, bench.status.behind is None) == (False, False)
    bench.watch(bench.object(number))
    assert (len(bench.database.rows), bench.status.placed) == (8, True)


def test_a_refused_shard_is_a_lack_after_a_restart(bench: Bench) -> None:
    number = another_shard("o0")
    bench.start()
    bench.list(refused(bench, number))
    assert (bench.status.placed, bench.status.can_start) == (False, False)


def test_a_refused_shard_holds_up_no_visits_of_others(bench: Bench) -> None:
    directory = bench.directory
    directory.add("visitor", "alpha", home="beta")
    directory.add("other", "alpha", home="beta")
    bad = shard_of("visitor", SHARDS)
    assert shard_of("other", SHARDS) != bad
    bench.list()
    assert {one.name for one in bench.database.visits} == {"visitor", "other"}
    for name in ("visitor", "other"):
        directory.change(name, cell="beta", home="")
    bench.start()
    bench.list(refused(bench, bad))
    assert {one.name for one in bench.database.visits} == {"visitor"}
    assert not bench.status.placed


def test_what_the_api_server_has_not_confirmed_for_long_places_nobody(bench: Bench) -> None:
    bench.placer.directory.stale = False  # a watch is under way
    bench.pass_time(FRESH + 1)
    restored(bench)
    bench.hear()
    bench.turn()
    assert bench.placer.directory.stale, "it lists again"
    directory = bench.directory
    directory.change("o0", cell="beta")
    bench.watch(bench.object(another_shard("o0")))
    assert bench.database.rows == {}, "what a watch says first may be long ago"
    assert not bench.status.placed
    bench.list()
    assert len(bench.database.rows) == 7
    assert bench.status.placed


def test_a_watch_that_has_just_ended_may_be_interrupted(bench: Bench) -> None:
    watching = socket.socket()
    watching.close()
    bench.placer.directory._watching = watching
    bench.pass_time(FRESH + 1)
    bench.turn()
    assert bench.placer.directory.stale


def test_what_counts_no_more_in_the_middle_of_a_turn_ends_it(bench: Bench) -> None:
    bench.directory.add("visitor", "alpha", home="beta")
    bench.database.meanwhile = lambda: bench.pass_time(FRESH + 1)
    bench.watch(bench.object(shard_of("visitor", SHARDS)))
    assert (bench.database.visits, bench.status.placed) == (set(), False)
    bench.database.meanwhile = lambda: None
    bench.list()
    assert {one.name for one in bench.database.visits} == {"visitor"}
    assert bench.status.placed


def test_what_it_hears_keeps_the_table_fresh(bench: Bench) -> None:
    for _ in range(3):
        bench.pass_time(FRESH - 1)
        bench.watch(bench.object(0))
    restored(bench)
    bench.turn()
    assert len(bench.database.rows) == 8


def test_a_placement_that_hears_nothing_looks_whether_the_database_answers(bench: Bench) -> None:
    bench.pass_time(FRESH + 1)
    bench.turn()
    assert bench.status.placed, "nothing says otherwise"
    bench.pass_time(CHECK)
    bench.database.away = "it is away"
    bench.turn()
    assert (bench.status.problem, bench.status.placed) == ("it is away", False)


def test_the_database_is_looked_at_now_and_then(bench: Bench) -> None:
    before = bench.database.looks
    bench.turn()
    assert bench.database.looks == before
    bench.pass_time(CHECK)
    bench.turn()
    assert bench.database.looks == before + 1


def test_everything_is_compared_now_and_then(bench: Bench) -> None:
    bench.database.rows.clear()
    bench.turn()
    assert bench.database.rows == {}
    for seconds in (FRESH - 1, FRESH - 1, COMPARE - 2 * FRESH + 4):
        bench.pass_time(seconds)
        bench.watch(bench.object(0))
    assert len(bench.database.rows) == 8


def test_a_placement_that_was_not_told_anything_is_not_ready(tmp_path: Path) -> None:
    bench = Bench(tmp_path, first_directory())
    bench.turn()
    assert (bench.status.placed, bench.status.can_start) == (False, False)
