"""Secrets change while requests are answered: of one cell, and the root secret with all others."""

import base64
import os
import re
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle, product
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature

from cellwright.edge.settings import read_settings
from tests.end_to_end.conftest import CELLS
from tests.end_to_end.workspace import Workspace

PATHS = ("acme", "globex", "hooli")
PAUSE = 0.05
"""Seconds between two requests of a thread."""
WRITES = 20
"""One of so many requests writes."""
ROLES = ("owner", "app", "placement", "replication")
LOG_IN = """
read -r PGPASSWORD; export PGPASSWORD
psql -h 127.0.0.1 -U cell_$0 -d cell -Atc "SELECT 1"
"""
ASK = """
import ssl, sys, urllib.error, urllib.request
key, cell, *_ = sys.stdin.read().split()
request = urllib.request.Request("https://localhost:8080/notes", headers={
    "X-Cellwright-Key": key, "X-Cellwright-Cell": cell,
    "X-Cellwright-Organization": "nobody", "X-Cellwright-Organization-Id": "1"})
context = ssl._create_unverified_context()
try:
    print(urllib.request.urlopen(request, context=context).status)
except urllib.error.HTTPError as error:
    print(error.code)
"""


@contextmanager
def asked(routers: dict[str, str], threads: int = 2) -> Iterator[Counter[str]]:
    """Meanwhile each router is asked for each cell, to read and to write; give the answers."""
    ended = threading.Event()
    answers: Counter[str] = Counter()

    def ask() -> None:
        limits = httpx.Limits(max_keepalive_connections=0)
        with httpx.Client(timeout=20, limits=limits) as client:
            turns = cycle(product(routers.values(), PATHS))
            for number, (router, path) in enumerate(turns):
                if ended.wait(PAUSE):
                    return
                is_write = number % WRITES == 0  # each note makes later answers longer
                method, body = ("POST", {"text": "x"}) if is_write else ("GET", None)
                try:
                    done = client.request(method, f"{router}/o/{path}/notes", json=body)
                except httpx.TransportError as error:
                    answers[f"{time.strftime('%T')} {router} {path}: {error!r}"] += 1
                else:
                    is_ok = done.status_code in (200, 201)
                    said = f"{time.strftime('%T')} {router} {path}: {done.status_code} {done.text}"
                    answers["answered" if is_ok else said] += 1

    asking = [threading.Thread(target=ask) for _ in range(threads)]
    for one in asking:
        one.start()
    try:
        yield answers
    finally:
        ended.set()
        for one in asking:
            one.join()


def held(fleet: Workspace, cell: str, secret: str, key: str) -> str:
    found = fleet.kubectl("get", "secret", secret, "--namespace", f"cell-{cell}")
    return base64.b64decode(found["data"][key]).decode()


def app_key(fleet: Workspace, cell: str) -> str:
    return held(fleet, cell, "app", "router-key")


