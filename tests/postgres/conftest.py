"""A Postgres for the tests that only ask it something, and the means to start others."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.postgres.containers import (
    DATA,
    PASSWORDS,
    POSTGRES_IMAGE,
    Postgres,
    container,
    docker,
    postgres_options,
    volume,
    write_passwords,
)

Start = Callable[..., AbstractContextManager[Postgres]]


@pytest.fixture(scope="session", autouse=True)
def _engine() -> None:
    """Fail, not skip: these tests are about the real thing."""
    docker("info")
    docker("image", "inspect", POSTGRES_IMAGE)


@pytest.fixture
def data() -> Iterator[str]:
    """Return a new volume."""
    with volume() as name:
        yield name


@pytest.fixture
def passwords(tmp_path: Path) -> Path:
    """Return the folder that a cell's Secrets are mounted from."""
    folder = tmp_path / "passwords"
    write_passwords(folder, PASSWORDS)
    return folder


@pytest.fixture
def start(passwords: Path, data: str) -> Start:
    """Return what starts a Postgres on the volume, or on what the first option mounts."""

    @contextmanager
    def begin(*options: str, mount: str = f"--volume={data}:{DATA}") -> Iterator[Postgres]:
        with container(POSTGRES_IMAGE, *postgres_options(mount, passwords), *options) as running:
            yield Postgres(running)

    return begin


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """Return one Postgres for all tests of a module."""
    folder = tmp_path_factory.mktemp("secrets") / "passwords"
    write_passwords(folder, PASSWORDS)
    with volume() as name:
        options = postgres_options(f"--volume={name}:{DATA}", folder)
        with container(POSTGRES_IMAGE, *options) as running:
            server = Postgres(running)
            server.wait()
            yield server
