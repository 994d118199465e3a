"""A million requests while the table changes all the time: no answer comes from a wrong cell.

What is right is known from when each change was published and when both routers said that they
serve it: a request may see the table of any moment between its own first and last.
"""

import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.postgres.containers import docker, new_name, until
from tests.router.asking import DEPTH
from tests.router.authorities import shown_by
from tests.router.conftest import Fleet
from tests.router.pods import IMAGE

pytestmark = pytest.mark.docker

REQUESTS = 1_000_000
ORGANIZATIONS = 5_000
CELLS = ("alpha", "beta", "gamma")
CLIENTS = 2
SEED = 20
HOLD = 25
"""Seconds for which requests may be held: on a busy machine a fence lasts."""
_ORIGIN = """
global
    maxconn 4000
defaults
    mode http
    timeout client 60s
    timeout server 60s
    timeout connect 1s
frontend cells
{binds}
    http-request set-var(txn.at) dst,map_ip(/etc/cellwright/cells)
    http-request set-var(txn.who) req.hdr(x-cellwright-organization)
    http-request return content-type text/plain lf-string "%[var(txn.at)] %[var(txn.who)]\\n"
"""


class Era(NamedTuple):
    """One answer to a path: possible from `published` on, the one before is not after `served`.

    An organization that was fenced meanwhile is answered all the same, only later.
    """

    published: float
    served: float
    answer: str
    fenced: bool


@dataclass
class Story:
    """What each path's answers may have been, and when."""

    eras: dict[str, list[Era]] = field(default_factory=dict)

    def tell(
        self, path: str, answer: str, published: float, served: float, *, fenced: bool = False
    ) -> None:
        self.eras.setdefault(path, []).append(Era(published, served, answer, fenced))

    def possible(self, path: str, sent: float, came: float) -> set[str]:
        """Return what may have been answered to a request that was under way between the times."""
        eras = self.eras[path]
        ends = [era.served for era in eras[1:]] + [came]
        met = [
            era
            for era, end in zip(eras, ends, strict=True)
            if era.published <= came and end >= sent
        ]
        # Without a fence one router may have the new table while the other one has not.
        between = {"508"} if not all(era.fenced for era in met[1:]) else set()
        return {era.answer for era in met} | between


@pytest.fixture
def origin(tmp_path: Path) -> Iterator[Callable[[Fleet], None]]:
    """Return what starts one quick HAProxy in place of both apps and of the third cell's router."""
    with ExitStack() as stack:

        def start(fleet: Fleet) -> None:
            places = {"alpha": 9000, "beta": 9000, "gamma": 8444}
            addresses = {
                "alpha": fleet.alpha.address,
                "beta": fleet.beta.address,
                "gamma": fleet.gamma.address,
            }
            binds = ""
            for cell, part in (("alpha", "app"), ("beta", "app"), ("gamma", "router")):
                shown = shown_by(part, cell)
                (tmp_path / f"{cell}.pem").write_text(shown.key + shown.chain)
                tls = f"ssl crt /etc/cellwright/{cell}.pem"
                binds += f"    bind {addresses[cell]}:{places[cell]} {tls}\n"
            (tmp_path / "haproxy.cfg").write_text(_ORIGIN.format(binds=binds))
            (tmp_path / "cells").write_text(
                "".join(f"{address} {name}\n" for name, address in addresses.items())
            )
            tmp_path.chmod(0o755)
            name = new_name()
            stack.callback(docker, "rm", "--force", name)
            mount = f"--volume={tmp_path}:/etc/cellwright:ro"
            started = ("run", "--detach", "--name", name, "--network=host", mount, IMAGE)
            docker(*started, "haproxy", "-db", "-f", "/etc/cellwright/haproxy.cfg")

        yield start


