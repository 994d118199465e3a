"""Two routers with an agent each, the API server that they watch, and a quick origin, on loopback.

The routers run from the project's image; everything but the number of organizations is as in the
tests. Refuses to build or to install anything.
"""

import hashlib
import random
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # for `import tests`

from tests.postgres.containers import docker, family, new_name, processes
from tests.router.api_server import ApiServer
from tests.router.authorities import shown_by
from tests.router.credentials import TOKEN, make_credentials
from tests.router.directory import config_map, shard_of, shard_texts
from tests.router.pods import IMAGE, Pod, configuration

SHARDS = 64
ALPHA, BETA, API, CONSTANT, ORIGIN = (f"127.79.0.{number}" for number in range(1, 6))
_WORDS = ("acme", "globex", "umbrella", "initech", "hooli", "stark", "vandelay", "oscorp")
_NO_LOG = "--log-driver=none"
"""What docker does with the access log would take more time than what HAProxy does for it."""

_SAID = "hdr X-Asked %[path,field(3,/)] hdr X-Got %[req.hdr(x-cellwright-organization)]"
_ORIGIN = f"""\
global
    nbthread 2
    maxconn 4000
defaults
    mode http
    timeout client 60s
    timeout server 60s
    timeout connect 1s
frontend origin
    bind {ORIGIN}:9000
    bind {ALPHA}:9000 ssl crt /etc/cellwright/alpha.pem
    bind {BETA}:9000 ssl crt /etc/cellwright/beta.pem
    http-request return status 200 content-type text/plain string ok {_SAID}
"""


class Organizations:
    """The directory's shards; every tenth organization has a host."""

    def __init__(self, count: int) -> None:
        self.names = [_name(number) for number in range(count)]
        self._ids = dict(zip(self.names, range(1_000_001, 1_000_001 + count), strict=True))
        self._states: dict[str, str] = {}
        self._hosts = {f"{name}.example.com": name for name in self.names[9::10]}
        self._keys: list[list[str]] = [[] for _ in range(SHARDS)]
        for key in (*self.names, *self._hosts):
            self._keys[self.shard(key)].append(key)
        self.cells = f"alpha\t1\t{ALPHA}\t8444\nbeta\t2\t{BETA}\t8444\n"

    @staticmethod
    def shard(key: str) -> int:
        """Return the number of the key's shard."""
        return shard_of(key, SHARDS)

    def set_state(self, name: str, state: str) -> None:
        """Give one organization another state."""
        self._states[name] = state

    def renumber(self) -> None:
        """Give every organization another id."""
        self._ids = {name: number + 5_000_000 for name, number in self._ids.items()}

    def text(self, shard: int) -> str:
        """Return the shard as the directory holds it."""
        keys = self._keys[shard]
        return shard_texts([(key, self.value(key)) for key in keys], SHARDS)[shard]

    def by_path(self) -> Iterator[tuple[str, str]]:
        """Yield what is known by each path."""
        return ((name, self.value(name)) for name in self.names)

    def value(self, key: str) -> str:
        """Return what is known by a key."""
        if key in self._hosts:
            return self._hosts[key]
        return f"{self._states.get(key, 'active')}:alpha:{self._ids[key]}:{key}"


def _name(number: int) -> str:
    digest = hashlib.blake2b(number.to_bytes(8), digest_size=1).hexdigest()
    return f"{_WORDS[number % len(_WORDS)]}-{number:x}{digest}"


def shard_map(organizations: Organizations, shard: int) -> dict[str, object]:
    """Return the shard's ConfigMap."""
    return _config_map(f"directory-{shard:02d}", organizations.text(shard))


def _config_map(name: str, text: str) -> dict[str, object]:
    return config_map(name, text, hashlib.sha256(text.encode()).hexdigest(), SHARDS)


@dataclass(frozen=True, slots=True)
class Fleet:
    """Both routers, the second HAProxy with a constant for the look-up, and the files for wrk."""

    api: ApiServer
    organizations: Organizations
    alpha: Pod
    beta: Pod
    constant: str
    paths: Path


