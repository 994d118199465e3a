"""What routers take at the same time fits the memory that they declare, whatever that is."""

import pytest

from cellwright.quantity import amount
from cellwright.router_room import (
    BUFFER,
    CONNECTION,
    MOST,
    SHARE,
    Room,
    most_connections,
    room,
)


def test_the_demo() -> None:
    assert room("512Mi", None, SHARE) == Room(connections=2340, share=234, buffers=5850)


@pytest.mark.parametrize("limit", ["64Mi", "96Mi", "100M", "0.5Gi", "1e9", "3Gi", "900Gi"])
@pytest.mark.parametrize("chosen", [None, 64, 250])
def test_all_of_it_is_half_of_the_memory_at_most(limit: str, chosen: int | None) -> None:
    took = room(limit, chosen, SHARE)
    memory = amount(limit)
    assert memory is not None
    assert took.connections * CONNECTION + took.buffers * BUFFER <= memory / 2
    assert took.connections <= MOST
    assert chosen is None or took.connections == chosen


@pytest.mark.parametrize(("share", "requests"), [(1, 1), (10, 10), (33, 33), (100, 100)])
def test_a_share_is_a_part_of_the_requests(share: int, requests: int) -> None:
    assert room("96Mi", 100, share).share == requests
    assert room("96Mi", 64, 1).share == 1


def test_more_memory_is_never_less_room() -> None:
    limits = ["64Mi", "65Mi", "128Mi", "1Gi", "64Gi"]
    found = [most_connections(limit) for limit in limits]
    assert found == sorted(found)