class Changes:
    """Random changes of the table, each followed until both routers serve it."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.story = Story()
        self.made: Counter[str] = Counter()
        self._random = random.Random(SEED)  # noqa: S311 (not for secrets)
        for number in range(ORGANIZATIONS):
            name = f"org-{number:05d}"
            fleet.directory.organizations.pop(name, None)
            fleet.directory.add(name, self._random.choice(CELLS))
        fleet.publish()
        for one in fleet.directory.organizations.values():
            self.story.tell(one.path or one.name, f"{one.cell} {one.name}", 0, 0)
        self.names = [f"org-{number:05d}" for number in range(ORGANIZATIONS)]

    def make_some(self) -> None:
        """Change about a hundredth of the organizations in one of the ways."""
        kind = self._random.choice((self.move, self.leave, self.swap, self.fence))
        chosen = self._random.sample(self.names, 50)
        kind(chosen)
        self.made[kind.__name__] += len(chosen)

    def move(self, chosen: list[str]) -> None:
        for name in chosen:
            self.fleet.directory.change(name, cell=self._random.choice(CELLS))
        self._publish(chosen)

    def leave(self, chosen: list[str]) -> None:
        """The organizations go, and come back elsewhere."""
        gone = {name: self.fleet.directory.organizations.pop(name) for name in chosen}
        published, served = self._published()
        for one in gone.values():
            self.story.tell(one.path or one.name, "404", published, served)
        self.fleet.directory.organizations |= gone
        self.move(chosen)

    def swap(self, chosen: list[str]) -> None:
        """Pairs of organizations take each other's path; in between it may be nobody's."""
        directory = self.fleet.directory
        for left, right in zip(chosen[::2], chosen[1::2], strict=True):
            paths = [directory.organizations[one].path or one for one in (left, right)]
            directory.change(left, path=paths[1])
            directory.change(right, path=paths[0])
        published, served = self._published()
        for name in chosen:
            one = directory.organizations[name]
            self.story.tell(one.path, "404", published, served)
            self.story.tell(one.path, f"{one.cell} {name}", published, served)

    def fence(self, chosen: list[str]) -> None:
        """As a move does it: once all routers hold the requests, nothing reaches the old cell."""
        directory = self.fleet.directory
        for name in chosen:
            directory.change(name, state="fenced")
        _, fenced = self._published()
        for name in chosen:
            directory.change(name, cell=self._random.choice(CELLS))
        self._published()
        for name in chosen:
            directory.change(name, state="active")
        published, _ = self._published()
        for name in chosen:
            one = directory.organizations[name]
            answer = f"{one.cell} {name}"
            self.story.tell(one.path or name, answer, published, fenced, fenced=True)

    def _publish(self, chosen: list[str]) -> None:
        published, served = self._published()
        for name in chosen:
            one = self.fleet.directory.organizations[name]
            self.story.tell(one.path or name, f"{one.cell} {name}", published, served)

    def _published(self) -> tuple[float, float]:
        published = time.monotonic()
        self.fleet.publish()
        return published, time.monotonic()


def ask_meanwhile(changes: Changes, folder: Path) -> list[Path]:
    """Change the table until all requests are answered; return the files of answers."""
    names = folder / "paths"
    names.write_text("\n".join(changes.names))
    files = [folder / f"answers-{seed}" for seed in range(CLIENTS)]
    batches = str(REQUESTS // CLIENTS // DEPTH)
    addresses = [router.address for router in changes.fleet.routers]
    clients = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.router.asking", names, str(n), batches, file, *addresses]
        )
        for n, file in enumerate(files)
    ]
    try:
        while any(client.poll() is None for client in clients):
            changes.make_some()
    finally:
        for client in clients:
            client.kill()
        ended = [client.wait() for client in clients]
    assert ended == [0] * CLIENTS
    return files


@pytest.mark.timeout(1500)
def test_no_answer_comes_from_a_wrong_cell(
    new_fleet: Callable[..., AbstractContextManager[Fleet]],
    origin: Callable[[Fleet], None],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with new_fleet(stubs=False, hold=HOLD) as fleet:
        origin(fleet)
        changes = Changes(fleet)
        path = f"/o/{changes.names[0]}/"
        until(lambda: fleet.alpha.get(path).status_code == 200, "the cells answer")
        files = ask_meanwhile(changes, tmp_path_factory.mktemp("asking"))
    answers, wrong = Counter[str](), []
    for line in (line for file in files for line in file.read_text().splitlines()):
        sent, came, paths, found = json.loads(line)
        for path, answer in zip(paths, found, strict=True):
            answers[answer.split()[0]] += 1
            possible = changes.story.possible(changes.names[path], sent, came)
            if answer not in possible:
                wrong.append((changes.names[path], answer, possible, sent, came))
    assert wrong == [], f"{answers.total()} answers, {dict(changes.made)} changes: {dict(answers)}"
    assert answers.total() == REQUESTS
    assert min(answers[cell] for cell in CELLS) > REQUESTS / 6
    assert all(changes.made[kind] > 0 for kind in ("move", "leave", "swap", "fence"))
