"""The cells as the user sees them, and one request through each router."""

import http.server
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from local import docker, fleet
from local.errors import Failed
from local.fleet import Cell, ask, enforcement, find, parse, table
from local.place import Place
from local.programs import Tools
from tests.local.standins import Shown, script

LISTED: list[dict[str, Any]] = [
    {
        "cell": "alpha",
        "ring": 0,
        "state": "ready",
        "organizations": 4,
        "node_port": 30081,
        "example": "acme",
    },
    {
        "cell": "beta",
        "ring": 1,
        "state": "waiting for router",
        "organizations": 0,
        "node_port": 30082,
        "example": None,
    },
]
PORTS = {30081: "127.0.0.1:1001", 30082: "127.0.0.1:1002"}


def test_cells_have_the_address_of_their_published_port() -> None:
    cells = parse(LISTED, PORTS)
    assert [cell.address for cell in cells] == ["http://127.0.0.1:1001", "http://127.0.0.1:1002"]
    assert table(cells).splitlines() == [
        "CELL   RING  ORGANIZATIONS  STATE               ROUTER",
        "alpha  0     4              ready               http://127.0.0.1:1001",
        "beta   1     0              waiting for router  http://127.0.0.1:1002",
    ]


def test_a_port_that_is_not_published_is_told() -> None:
    with pytest.raises(Failed, match="cell beta listens on node port 30082; expected one of"):
        parse(LISTED, {30081: "127.0.0.1:1001"})


def test_a_node_that_publishes_nothing_is_told() -> None:
    with pytest.raises(Failed, match="the cluster's node publishes no ports: is it running"):
        parse(LISTED, {})


@pytest.fixture
def tools(tmp_path: Path) -> Tools:
    return Tools(pulumi=tmp_path / "pulumi", kind=tmp_path / "kind", kubectl=tmp_path / "kubectl")


def test_routers_are_found_even_when_a_cell_is_not_ready(
    where: Place, tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker, "ports", lambda _node: PORTS)
    root = tmp_path / "root"
    text = """test "$*" = "status --format json --network-policies" || exit 2
test "$KUBECONFIG" = "$CELLWRIGHT_STATE/kubeconfig" || exit 2
echo '{"cells":[{"cell":"alpha","ring":0,"state":"away","organizations":1,"node_port":30081,'
echo '"example":null}],"network_policies":{"local":{"enforced":false,"why":"it was tried"}}}'
exit 1"""
    script(root / ".venv" / "bin" / "cellwright", text)
    cells: list[Cell] = []
    policies: list[str] = []
    assert find(replace(where, root=root), tools, cells, policies).startswith("1, in ")
    assert policies == ["NOT enforced here: it was tried"]
    assert [(cell.name, cell.state) for cell in cells] == [("alpha", "away")]
    assert (where.state / "routers.json").read_text() == '{\n "alpha": "http://127.0.0.1:1001"\n}\n'


@pytest.mark.parametrize(
    ("enforced", "expected"),
    [
        (True, "enforced"),
        (False, "NOT enforced here: so it was"),
        (None, "not known whether they are enforced: so it was"),
    ],
)
def test_enforcement_is_told_in_words(enforced: bool | None, expected: str) -> None:
    assert enforcement({"enforced": enforced, "why": "so it was"}) == expected


@pytest.mark.parametrize("printed", ["", "[]", "{}", "null"])
def test_a_status_that_has_no_cells_shows_its_reason(
    where: Place, tools: Tools, tmp_path: Path, printed: str
) -> None:
    text = f"echo '{printed}'; echo 'the cluster is away' >&2; exit 1"
    script(tmp_path / ".venv" / "bin" / "cellwright", text)
    with pytest.raises(Failed, match="gave no list of cells: the cluster is away"):
        find(replace(where, root=tmp_path), tools, [], [])


def test_a_failed_up_points_to_what_it_printed(
    where: Place, shown: Shown, tools: Tools, tmp_path: Path
) -> None:
    script(tmp_path / ".venv" / "bin" / "cellwright", "exit 1")
    with pytest.raises(Failed, match="`cellwright up` ended with exit code 1"):
        fleet.up(replace(where, root=tmp_path), tools, shown.report)


class Router(http.server.BaseHTTPRequestHandler):
    """Answers 503 as often as it is told, then 200; notes the paths."""

    busy: ClassVar[int] = 0
    seen: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        Router.seen.append(self.path)
        Router.busy -= 1
        self.send_response(503 if Router.busy >= 0 else 200)
        self.send_header("X-Cellwright-Cell", "alpha")
        self.end_headers()
        self.wfile.write(b'{"notes": []}')

    def log_message(self, *_arguments: object) -> None:
        """Keep the tests' output clean."""


@pytest.fixture
def cells() -> Iterator[list[Cell]]:
    Router.seen.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Router) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield parse(LISTED, dict.fromkeys(PORTS, f"127.0.0.1:{server.server_port}"))
        server.shutdown()
        thread.join()


def test_every_router_is_asked_an_empty_cells_for_somebody_elses(cells: list[Cell]) -> None:
    Router.busy = 1
    answers: list[str] = []
    assert ask(cells, answers) == "2 answered"
    url = f"{cells[0].address}/o/acme/notes"
    assert answers == [f'GET {url}\n  200 from cell alpha: {{"notes": []}}'] * 2
    assert Router.seen == ["/o/acme/notes"] * 3


def test_a_router_that_never_answers_is_told_with_what_was_seen(
    cells: list[Cell], monkeypatch: pytest.MonkeyPatch
) -> None:
    Router.busy = 100
    monkeypatch.setattr(fleet, "ANSWER_TIMEOUT_S", 0.1)
    with pytest.raises(Failed, match=r'last seen: 503 \{"notes": \[\]\}'):
        ask(cells, [])


def test_a_fleet_without_organizations_is_not_asked(cells: list[Cell]) -> None:
    assert ask(cells[1:], []) == "no organization to ask for"
    assert Router.seen == []
