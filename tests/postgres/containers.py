"""Containers of the project's own images, run the way that a cell runs them.

For tests only. A container has a read-only root file system, no capabilities and no way to gain
any, so that what works here works under the `restricted` Pod Security level. Nothing is pulled:
`make` has built the images before.
"""

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

POSTGRES_IMAGE = os.environ.get("POSTGRES_IMAGE", "cellwright/postgres:0.1.0")
PLACEMENT_IMAGE = os.environ.get("PLACEMENT_IMAGE", "cellwright/placement:0.1.0")
APP_IMAGE = os.environ.get("APP_IMAGE", "cellwright/app:0.1.0")
DATA = "/var/lib/postgresql/data"
PASSWORDS = {
    "owner": "password-of-the-owner",
    "app": "password-of-the-app",
    "replication": "password-of-replication",
    "placement": "password-of-the-placement",
}
_RESTRICTED = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges")


def docker(*arguments: str) -> str:
    """Return what the docker client prints; a failure shows what it printed instead."""
    done = subprocess.run(
        ["docker", *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, f"docker {' '.join(arguments)}: {done.stdout}{done.stderr}"
    return done.stdout


def new_name() -> str:
    return f"cellwright-test-{uuid4().hex[:12]}"


def processes(container: str) -> list[int]:
    """Return a container's first process and those that it has started."""
    return family(int(docker("inspect", "--format", "{{.State.Pid}}", container)))


def family(process: int) -> list[int]:
    """Return a process and those that it has started."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text()
    return [process, *map(int, children.split())]


def until(reached: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Wait for `reached`; `what` says in the error what did not come."""
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.05)


@dataclass(frozen=True, slots=True)
class Container:
    """A container by its name; it may be stopped."""

    name: str

    def logs(self) -> str:
        done = subprocess.run(
            ["docker", "logs", self.name],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=True,
        )
        return done.stdout

    def follow(self, text: str) -> None:
        """Return as soon as a line of the log holds `text`."""
        command = ["docker", "logs", "--follow", self.name]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as log:
            assert log.stdout is not None
            found = any(text in line for line in log.stdout)
            log.terminate()
        assert found, f"it stopped before it wrote {text!r}:\n{self.logs()}"

    def inspect(self, template: str) -> str:
        return docker("inspect", "--format", template, self.name).strip()

    def running(self) -> bool:
        return self.inspect("{{.State.Running}}") == "true"

    def exit_code(self) -> int:
        """Return the exit code of a container that ends by itself."""
        return int(docker("wait", self.name))

    def shell(self, script: str) -> str:
        return docker("exec", self.name, "sh", "-c", script)

    def port(self, inner: int) -> int:
        return int(docker("port", self.name, str(inner)).splitlines()[0].rpartition(":")[2])


@contextmanager
def container(image: str, *options: str, command: tuple[str, ...] = ()) -> Iterator[Container]:
    """Start a restricted container and remove it, with its anonymous volumes, at the end."""
    name = new_name()
    docker("create", "--name", name, *_RESTRICTED, *options, image, *command)
    try:
        docker("start", name)
        yield Container(name)
    finally:
        docker("rm", "--force", "--volumes", name)


@contextmanager
def volume(*options: str) -> Iterator[str]:
    name = new_name()
    docker("volume", "create", *options, name)
    try:
        yield name
    finally:
        docker("volume", "rm", name)


@contextmanager
def tool(mount: str) -> Iterator[Container]:
    """Run a container that does nothing with a volume, to look into it or to keep it mounted."""
    options = ("--volume", f"{mount}:{DATA}", "--entrypoint", "sleep")
    with container(POSTGRES_IMAGE, *options, command=("600",)) as running:
        yield running


def write_passwords(folder: Path, passwords: Mapping[str, str]) -> None:
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    for role, password in passwords.items():
        (folder / role).write_text(password)
        (folder / role).chmod(0o644)


def postgres_options(data: str, passwords: Path) -> tuple[str, ...]:
    """Return the options of a cell's Postgres; `data` is an option that mounts its volume."""
    return (
        data,
        "--tmpfs=/tmp:mode=1777",
        "--tmpfs=/var/run/postgresql:uid=999,gid=999,mode=0700",
        f"--volume={passwords}:/etc/cellwright/passwords:ro",
    )


@dataclass(frozen=True, slots=True)
class Postgres:
    """A cell's Postgres that has started or is about to."""

    container: Container

    def ready(self) -> bool:
        assert self.container.running(), f"it stopped:\n{self.container.logs()}"
        asked = ("docker", "exec", self.container.name, "pg_isready", "--quiet")
        return subprocess.run(asked, timeout=60, check=False).returncode == 0

    def wait(self) -> None:
        until(self.ready, "Postgres is ready")

    def psql(
        self, *statements: str, role: str = "", database: str = "cell", password: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run statements as the superuser, or over the network as `cell_<role>`.

        The result's output has only values; its errors begin with the SQLSTATE.
        """
        login = ["--username=postgres"]
        if role:
            login = ["--host=127.0.0.1", f"--username=cell_{role}"]
        commands = [f"--command={statement}" for statement in statements]
        return subprocess.run(
            [
                *("docker", "exec", "--env", f"PGPASSWORD={password or PASSWORDS.get(role, '')}"),
                *(self.container.name, "psql", "--no-psqlrc", "--quiet", "--no-align"),
                *("--tuples-only", "--set=ON_ERROR_STOP=1", "--set=VERBOSITY=sqlstate"),
                *login,
                f"--dbname={database}",
                *commands,
            ],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    @contextmanager
    def transaction(self, *statements: str) -> Iterator[None]:
        """Hold a transaction of the superuser open after these statements; commit at the end."""
        command = ["docker", "exec", "--interactive", self.container.name, "psql", "--quiet"]
        login = ["--username=postgres", "--dbname=cell", "--set=ON_ERROR_STOP=1"]
        with subprocess.Popen(
            [*command, *login], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as psql:
            assert psql.stdin is not None
            assert psql.stdout is not None
            psql.stdin.write(f"BEGIN;\n{';'.join(statements)};\n\\echo held\n")
            psql.stdin.flush()
            assert any(line == "held\n" for line in psql.stdout), "the statements failed"
            yield
            psql.stdin.write("COMMIT;\n")
            psql.stdin.close()
            assert psql.wait(timeout=60) == 0

    def value(self, *statements: str, role: str = "") -> str:
        done = self.psql(*statements, role=role)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()
