"""Two real routers (alpha and beta), a stub for a third cell, and the API server they watch."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "images" / "router"))  # for `import agent`

from agent.table import Table

from tests.postgres.containers import until
from tests.router.api_server import ApiServer
from tests.router.authorities import server_context
from tests.router.credentials import TOKEN, make_credentials
from tests.router.directory import Directory
from tests.router.pods import HOLD, IMAGE, LIFETIME, Pod
from tests.router.said import Said, table_in
from tests.router.secret import Secret
from tests.router.upstream import Upstream

_numbers = count(1)


def _address(number: int) -> str:
    return f"127.77.{os.getpid() % 250 + 1}.{number}"


@pytest.fixture(scope="session")
def _docker() -> None:
    """Fail, not skip: a router that was never run has not been tested."""
    for command in (["docker", "info"], ["docker", "image", "inspect", IMAGE]):
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"


@pytest.fixture(scope="session")
def new_address() -> Callable[[], str]:
    """Return what makes loopback addresses that this run has not used yet."""
    return lambda: _address(next(_numbers))


@pytest.fixture(scope="session")
def credentials(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with what pods and API servers need of each other."""
    folder = tmp_path_factory.mktemp("credentials")
    make_credentials(folder, map(_address, range(1, 250)))
    return folder


@dataclass(slots=True)
class Fleet:
    """What the tests change and ask; only alpha has TLS, with the certificate in `secret`."""

    api: ApiServer
    directory: Directory
    alpha: Pod
    beta: Pod
    gamma: Upstream
    apps: dict[str, Upstream]
    account: Path
    secret: Secret

    @property
    def routers(self) -> tuple[Pod, Pod]:
        return self.alpha, self.beta

    def publish(self) -> None:
        """Publish the directory and wait until both routers serve it.

        The version counts too: what was undone has the checksum of what was before.
        """
        self.api.publish(self.directory)
        newest = max(
            int(self.api.objects[name]["metadata"]["resourceVersion"])
            for name in self.directory.texts()
        )
        for router in self.routers:
            router.wait(self.directory.mark())
            until(
                lambda router=router: int(router.table()["resource_version"]) >= newest,
                f"{router.cell} has heard of version {newest}",
            )


def first_directory() -> Directory:
    """Return a directory that may lose as much as it likes, for tests that come and go."""
    directory = Directory(maximum_loss=100)
    for number, name in enumerate(("alpha", "beta", "gamma"), 1):
        directory.cells[name] = (number, f"router-hop.cell-{name}.svc.cluster.local", 8444)
    directory.add("acme", "alpha", hosts=("acme.example.com",))
    directory.add("umbrella", "beta", path="umb", hosts=("umbrella.example.com", "u.example.org"))
    directory.add("globex", "gamma", hosts=("globex.example.com",))
    directory.add("umb", "alpha", path="other")
    for state in ("maintenance", "maintenance-900", "fenced", "suspended", "gone"):
        directory.add(f"in-{state}", "alpha", state=state)
    return directory


@pytest.fixture(scope="session")
def new_fleet(
    _docker: None,
    tmp_path_factory: pytest.TempPathFactory,
    new_address: Callable[[], str],
    credentials: Path,
) -> Callable[..., AbstractContextManager[Fleet]]:
    """Return what starts a fleet, for the time of a `with`; with nothing to route to if asked."""

    @contextmanager
    def start(*, stubs: bool = True, hold: int = HOLD, lifetime: int = LIFETIME) -> Iterator[Fleet]:
        addresses = {name: new_address() for name in ("alpha", "beta", "gamma")}
        directory = first_directory()
        hosts = [
            f"--add-host={host}:{addresses[name]}" for name, (_, host, _) in directory.cells.items()
        ]
        api = ApiServer(new_address(), 6443, credentials / "server.pem", TOKEN)
        api.publish(directory)
        secret = Secret(tmp_path_factory.mktemp("secret"), addresses["alpha"])
        account = tmp_path_factory.mktemp("account")
        account.chmod(0o755)
        for file in ("ca.crt", "token"):
            shutil.copy(credentials / file, account)
        mount = f"--volume={account}:/var/run/secrets/kubernetes.io/serviceaccount:ro"
        with ExitStack() as stack:
            gamma = Upstream(addresses["gamma"], 8444, "gamma", server_context("router", "gamma"))
            apps = {
                name: Upstream(addresses[name], 9000, f"{name}-app", server_context("app", name))
                for name in ("alpha", "beta")
            }
            if stubs:
                for one in (gamma, *apps.values()):
                    stack.enter_context(one)
            api.start()
            stack.callback(api.stop)
            pods = {
                name: Pod(
                    name,
                    addresses[name],
                    tmp_path_factory.mktemp(name),
                    api.address,
                    (*hosts, mount),
                    secret=secret.folder if name == "alpha" else None,
                    hold=hold,
                    lifetime=lifetime,
                )
                for name in ("alpha", "beta")
            }
            for pod in pods.values():
                stack.callback(pod.remove)
                pod.start()
            yield Fleet(api, directory, pods["alpha"], pods["beta"], gamma, apps, account, secret)

    return start


@pytest.fixture(scope="session")
def fleet(new_fleet: Callable[[], AbstractContextManager[Fleet]]) -> Iterator[Fleet]:
    """Return a fleet that all tests share which leave it as they found it."""
    with new_fleet() as started:
        yield started


@pytest.fixture
def said() -> Said:
    return Said()


@pytest.fixture
def restarted(tmp_path: Path) -> Callable[[], Table]:
    """Return what makes a table from what is on disk, as an agent that starts does."""
    return lambda: table_in(tmp_path)


@pytest.fixture
def table(restarted: Callable[[], Table], said: Said) -> Table:
    made = restarted()
    made.take([said.cells(10), *said.all(11)], 20)
    assert made.complete
    return made
