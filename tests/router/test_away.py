"""Whatever is away, the rest goes on: nothing is guessed, and all catch up by themselves."""

import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from socket import socket

import httpx
import pytest

from tests.postgres.containers import docker, until
from tests.router.conftest import Fleet
from tests.router.pods import IMAGE, ROOM

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def fleet(new_fleet: Callable[[], AbstractContextManager[Fleet]]) -> Iterator[Fleet]:
    """Return a fleet of this module's own: its parts are killed."""
    with new_fleet() as started:
        yield started


@pytest.fixture
def move(fleet: Fleet) -> Iterator[Callable[[str, str], None]]:
    """Return what gives an organization another cell in the directory; undone at the end."""
    before = dict(fleet.directory.organizations)

    def moved(organization: str, cell: str) -> None:
        fleet.directory.change(organization, cell=cell)
        fleet.api.publish(fleet.directory)

    yield moved
    fleet.directory.organizations = before
    fleet.publish()


@pytest.fixture
def move_gamma(fleet: Fleet) -> Iterator[Callable[[str], None]]:
    """Return what gives gamma's router another host in the directory; undone at the end."""
    before = fleet.directory.cells["gamma"]

    def moved(host: str) -> None:
        fleet.directory.cells["gamma"] = (before[0], host, before[2])
        fleet.publish()

    yield moved
    moved(before[1])
    until(lambda: fleet.alpha.answered_by("/o/globex/") == "gamma", "the cell is back")


@pytest.fixture
def gamma_holds(fleet: Fleet) -> Iterator[dict[str, str]]:
    """Return the headers of requests that gamma's router keeps until the test is over."""
    fleet.gamma.release.clear()
    yield {"X-Test-Hold": "1"}
    fleet.gamma.release.set()


def test_a_cell_that_is_away_fails_its_own_organizations_only(
    fleet: Fleet, move_gamma: Callable[[str], None]
) -> None:
    move_gamma(f"{fleet.gamma.address.rpartition('.')[0]}.254")  # nobody is there
    until(lambda: fleet.alpha.answered_by("/o/globex/") == "503", "the cell is away")
    answer = fleet.alpha.get("/o/globex/")
    assert answer.json() == {
        "error": "the cell is away",
        "request_id": answer.headers["X-Request-Id"],
    }
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["X-Cellwright-Cell"] == "alpha"
    assert fleet.alpha.answered_by("/o/acme/") == "alpha-app"
    assert fleet.alpha.answered_by("/o/umb/") == "beta-app"