def given(
    fleet: Workspace, text: str, cell: str, *where: str
) -> "subprocess.CompletedProcess[str]":
    command = ["kubectl", "exec", "--stdin", "--namespace", f"cell-{cell}", *where]
    return subprocess.run(
        command,
        input=text,
        env=dict(fleet.environment),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def passwords(fleet: Workspace, cell: str) -> dict[str, str]:
    return {role: held(fleet, cell, f"postgres-{role}", "password") for role in ROLES}


def logs_in(fleet: Workspace, cell: str, known: dict[str, str]) -> set[bool]:
    """Return whether roles log in with these passwords."""
    return {logs_in_as(fleet, cell, role, password) for role, password in known.items()}


def logs_in_as(fleet: Workspace, cell: str, role: str, password: str) -> bool:
    done = given(fleet, f"{password}\n", cell, "postgres-0", "--", "sh", "-c", LOG_IN, role)
    refused = "password authentication failed" in done.stderr
    # A role's connections are counted once its password was found right.
    others = done.returncode == 0 or "too many connections for role" in done.stderr
    assert refused or others, done.stderr
    return not refused


def answers_to(fleet: Workspace, cell: str, *keys: str) -> list[int]:
    """Return what the app says of an organization that it was not given, if it believes a key."""
    return [status(fleet, cell, key) for key in keys]


def postgres_pods(fleet: Workspace) -> dict[str, tuple[str, int]]:
    namespaces = [f"cell-{cell}" for cell in CELLS]
    return fleet.pods(*namespaces, selector="app.kubernetes.io/name=postgres")


def status(fleet: Workspace, cell: str, key: str) -> int:
    """Return what the app answers to a request with this key."""
    program = ("deployment/app", "--container", "app", "--", "python3", "-c", ASK)
    done = given(fleet, f"{key} {cell}", cell, *program)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def certificates(text: str) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(text.encode())


def is_trusted(certificate: str, authorities: str) -> bool:
    (one,) = certificates(certificate)
    for above in certificates(authorities):
        try:
            one.verify_directly_issued_by(above)
        except (InvalidSignature, ValueError):
            continue
        return True
    return False


@pytest.mark.timeout(2400)
def test_secrets_change_without_a_failed_request(
    fleet: Workspace, routers: dict[str, str], eventually: Callable[..., Any]
) -> None:
    fleet.must("cellwright", "up", "--yes", timeout=900)
    before = {cell: (passwords(fleet, cell), app_key(fleet, cell)) for cell in CELLS}
    number = read_settings(fleet.root, "fleet").fleet_id
    postgres = postgres_pods(fleet)
    old_ca = held(fleet, "beta", "router", "router-ca.crt")
    with asked(routers) as answers:
        rotate_and_kill(fleet, eventually)
        done = fleet.run(
            "cellwright", "rotate", "cell", "beta", "--yes", "--wait", "5m", timeout=900
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert str(read_settings(fleet.root, "beta").state) == "1.2"
        known, key = before["beta"]
        assert logs_in(fleet, "beta", known) == {False}
        assert logs_in(fleet, "beta", passwords(fleet, "beta")) == {True}
        assert answers_to(fleet, "beta", key, app_key(fleet, "beta")) == [403, 421]
        assert {cell: app_key(fleet, cell) for cell in ("alpha", "gamma")} == {
            cell: before[cell][1] for cell in ("alpha", "gamma")
        }
        done = fleet.run("cellwright", "rotate", "root", "--yes", timeout=1800)
        assert done.returncode == 0, done.stdout + done.stderr
        for cell in CELLS:
            known, key = before[cell]
            assert logs_in(fleet, cell, known) == {False}
            assert logs_in(fleet, cell, passwords(fleet, cell)) == {True}
            assert answers_to(fleet, cell, key, app_key(fleet, cell)) == [403, 421]
            new_ca = held(fleet, cell, "router", "router-ca.crt")
            trusted = held(fleet, cell, "router", "ca.crt")
            assert is_trusted(new_ca, trusted)
            assert not is_trusted(old_ca, trusted)
        answered = answers["answered"]
    assert answers.keys() == {"answered"}, f"{answers}\n{lines_about(fleet, answers)}"
    assert answered > 100
    assert read_settings(fleet.root, "fleet").fleet_id == number
    assert postgres_pods(fleet) == postgres
    again = fleet.run("cellwright", "up", "--yes")
    assert again.stdout.startswith("nothing to do: "), again.stdout + again.stderr
    for stack in ("fleet", "alpha"):
        assert "unchanged" in fleet.up(stack)
    fleet.must("cellwright", "directory", "wait")


def lines_about(fleet: Workspace, answers: Counter[str]) -> str:
    """Return what routers that are still there have logged of the answers that failed."""
    failed = set(re.findall(r'"request_id":"([^"]+)"', "".join(answers)))
    found = []
    for cell in CELLS:
        names = ("--namespace", f"cell-{cell}", "--selector", "app.kubernetes.io/name=router")
        logs = fleet.must("kubectl", "logs", *names, "--container", "haproxy", "--tail=-1")
        found += [line for line in logs.splitlines() if any(one in line for one in failed)]
    return "\n".join(found)


def rotate_and_kill(fleet: Workspace, eventually: Callable[..., Any]) -> None:
    """Begin to rotate a cell's secrets, and kill that with all that it has started."""
    command = ["cellwright", "rotate", "cell", "beta", "--yes"]
    with subprocess.Popen(
        command,
        cwd=fleet.root,
        env=dict(fleet.environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        eventually(lambda: str(read_settings(fleet.root, "beta").state) == "1.1>1.2 use", 400)
        os.killpg(process.pid, signal.SIGKILL)
    told = fleet.run("cellwright", "status")
    assert "beta: its secrets are rotated, phase use" in told.stderr
