"""A placement's container, and the database that it is for, as a cell runs them."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.postgres.containers import (
    APP_IMAGE,
    DATA,
    PLACEMENT_IMAGE,
    POSTGRES_IMAGE,
    Postgres,
    container,
    docker,
    new_name,
    postgres_options,
    until,
    volume,
)
from tests.router.api_server import ApiServer
from tests.router.directory import CLUSTER, FLEET_ID, Directory, public

SECRETS = "/var/run/secrets/cellwright"
MOUNTS = {
    "secrets": SECRETS,
    "key": "/var/run/secrets/cellwright-directory",
    "account": "/var/run/secrets/kubernetes.io/serviceaccount",
}
_RESTRICTED = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges")


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


def new_placement(
    folder: Path, address: str, api: str, database: Postgres, *, mounts: dict[str, Path]
) -> Placement:
    """Return a placement of cell alpha that is not started, for an API server's address.

    Of the mounts `secrets` has the passwords, and `account` what is needed for the API server.
    """
    folder.chmod(0o755)
    shutil.copytree(mounts["secrets"], folder / "secrets")
    for name in ("key", "account"):
        (folder / name).mkdir()
    (folder / "key" / "directory-key").write_text(public())
    for file in ("ca.crt", "token"):
        shutil.copy(mounts["account"] / file, folder / "account")
    environment = {
        "CELL": "alpha",
        "CLUSTER": CLUSTER,
        "FLEET_ID": FLEET_ID,
        "KUBERNETES_SERVICE_HOST": api,
        "KUBERNETES_SERVICE_PORT": "6443",
        "ROUTER_ADDRESS": address,
        "PGHOST": "127.0.0.1",
        "PGPORT": str(database.container.port(5432)),
        "PGDATABASE": "cell",
        "PGUSER": "cell_placement",
        "PASSWORD_FILE": f"{SECRETS}/placement",
    }
    return Placement(address, folder, environment)


@contextmanager
def running_database(secrets: Path) -> Iterator[Postgres]:
    """Run a Postgres with the app's schema, on a port of this machine."""
    network = new_name()
    docker("network", "create", network)
    try:
        with volume() as data:
            options = postgres_options(f"--volume={data}:{DATA}", secrets)
            reached = (f"--network={network}", "--network-alias=postgres")
            published = "--publish=127.0.0.1::5432"
            with container(POSTGRES_IMAGE, *options, *reached, published) as running:
                server = Postgres(running)
                server.wait()
                _migrate(network, secrets)
                yield server
    finally:
        docker("network", "rm", network)


def _migrate(network: str, secrets: Path) -> None:
    variables = {"PGHOST": "postgres", "PGDATABASE": "cell", "PGUSER": "cell_owner"}
    variables["PASSWORD_FILE"] = f"{SECRETS}/owner"
    given = [f"--env={key}={value}" for key, value in variables.items()]
    mounted = f"--volume={secrets}:{SECRETS}:ro"
    options = (f"--network={network}", mounted, *given)
    with container(APP_IMAGE, *options, command=("migrate",)) as migration:
        assert migration.exit_code() == 0, migration.logs()