def test_a_cell_that_hangs_leaves_room_for_the_others(
    fleet: Fleet, gamma_holds: dict[str, str]
) -> None:
    """It takes requests and says nothing: only the share of its organization waits for it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))
    ((name, value),) = gamma_holds.items()
    with ExitStack() as stack:
        for _ in range(ROOM.share + 20):
            client = stack.enter_context(socket())
            client.connect((fleet.alpha.address, 8080))
            client.sendall(
                f"GET /o/globex/ HTTP/1.1\r\nHost: x\r\n{name}: {value}\r\n\r\n".encode()
            )

        def refused() -> bool:
            try:
                answer = fleet.alpha.get("/o/globex/", gamma_holds, timeout=2)
            except httpx.ReadTimeout:  # there was room still
                return False
            return answer.status_code == 429

        until(refused, "no more requests wait for the cell")
        assert fleet.alpha.answered_by("/o/acme/") == "alpha-app"
        assert fleet.alpha.answered_by("/o/umb/") == "beta-app"


def test_contradictory_tables_make_no_loop(fleet: Fleet, move: Callable[[str, str], None]) -> None:
    """Alpha says that beta has it, beta that alpha has it: one hop, then 508."""
    fleet.beta.remove(fleet.beta.agent)
    move("acme", "beta")
    fleet.alpha.wait(fleet.directory.mark())
    asked = {name: len(app.requests) for name, app in fleet.apps.items()}
    answer = fleet.alpha.get("/o/acme/", {"X-Request-Id": "loop-1"})
    assert answer.status_code == 508
    assert answer.json()["request_id"] == "loop-1"
    assert answer.headers["X-Cellwright-Cell"] == "beta"
    assert {name: len(app.requests) for name, app in fleet.apps.items()} == asked
    assert fleet.alpha.access("loop-1")["status"] == 508  # once
    assert fleet.beta.access("loop-1")["status"] == 508
    fleet.beta.start_agent()
    fleet.beta.wait(fleet.directory.mark())
    assert fleet.alpha.answered_by("/o/acme/") == "beta-app"


def test_no_loop_even_if_it_comes_back_as_a_clients(fleet: Fleet) -> None:
    """As from a program between the routers: the router has passed it on, as `Via` says."""
    assert fleet.alpha.answered_by("/o/umb/", {"Via": "1.1 other"}) == "beta-app"
    assert fleet.alpha.answered_by("/o/umb/", {"Via": "1.1 cellwright-alpha"}) == "508"


def test_the_agent_is_away(fleet: Fleet, move: Callable[[str, str], None]) -> None:
    process = fleet.alpha.process()
    docker("kill", fleet.alpha.agent)
    assert fleet.alpha.answered_by("/o/acme/") == "alpha-app"
    move("acme", "beta")
    fleet.beta.wait(fleet.directory.mark())
    docker("start", fleet.alpha.agent)
    until(fleet.alpha.ready, "the agent is back")
    fleet.alpha.wait(fleet.directory.mark())
    assert fleet.alpha.answered_by("/o/acme/") == "beta-app"
    assert fleet.alpha.process() == process


def test_what_an_agent_has_left_unfinished_is_freed(fleet: Fleet) -> None:
    """A content of the map that was begun and never committed, as by an agent that was killed."""
    file = "/run/cellwright/table/table.map"
    version = fleet.alpha.ask(f"prepare map {file}").split()[-1]
    fleet.alpha.ask(f"add map @{version} {file} 999999 ,left=active:alpha:1:left,")
    assert "999999" in fleet.alpha.ask(f"show map @{version} {file}")
    docker("kill", fleet.alpha.agent)
    docker("start", fleet.alpha.agent)
    until(fleet.alpha.ready, "the agent is back")
    fleet.alpha.wait(fleet.directory.mark())
    assert "999999" not in fleet.alpha.ask(f"show map @{version} {file}")
    assert fleet.alpha.answered_by("/o/acme/") == "alpha-app"


def test_the_api_server_is_away(fleet: Fleet, move: Callable[[str, str], None]) -> None:
    """Agent and HAProxy are killed and start from disk; when it is back they catch up."""
    before = fleet.directory.mark()
    with fleet.api.away():
        for router in fleet.routers:
            router.remove()
            router.start()
            router.wait(before)
        assert fleet.alpha.answered_by("/o/acme/") == "alpha-app"
        assert fleet.alpha.answered_by("/o/umb/") == "beta-app"
        assert fleet.beta.answered_by("/", {"Host": "acme.example.com"}) == "alpha-app"
        assert fleet.alpha.table()["age_seconds"] is None
        move("acme", "beta")
        assert fleet.alpha.answered_by("/o/acme/") == "alpha-app"
    for router in fleet.routers:
        router.wait(fleet.directory.mark())
    assert fleet.alpha.answered_by("/o/acme/") == "beta-app"


def test_haproxy_restarts_with_the_newest_table(
    fleet: Fleet, move: Callable[[str, str], None]
) -> None:
    move("acme", "gamma")
    fleet.alpha.wait(fleet.directory.mark())
    fleet.alpha.remove(fleet.alpha.haproxy)
    fleet.alpha.start_haproxy()
    until(lambda: fleet.alpha.answered_by("/o/acme/") == "gamma", "the table is served")


def test_haproxy_that_started_with_old_files_is_mended(
    fleet: Fleet, move: Callable[[str, str], None]
) -> None:
    path = fleet.alpha.folder / "run/table/table.map"
    mark = fleet.directory.mark().encode()
    until(lambda: path.read_bytes().startswith(b"/table " + mark), "the file is that of the table")
    old = path.read_bytes()
    move("acme", "gamma")
    fleet.alpha.wait(fleet.directory.mark())
    until(lambda: path.read_bytes() != old, "the file follows")
    fleet.alpha.remove(fleet.alpha.haproxy)
    path.write_bytes(old)
    fleet.alpha.start_haproxy()
    until(lambda: fleet.alpha.answered_by("/o/acme/") == "gamma", "the table is served")
    assert fleet.alpha.mark() == fleet.directory.mark()


def test_a_table_that_is_not_whole_is_not_served(fleet: Fleet) -> None:
    """A shard was damaged on disk: no router begins to answer 404 for its organizations."""
    mark = fleet.directory.mark()
    with fleet.api.away():
        fleet.alpha.remove()
        shard = fleet.alpha.folder / f"run/table/shards-{fleet.directory.shards}/02"
        shard.write_bytes(shard.read_bytes().replace(b":alpha:", b":gamma:"))
        fleet.alpha.launch_agent()
        until(lambda: "API server is away" in fleet.alpha.logs(fleet.alpha.agent), "the agent runs")
        assert not fleet.alpha.ready()
    until(fleet.alpha.ready, "the agent is ready")
    fleet.alpha.start_haproxy()
    fleet.alpha.wait(mark)
    assert fleet.alpha.answered_by("/o/acme/") == "alpha-app"


def test_a_rotated_token_is_read_again(fleet: Fleet, move: Callable[[str, str], None]) -> None:
    with fleet.api.away():
        fleet.api.token = "another-token"
        (fleet.account / "token").write_text(fleet.api.token)
    move("acme", "beta")
    for router in fleet.routers:
        router.wait(fleet.directory.mark())


def test_haproxy_does_not_start_without_a_key(fleet: Fleet) -> None:
    """The key is in a second file of its configuration, which must be there."""
    folder = fleet.alpha.folder
    mounts = [f"--volume={folder}/run:/run/cellwright", f"--volume={folder}/etc:/etc/cellwright"]
    files = ("/etc/cellwright/haproxy.cfg", "/var/run/secrets/cellwright/app-key.cfg")
    check = ["haproxy", "-c", *(word for file in files for word in ("-f", file))]
    done = subprocess.run(
        ["docker", "run", "--rm", "--network=none", *mounts, IMAGE, *check],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "app-key.cfg" in done.stderr
