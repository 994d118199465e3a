"""What one organization that attacks costs its neighbours: a real cell, and another cell's router.

The attacker lives on cell alpha. A neighbour on the same cell asks 20 times a second through its
router; a third one, there as well, through the router of cell beta. Both ask the app for what is in
its Postgres: first in peace, then under attack (see `isolation_attack`), through both routers. The
last line is one JSON object: requests of either that failed, the neighbour's 99th percentile under
attack beside that in peace, and the most memory that a HAProxy took beside what a router has.

    .venv/bin/python benchmarks/isolation.py [--quick]
"""

import argparse
import http.client
import json
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # for `import tests`

from tests.postgres.containers import (
    APP_IMAGE,
    DATA,
    PASSWORDS,
    POSTGRES_IMAGE,
    Postgres,
    container,
    docker,
    new_name,
    postgres_options,
    processes,
    until,
    volume,
    write_passwords,
)
from tests.router.api_server import ApiServer
from tests.router.authorities import shown_by
from tests.router.credentials import TOKEN, make_credentials
from tests.router.directory import Directory, Organization
from tests.router.pods import APP_KEY, MEMORY, Pod

ALPHA, BETA, API = (f"127.78.0.{number}" for number in range(1, 4))
SECRETS = "/var/run/secrets/cellwright"
RATE = 20.0
"""Requests per second of each neighbour."""
WARM_S = 5.0
_YIELD = '! [ -w /proc/self/autogroup ] || echo 19 > /proc/self/autogroup; exec nice -n 19 "$@"'
_YIELDING = ("sh", "-c", _YIELD, "sh")


@dataclass(slots=True)
class Neighbour:
    """Asks at a fixed rate, whatever the answers take."""

    router: str
    path: str
    took: list[float] = field(default_factory=list)
    failed: int = 0

    def ask(self, seconds: float) -> None:
        """Ask for so long; each request waits for its own moment, not for the answer before."""
        threads = []
        begin = time.monotonic()
        for number in range(int(seconds * RATE)):
            time.sleep(max(0.0, begin + number / RATE - time.monotonic()))
            threads.append(threading.Thread(target=self._once))
            threads[-1].start()
        for one in threads:
            one.join()

    def _once(self) -> None:
        began = time.monotonic()
        connection = http.client.HTTPConnection(self.router, 8080, timeout=20)
        try:
            connection.request("GET", self.path)
            ok = connection.getresponse().status == 200
        except OSError:
            ok = False
        finally:
            connection.close()
        self.took.append(time.monotonic() - began)
        self.failed += not ok

    def percentile(self, share: float) -> float:
        """Return the milliseconds within which this share was answered."""
        return sorted(self.took)[int(len(self.took) * share)] * 1000


@contextmanager
def cell(folder: Path) -> Iterator[None]:
    """Run alpha's Postgres and app, where its router looks for it."""
    secrets = folder / "secrets"
    shown = shown_by("app", "alpha")
    certificate = {"tls.crt": shown.chain, "tls.key": shown.key}
    write_passwords(secrets, {**PASSWORDS, "router-key": APP_KEY + "alpha", **certificate})
    network = new_name()
    docker("network", "create", network)
    with ExitStack() as stack:
        stack.callback(docker, "network", "rm", network)
        options = postgres_options(f"--volume={stack.enter_context(volume())}:{DATA}", secrets)
        reached = (f"--network={network}", "--network-alias=postgres")
        postgres = Postgres(stack.enter_context(container(POSTGRES_IMAGE, *options, *reached)))
        postgres.wait()
        migration = _app(network, secrets, "owner")
        with container(APP_IMAGE, *migration, command=("migrate",)) as running:
            if running.exit_code():
                raise SystemExit(running.logs())
        added = "INSERT INTO organizations (organization_id, name) VALUES"
        rows = ", ".join(f"({one.id}, '{name}')" for name, one in organizations().items())
        postgres.value(f"{added} {rows}", role="placement")
        published = f"--publish={ALPHA}:9000:8080"
        stack.enter_context(container(APP_IMAGE, *_app(network, secrets, "app"), published))
        yield


