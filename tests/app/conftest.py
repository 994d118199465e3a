"""One cell without its router: the real app on the real Postgres, and the router's headers."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.postgres.containers import (
    APP_IMAGE,
    DATA,
    PASSWORDS,
    POSTGRES_IMAGE,
    Container,
    Postgres,
    container,
    docker,
    new_name,
    postgres_options,
    until,
    volume,
    write_passwords,
)

CELL = "alpha"
ROUTER_KEY = "the-key-of-the-cells-router"
SECRETS = "/var/run/secrets/cellwright"
KEY = {"X-Cellwright-Key": ROUTER_KEY}
"""What the cell's router proves itself with."""
_ids = count(1)


@dataclass(frozen=True, slots=True)
class App:
    """A running app; `client` asks as a router does, `health` as kubelet and Prometheus."""

    container: Container
    client: httpx.Client
    health: httpx.Client

    def ready(self) -> bool:
        assert self.container.running(), f"it stopped:\n{self.container.logs()}"
        try:
            return self.health.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False


@dataclass(frozen=True, slots=True)
class Organization:
    """An organization that the router found in this cell; `cell` is what its directory says."""

    client: httpx.Client
    id: str
    cell: str = CELL
    name: str = ""

    def ask(self, method: str, path: str = "/notes", **options: Any) -> httpx.Response:
        headers = {
            **KEY,
            "X-Cellwright-Organization": self.name or f"organization-{self.id}",
            "X-Cellwright-Organization-Id": self.id,
            "X-Cellwright-Cell": self.cell,
            **options.pop("headers", {}),
        }
        return self.client.request(method, path, headers=headers, **options)

    def note(self, text: str = "a note") -> str:
        """Return the id of a new note."""
        answer = self.ask("POST", json={"text": text})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def texts(self) -> list[str]:
        return [note["text"] for note in self.ask("GET").json()["notes"]]


def _client(running: Container, port: int) -> httpx.Client:
    address = f"http://127.0.0.1:{running.port(port)}"
    # Longer than the app may take; a test that waits for it fails with this error.
    return httpx.Client(base_url=address, timeout=30, trust_env=False)


StartApp = Callable[..., AbstractContextManager[App]]
Environment = Callable[..., tuple[str, ...]]


@pytest.fixture(scope="session", autouse=True)
def _engine() -> None:
    """Fail, not skip: these tests are about the real thing."""
    docker("info")
    docker("image", "inspect", POSTGRES_IMAGE, APP_IMAGE)


@pytest.fixture(scope="session")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of what the cell's Secrets hold: a file each, for all roles."""
    folder = tmp_path_factory.mktemp("secrets") / "cellwright"
    write_passwords(folder, {**PASSWORDS, "router-key": ROUTER_KEY})
    return folder


@pytest.fixture(scope="session")
def environment(secrets: Path) -> Environment:
    """Return what gives a container its environment and files, as the cell's templates do."""

    def options(role: str, **more: str) -> tuple[str, ...]:
        variables = {
            "CELL": CELL,
            "PGHOST": "postgres",
            "PGPORT": "5432",
            "PGDATABASE": "cell",
            "PGUSER": f"cell_{role}",
            "PASSWORD_FILE": f"{SECRETS}/{role}",
            "ROUTER_KEY_FILE": f"{SECRETS}/router-key",
            **more,
        }
        mounted = f"--volume={secrets}:{SECRETS}:ro"
        return (mounted, *(f"--env={name}={value}" for name, value in variables.items()))

    return options


@pytest.fixture(scope="session")
def network() -> Iterator[str]:
    """Return a network whose containers find each other by name."""
    name = new_name()
    docker("network", "create", name)
    yield name
    docker("network", "rm", name)


@pytest.fixture(scope="session")
def postgres(network: str, secrets: Path, environment: Environment) -> Iterator[Postgres]:
    """Return the cell's Postgres, with the app's schema."""
    with volume() as data:
        options = postgres_options(f"--volume={data}:{DATA}", secrets)
        reached = (f"--network={network}", "--network-alias=postgres")
        with container(POSTGRES_IMAGE, *options, *reached) as running:
            server = Postgres(running)
            server.wait()
            options = (f"--network={network}", *environment("owner"))
            with container(APP_IMAGE, *options, command=("migrate",)) as migration:
                assert migration.exit_code() == 0, migration.logs()
            yield server


@pytest.fixture(scope="session")
def start_app(
    network: str,
    postgres: Postgres,  # noqa: ARG001 - to be there
    environment: Environment,
) -> StartApp:
    """Return what starts an app of the cell."""

    @contextmanager
    def begin(*options: str) -> Iterator[App]:
        ports = ("--publish=127.0.0.1::8080", "--publish=127.0.0.1::8081")
        reached = (f"--network={network}", *ports)
        with (
            container(APP_IMAGE, *reached, *environment("app"), *options) as running,
            _client(running, 8080) as client,
            _client(running, 8081) as health,
        ):
            started = App(running, client, health)
            until(started.ready, "the app is ready")
            yield started

    return begin


@pytest.fixture(scope="session")
def app(start_app: StartApp) -> Iterator[App]:
    """Return the cell's app."""
    with start_app() as running:
        yield running


def placed(postgres: Postgres, one: Organization) -> Organization:
    """Return an organization that the cell was given, as its placement does it."""
    name = one.name or f"organization-{one.id}"
    added = "INSERT INTO organizations (organization_id, name)"
    again = "ON CONFLICT (organization_id) DO NOTHING"
    postgres.value(f"{added} VALUES ({one.id}, '{name}') {again}", role="placement")
    return one


@pytest.fixture
def organization(app: App, postgres: Postgres) -> Organization:
    """Return an organization that the cell was given, and that has no rows."""
    return placed(postgres, Organization(app.client, str(next(_ids))))


@pytest.fixture
def other(app: App, postgres: Postgres) -> Organization:
    """Return one more."""
    return placed(postgres, Organization(app.client, str(next(_ids))))


@pytest.fixture
def stranger(app: App) -> Organization:
    """Return an organization that the cell was not given."""
    return Organization(app.client, str(next(_ids)))
