"""A fleet on the tests' own kind cluster, brought up once from a copy of the workspace.

The copy has stacks and a state of its own, so that tests may add, break and destroy.
"""

import os
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import cycle, product
from typing import Any

import httpx
import pytest
import yaml

from cellwright.entry import Entries
from tests.end_to_end.workspace import Workspace
from tests.workspaces import ROOT, demo_in

CELLS = ("alpha", "beta", "gamma")


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A copy of the workspace whose stacks do not exist yet, and a cluster without cells."""
    root = demo_in(tmp_path_factory.mktemp("workspace"))
    shutil.copy(ROOT / "__main__.py", root)
    (root / "stacks").mkdir()
    (root / ".venv").symlink_to(ROOT / ".venv")
    state = tmp_path_factory.mktemp("state")
    environment = {**os.environ, "PULUMI_BACKEND_URL": f"file://{state}?metadata=skip"}
    found = Workspace(root, environment)
    gone = [f"cell-{name}" for name in (*CELLS, "delta", "epsilon", "broken", "grown")] + [
        "cellwright-directory"
    ]
    found.must("kubectl", "delete", "namespace", *gone, "--ignore-not-found", "--timeout=120s")
    return found


@pytest.fixture(scope="session")
def fleet(workspace: Workspace) -> Workspace:
    """The demo fleet, up."""
    workspace.must("cellwright", "up", "--yes", timeout=900)
    return workspace


@pytest.fixture(scope="session")
def routers(
    fleet: Workspace, client: httpx.Client, eventually: Callable[..., Any]
) -> dict[str, str]:
    """The address of each cell's router, once each knows the way to every cell."""
    found = {name: fleet.router(30080 + number) for number, name in enumerate(CELLS, start=1)}
    for router in found.values():
        for path in ("acme", "globex", "hooli"):
            url = f"{router}/o/{path}/notes"
            eventually(lambda url=url: client.get(url).status_code == 200)
    return found


@pytest.fixture
def undisturbed(fleet: Workspace, routers: dict[str, str]) -> Iterator[None]:
    """Meanwhile each router answers for each cell, without one failure and without a restart."""
    before = fleet.pods(*(f"cell-{name}" for name in CELLS))
    ended = threading.Event()
    answers: Counter[str] = Counter()

    def ask() -> None:
        with httpx.Client(timeout=10) as client:
            for router, path in cycle(product(routers.values(), ("acme", "globex", "hooli"))):
                if ended.is_set():
                    return
                try:
                    answers[str(client.get(f"{router}/o/{path}/notes").status_code)] += 1
                except httpx.TransportError as error:
                    answers[repr(error)] += 1

    asking = threading.Thread(target=ask)
    asking.start()
    yield
    ended.set()
    asking.join()
    assert answers.keys() == {"200"}, answers
    assert fleet.pods(*(f"cell-{name}" for name in CELLS)) == before


@pytest.fixture(scope="session")
def client() -> Iterator[httpx.Client]:
    """A client of which a router that is told to end has no idle connections to wait for."""
    with httpx.Client(timeout=10, limits=httpx.Limits(max_keepalive_connections=0)) as found:
        yield found


@pytest.fixture(scope="session")
def eventually() -> Callable[[Callable[[], Any]], Any]:
    """Return a function that asks until it gets something true, for a minute at most."""

    def wait(ask: Callable[[], Any], seconds: float = 60) -> Any:
        deadline = time.monotonic() + seconds
        while not (last := ask()):
            assert time.monotonic() < deadline, f"still {last!r} after {seconds} s"
            time.sleep(0.2)
        return last

    return wait


@pytest.fixture(scope="session")
def organizations(workspace: Workspace) -> dict[str, tuple[str, str]]:
    """The path and the cell of every organization that the definitions declare."""
    shards = workspace.must("cellwright", "render", "--stack", "fleet")
    said = Entries()
    for body in yaml.load_all(shards, Loader=yaml.CSafeLoader):
        said.read(body["metadata"]["name"], body.get("data", {}).get("table", ""))
    return {one.organization: (one.path, one.home.cell) for one in said}
