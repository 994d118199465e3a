"""Fixtures of the tests of the lease."""

import threading
import time
from collections.abc import Iterator

import pytest

from cellwright.edge import lease, lease_watch
from tests.unit.edge.leases import Server, Time


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Time:
    fake = Time()
    monkeypatch.setattr(lease, "time", fake)
    monkeypatch.setattr(lease_watch, "time", fake)
    return fake


@pytest.fixture
def no_thread_stays() -> Iterator[None]:
    """A lease's thread has ended when the test has."""
    yield
    deadline = time.monotonic() + 10
    while any(thread.name == "lease" for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