@contextmanager
def fleet(folder: Path, count: int) -> Iterator[Fleet]:
    """Start everything; containers are removed at the end."""
    organizations = Organizations(count)
    account = folder / "account"
    account.mkdir()
    make_credentials(account, [API])
    api = ApiServer(API, 6443, account / "server.pem", TOKEN)
    api.put(_config_map("directory-cells", organizations.cells))
    for shard in range(SHARDS):
        api.put(shard_map(organizations, shard))
    paths = folder / "paths"
    paths.write_text("\n".join(random.Random(7).sample(organizations.names, count)) + "\n")  # noqa: S311
    options = (
        f"--volume={account}:/var/run/secrets/kubernetes.io/serviceaccount:ro",
        _NO_LOG,
    )
    with ExitStack() as stack:
        api.start()
        stack.callback(api.stop)
        origin = folder / "origin"
        origin.mkdir()
        for cell in ("alpha", "beta"):
            shown = shown_by("app", cell)
            (origin / f"{cell}.pem").write_text(shown.key + shown.chain)
        stack.enter_context(haproxy(origin, _ORIGIN, f"{ORIGIN}:9000"))
        pods = []
        for cell, address in (("alpha", ALPHA), ("beta", BETA)):
            pod = Pod(cell, address, folder / cell, API, options)
            pod.folder.mkdir()
            stack.callback(pod.remove)
            pod.start()
            pods.append(pod)
        value = organizations.value(organizations.names[0])
        constant = stack.enter_context(_constant(folder / "constant", pods[0], value))
        yield Fleet(api, organizations, pods[0], pods[1], constant, paths)


@contextmanager
def haproxy(folder: Path, config: str, address: str, *options: str) -> Iterator[str]:
    """Run HAProxy from the router's image with another configuration; yield the container."""
    folder.mkdir(exist_ok=True)
    (folder / "haproxy.cfg").write_text(config)
    name = new_name()
    mount = f"--volume={folder}:/etc/cellwright"
    started = ("run", "--detach", "--name", name, "--network=host", mount, _NO_LOG, *options, IMAGE)
    docker(*started, "haproxy", "-db", "-f", "/etc/cellwright/haproxy.cfg")
    try:
        wait_for(lambda: connects(address), f"HAProxy of {folder.name} listens")
        yield name
    finally:
        subprocess.run(["docker", "rm", "--force", name], capture_output=True, check=True)


@contextmanager
def _constant(folder: Path, pod: Pod, value: str) -> Iterator[str]:
    """The same HAProxy with the same maps, which finds the same organization for every path."""
    run = folder / "run"
    shutil.copytree(pod.folder / "run" / "table", run / "table")
    run.chmod(0o777)
    lines = configuration(pod).splitlines(keepends=True)
    at = next(n for n, line in enumerate(lines) if "set-var(txn.path) path,field(3,/)" in line)
    if "regsub" not in lines[at + 1]:
        raise SystemExit("the configuration has no look-up by path that could be replaced")
    found = f"set-var(txn.organization) str({value}) if {{ var(txn.rule) -m str path }}"
    config = "".join([*lines[:at], f"    http-request {found}\n", *lines[at + 2 :]])
    options = (
        f"--volume={run}:/run/cellwright",
        f"--env=ROUTER_ADDRESS={CONSTANT}",
        f"--volume={pod.folder}/certificate:/run/certificate",
        f"--volume={pod.folder}/trust:/var/run/secrets/cellwright:ro",
    )
    with haproxy(folder, config, f"{CONSTANT}:8080", *options) as name:
        yield name


def wait_for(
    reached: Callable[[], bool], what: str, seconds: float = 60, *, pause: float = 0.005
) -> float:
    """Wait, with a pause between two looks; return the seconds that it took."""
    begin = time.monotonic()
    while not reached():
        if time.monotonic() - begin > seconds:
            raise SystemExit(f"not within {seconds} s: {what}")
        time.sleep(pause)
    return time.monotonic() - begin


def connects(address: str) -> bool:
    """Tell whether somebody listens at `host:port`."""
    host, _, port = address.partition(":")
    with socket.socket() as connection:
        return connection.connect_ex((host, int(port))) == 0


class Processes:
    """A process and those that it has started, such as a container's."""

    def __init__(self, first: int) -> None:
        self._first = first

    def cpu(self) -> float:
        """Return the CPU seconds that all have used."""
        return sum(map(_cpu, family(self._first)))

    def megabytes(self) -> float:
        """Return what the largest has resident; those of one program share the table."""
        return max(map(_megabytes, family(self._first)))


class Peer(Processes):
    """Another program in the router's place."""

    def __init__(self, first: int, started: float) -> None:
        super().__init__(first)
        self.started = started
        """Seconds from its start to its first connection."""


def inside(container: str) -> Processes:
    """Return the processes of a container: in a router's, HAProxy and the relay of its log."""
    return Processes(processes(container)[0])


def _cpu(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def _megabytes(process: int) -> float:
    text = Path(f"/proc/{process}/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0]) / 1024


def answered(pod: Pod) -> int:
    """Return how many requests the router's HAProxy has taken so far."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(pod.folder / "run" / "haproxy.sock"))
        connection.sendall(b"show info\n")
        said = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
    return int(said.partition("CumReq: ")[2].split()[0])
