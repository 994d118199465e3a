"""One cell's database with the app's schema, real placements, and the API server they watch."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "images" / "router"))  # for `import agent`
sys.path.insert(0, str(Path(__file__).parents[2] / "images" / "placement"))

from tests.postgres.containers import (
    APP_IMAGE,
    DATA,
    PASSWORDS,
    PLACEMENT_IMAGE,
    POSTGRES_IMAGE,
    Postgres,
    container,
    docker,
    new_name,
    postgres_options,
    until,
    volume,
    write_passwords,
)
from tests.router.api_server import ApiServer
from tests.router.credentials import TOKEN, make_credentials
from tests.router.directory import CLUSTER, FLEET_ID, KEY, Directory

SECRETS = "/var/run/secrets/cellwright"
MOUNTS = {
    "secrets": SECRETS,
    "key": "/var/run/secrets/cellwright-directory",
    "account": "/var/run/secrets/kubernetes.io/serviceaccount",
}
_RESTRICTED = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges")
_numbers = count(1)
_ids = count(1)


def _address(number: int) -> str:
    return f"127.78.{os.getpid() % 250 + 1}.{number}"


@dataclass(slots=True)
class Placement:
    """One placement's container; `folder` has what is mounted, and its table."""

    address: str
    folder: Path
    environment: dict[str, str]
    name: str = field(default_factory=new_name)

    def launch(self) -> None:
        run = self.folder / "run"
        if not run.exists():
            run.mkdir()
            run.chmod(0o777)  # as kubelet makes an emptyDir
        variables = [f"--env={key}={value}" for key, value in self.environment.items()]
        mounts = [f"--volume={self.folder}/{name}:{at}:ro" for name, at in MOUNTS.items()]
        mounts.append(f"--volume={run}:/run/cellwright")
        start = ("run", "--detach", "--name", self.name, "--network=host", *_RESTRICTED)
        docker(*start, *variables, *mounts, PLACEMENT_IMAGE)

    def start(self) -> None:
        self.launch()
        self.until(self.ready, "the placement is ready")

    def remove(self) -> None:
        """Kill it; its table stays."""
        subprocess.run(["docker", "rm", "--force", self.name], capture_output=True, check=True)

    def restart(self) -> None:
        self.remove()
        self.start()

    def logs(self) -> str:
        done = subprocess.run(
            ["docker", "logs", self.name],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=True,
        )
        return done.stdout

    def until(self, reached: Callable[[], bool], what: str, seconds: float = 60) -> None:
        """Wait; the error shows the log."""
        try:
            until(reached, what, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.logs()}") from None

    def probe(self, path: str) -> bool:
        try:
            return httpx.get(f"http://{self.address}:8405{path}").status_code == 200
        except httpx.TransportError:
            return False

    def ready(self) -> bool:
        return self.probe("/readyz")

    def table(self) -> dict[str, Any]:
        found: dict[str, Any] = httpx.get(f"http://{self.address}:8405/table").json()
        return found

    def metric(self, name: str) -> float:
        text = httpx.get(f"http://{self.address}:8405/metrics").text
        (line,) = [one for one in text.splitlines() if one.startswith(f"cellwright_{name} ")]
        return float(line.split()[1])

    def placed(self, api: ApiServer, directory: Directory) -> bool:
        """Tell whether it says that all is in the database that there is."""
        table = self.table()
        return (
            table["served"] is True
            and table["checksum"] == directory.mark()
            and int(table["resource_version"]) >= api.newest()
        )

    def wait(self, api: ApiServer, directory: Directory) -> None:
        self.until(lambda: self.placed(api, directory), "all is placed")


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


@pytest.fixture(scope="session", autouse=True)
def _engine() -> None:
    """Fail, not skip: these tests are about the real thing."""
    docker("info")
    docker("image", "inspect", POSTGRES_IMAGE, APP_IMAGE, PLACEMENT_IMAGE)


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
    """Return the cell's Postgres, with the app's schema, on a port that outlives a restart."""
    network = new_name()
    docker("network", "create", network)
    with volume() as data:
        options = postgres_options(f"--volume={data}:{DATA}", secrets)
        reached = (f"--network={network}", "--network-alias=postgres", "--publish=127.0.0.1::5432")
        with container(POSTGRES_IMAGE, *options, *reached) as running:
            server = Postgres(running)
            server.wait()
            migrate(network, secrets)
            yield server
    docker("network", "rm", network)


def migrate(network: str, secrets: Path) -> None:
    variables = {"PGHOST": "postgres", "PGDATABASE": "cell", "PGUSER": "cell_owner"}
    variables["PASSWORD_FILE"] = f"{SECRETS}/owner"
    given = [f"--env={key}={value}" for key, value in variables.items()]
    mounted = f"--volume={secrets}:{SECRETS}:ro"
    options = (f"--network={network}", mounted, *given)
    with container(APP_IMAGE, *options, command=("migrate",)) as migration:
        assert migration.exit_code() == 0, migration.logs()


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
                folder = tmp_path_factory.mktemp("placement")
                folder.chmod(0o755)
                for name in ("key", "account"):
                    (folder / name).mkdir()
                shutil.copytree(secrets, folder / "secrets")
                (folder / "key" / "directory-key").write_text(KEY)
                for file in ("ca.crt", "token"):
                    shutil.copy(credentials / file, folder / "account")
                made = Placement(
                    address := _address(next(_numbers)),
                    folder,
                    {
                        "CELL": "alpha",
                        "CLUSTER": CLUSTER,
                        "FLEET_ID": FLEET_ID,
                        "KUBERNETES_SERVICE_HOST": api.address,
                        "KUBERNETES_SERVICE_PORT": "6443",
                        "ROUTER_ADDRESS": address,
                        "PGHOST": "127.0.0.1",
                        "PGPORT": str(postgres.container.port(5432)),
                        "PGDATABASE": "cell",
                        "PGUSER": "cell_placement",
                        "PASSWORD_FILE": f"{SECRETS}/placement",
                    },
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