def _app(network: str, secrets: Path, role: str) -> tuple[str, ...]:
    variables = {
        "CELL": "alpha",
        "PGHOST": "postgres",
        "PGDATABASE": "cell",
        "PGUSER": f"cell_{role}",
        "PASSWORD_FILE": f"{SECRETS}/{role}",
        "ROUTER_KEY_FILE": f"{SECRETS}/router-key",
        "CERTIFICATE_DIRECTORY": SECRETS,
    }
    mounted = (f"--network={network}", f"--volume={secrets}:{SECRETS}:ro")
    return (*mounted, *(f"--env={name}={value}" for name, value in variables.items()))


def organizations() -> dict[str, Organization]:
    """Return those that live on alpha."""
    found = Directory()
    for name in ("attacker", "neighbour", "third"):
        found.add(name, "alpha")
    return found.organizations


@contextmanager
def routers(folder: Path) -> Iterator[tuple[Pod, Pod]]:
    """Run the routers of both cells, and the API server that they watch."""
    account = folder / "account"
    account.mkdir()
    make_credentials(account, [API])
    directory = Directory(organizations=organizations())
    for number, (name, address) in enumerate((("alpha", ALPHA), ("beta", BETA)), 1):
        directory.cells[name] = (number, address, 8444)
    api = ApiServer(API, 6443, account / "server.pem", TOKEN)
    api.publish(directory)
    options = (
        f"--volume={account}:/var/run/secrets/kubernetes.io/serviceaccount:ro",
        "--log-driver=none",
    )
    with ExitStack() as stack:
        api.start()
        stack.callback(api.stop)
        pods = []
        for name, address in (("alpha", ALPHA), ("beta", BETA)):
            pod = Pod(name, address, folder / name, API, options)
            pod.folder.mkdir()
            stack.callback(pod.remove)
            pod.start()
            pods.append(pod)
        yield pods[0], pods[1]


@contextmanager
def attack() -> Iterator[None]:
    """Let the attacker begin, and end it.

    Its programs yield to the cell's: elsewhere they would be on machines of their own. Linux shares
    processors among sessions first (autogroup, see sched(7)), so they have sessions that yield.
    """
    program = Path(__file__).with_name("isolation_attack.py")
    begun = [
        subprocess.Popen(
            [*_YIELDING, sys.executable, str(program), kind, address, f"/o/attacker/{path}"],
            start_new_session=True,
        )
        for kind, address, path in (
            ("streams", ALPHA, "notes"),
            ("streams", BETA, "notes"),
            ("bodies", ALPHA, "notes"),
            ("queries", ALPHA, "notes"),
        )
    ]
    try:
        yield
        if any(one.poll() is not None for one in begun):
            raise SystemExit("an attack ended by itself")
    finally:
        for one in begun:
            one.kill()
            one.wait()


def asked(seconds: float) -> tuple[Neighbour, Neighbour]:
    """Let both neighbours ask at the same time."""
    both = Neighbour(ALPHA, "/o/neighbour/notes"), Neighbour(BETA, "/o/third/notes")
    threads = [threading.Thread(target=one.ask, args=(seconds,)) for one in both]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return both


def peak(pod: Pod) -> int:
    """Return the most MiB that a router's HAProxy has had."""
    said = (Path(f"/proc/{one}/status").read_text() for one in processes(pod.haproxy))
    kilobytes = (re.search(r"^VmHWM:\s+(\d+) kB", text, re.MULTILINE) for text in said)
    return sum(int(one[1]) for one in kilobytes if one) // 1024


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="12 s of attack and not 40")
    seconds = 12.0 if parser.parse_args().quick else 40.0
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)
        stack.enter_context(cell(folder))
        pods = stack.enter_context(routers(folder))
        until(lambda: pods[1].get("/o/third/notes").status_code == 200, "the cell answers")
        asked(2)
        before = asked(8)
        with attack():
            time.sleep(WARM_S)
            under = asked(seconds)
        for when, both in (("in peace", before), ("under attack", under)):
            for who, one in zip(("neighbour", "through beta"), both, strict=True):
                p50, p99 = one.percentile(0.5), one.percentile(0.99)
                text = f"{len(one.took)} asked, {one.failed} failed"
                print(f"{when:14}{who:14}{text}, p50 {p50:.1f} ms, p99 {p99:.1f} ms")
        result = {
            "neighbour_failed": under[0].failed,
            "neighbour_p99_ratio": round(under[0].percentile(0.99) / before[0].percentile(0.99), 2),
            "through_failed": under[1].failed,
            "router_peak_mb": max(map(peak, pods)),
            "limit_mb": int(MEMORY.removesuffix("Mi")),
        }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
