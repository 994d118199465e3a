"""One cell's database with the app's schema, real placements, and the API server they watch."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "images" / "router"))  # for `import agent`
sys.path.insert(0, str(Path(__file__).parents[2] / "images" / "placement"))

from tests.placement.pods import Placement, new_placement, running_database
from tests.postgres.containers import (
    APP_IMAGE,
    PASSWORDS,
    PLACEMENT_IMAGE,
    POSTGRES_IMAGE,
    Postgres,
    docker,
    write_passwords,
)
from tests.router.api_server import ApiServer
from tests.router.credentials import TOKEN, make_credentials
from tests.router.directory import Directory

_numbers = count(1)
_ids = count(1)


def _address(number: int) -> str:
    return f"127.78.{os.getpid() % 250 + 1}.{number}"


@dataclass(slots=True)
class Cell:
    """The cell alpha: what its database has, and what the directory says."""

    api: ApiServer
    directory: Directory
    placement: Placement
    postgres: Postgres
    another: Callable[[], Placement]

    def add(self, name: str = "", cell: str = "alpha", **more: Any) -> str:
        """Add an organization with an id that this run has not used; return its name."""
        number = next(_ids)
        name = name or f"o{number}"
        self.directory.add(name, cell)
        self.directory.change(name, id=number, **more)
        return name

    def publish(self) -> None:
        """Publish the directory and wait until it is in the database."""
        self.api.publish(self.directory)
        self.placement.wait(self.api, self.directory)

    def id(self, name: str) -> int:
        return self.directory.organizations[name].id

    def row(self, name: str, table: str = "organizations") -> str:
        """Return the name and state in an organization's row, empty without one."""
        columns = "name, state" if table == "organizations" else "name"
        asked = f"SELECT {columns} FROM {table} WHERE organization_id = {self.id(name)}"  # noqa: S608
        return self.postgres.value(asked)

    def visits(self, name: str) -> bool:
        return self.row(name, "organization_visits") == name


def first_directory() -> Directory:
    """Return a directory that may lose as much as it likes, for tests that come and go."""
    directory = Directory(maximum_loss=100)
    for number, name in enumerate(("alpha", "beta"), 1):
        directory.cells[name] = (number, f"router.cell-{name}.svc.cluster.local", 8080)
    return directory


@pytest.fixture(scope="session")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("secrets") / "cellwright"
    write_passwords(folder, PASSWORDS)
    return folder


@pytest.fixture(scope="session")
def credentials(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("credentials")
    make_credentials(folder, map(_address, range(1, 250)))
    return folder


@pytest.fixture(scope="session")
def postgres(secrets: Path) -> Iterator[Postgres]:
    """Return the cell's Postgres, with the app's schema.

    Fail, not skip: these tests are about the real thing.
    """
    docker("info")
    docker("image", "inspect", POSTGRES_IMAGE, APP_IMAGE, PLACEMENT_IMAGE)
    with running_database(secrets) as server:
        yield server


@pytest.fixture(scope="session")
def new_cell(
    postgres: Postgres,
    secrets: Path,
    credentials: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[], Cell]]:
    """Return what makes an API server and a placement that is not started, for the one database."""
    with ExitStack() as stack:

        def begin() -> Cell:
            api = ApiServer(_address(next(_numbers)), 6443, credentials / "server.pem", TOKEN)
            api.start()
            stack.callback(api.stop)

            def another() -> Placement:
                made = new_placement(
                    tmp_path_factory.mktemp("placement"),
                    _address(next(_numbers)),
                    api.address,
                    postgres,
                    mounts={"secrets": secrets, "account": credentials},
                )
                stack.callback(made.remove)
                return made

            return Cell(api, first_directory(), another(), postgres, another)

        yield begin


@pytest.fixture(scope="session")
def cell(new_cell: Callable[[], Cell]) -> Cell:
    """Return a cell whose placement runs, for tests that leave it so."""
    made = new_cell()
    made.add("acme")
    made.api.publish(made.directory)
    made.placement.start()
    made.placement.wait(made.api, made.directory)
    return made
