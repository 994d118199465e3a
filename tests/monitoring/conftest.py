"""The programs that read the files of `monitoring/`, and the routers that they watch."""

import os
from pathlib import Path

import pytest

from local import prometheus
from local.place import place
from local.system import this_machine
from tests.router.conftest import _docker, credentials, new_address, new_fleet

__all__ = ["_docker", "credentials", "new_address", "new_fleet", "programs"]


@pytest.fixture(scope="session")
def programs() -> dict[str, Path]:
    """Fail, not skip: rules that no Prometheus has read have not been tested."""
    found = prometheus.find(place(os.environ), this_machine())
    for name in prometheus.PROGRAMS:
        assert name in found, f"{name} is missing: `make test` gets it from Debian's packages"
    return found
