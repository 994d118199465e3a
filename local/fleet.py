"""The cells: brought up by the `cellwright` command, then asked, each through its own router."""

import http.client
import json
import os
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

from local import docker
from local.environment import variables
from local.errors import Failed
from local.files import write_atomically
from local.place import Place
from local.process import capture, passed_on
from local.programs import Tools
from local.report import Report

STATUS_TIMEOUT_S = 60.0
ANSWER_TIMEOUT_S = 60.0
SHOWN = 160
"""Characters of an answer that are shown."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One line of `cellwright status`, with the address that its router has on this machine."""

    name: str
    ring: int
    state: str
    organizations: int
    address: str
    example: str | None
    """The path of an organization that lives there."""


def up(place: Place, tools: Tools, report: Report) -> str:
    """Bring all cells up; the command's own words go to the terminal."""
    report.say("cellwright up")
    environment = {**os.environ, **variables(place, tools, os.environ)}
    code = passed_on([_cellwright(place), "up", "--yes"], env=environment, cwd=place.root)
    if code:
        raise Failed(f"`cellwright up` ended with exit code {code}; its reasons stand above")
    return "up"


def find(place: Place, tools: Tools, found: list[Cell], policies: list[str]) -> str:
    """Put the cells into `found`, and their routers' addresses into `routers.json`.

    `policies` gets a line for each cluster: whether NetworkPolicies are enforced.
    """
    environment = {**os.environ, **variables(place, tools, os.environ)}
    argv = [_cellwright(place), "status", "--format", "json", "--network-policies"]
    # Exit code 1: a cell is not ready, or policies are not enforced; the answer says which.
    said = capture(argv, timeout=STATUS_TIMEOUT_S, env=environment, cwd=place.root, check=False)
    try:
        answer = json.loads(said.out)
        listed = answer["cells"]
    except (KeyError, TypeError, ValueError):
        reason = (said.err.strip() or "no message").splitlines()[-1]
        raise Failed(f"`cellwright status` gave no list of cells: {reason}") from None
    found += parse(listed, docker.ports(place.node))
    policies += map(enforcement, answer["network_policies"].values())
    routers = {cell.name: cell.address for cell in found}
    file = place.state / "routers.json"
    write_atomically(file, json.dumps(routers, indent=1) + "\n")
    return f"{len(routers)}, in {file}"


def enforcement(found: dict[str, Any]) -> str:
    """Return in words whether a cluster's network enforces NetworkPolicies."""
    if found["enforced"] is None:
        return f"not known whether they are enforced: {found['why']}"
    return "enforced" if found["enforced"] else f"NOT enforced here: {found['why']}"


def parse(listed: list[dict[str, Any]], ports: dict[int, str]) -> list[Cell]:
    """Turn the command's answer and the node's published ports into cells."""
    if not ports:
        raise Failed("the cluster's node publishes no ports: is it running?")
    cells = []
    for one in listed:
        published = ports.get(one["node_port"] or 0)
        if published is None:
            raise Failed(
                f"the router of cell {one['cell']} listens on node port {one['node_port']}; "
                f"expected one of those that the cluster publishes, {min(ports)} to {max(ports)}"
            )
        cells.append(
            Cell(
                name=one["cell"],
                ring=one["ring"],
                state=one["state"],
                organizations=one["organizations"],
                address=f"http://{published}",
                example=one["example"],
            )
        )
    return cells


def table(cells: list[Cell]) -> str:
    """Return the cells as aligned text."""
    rows = [("CELL", "RING", "ORGANIZATIONS", "STATE", "ROUTER")]
    rows += [(c.name, str(c.ring), str(c.organizations), c.state, c.address) for c in cells]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def ask(cells: list[Cell], answers: list[str]) -> str:
    """Send one request through each router; `answers` gets what came back, in words.

    A cell without organizations is asked for one that lives elsewhere.
    """
    example = next((cell.example for cell in cells if cell.example), None)
    if example is None:
        return "no organization to ask for"
    deadline = time.monotonic() + ANSWER_TIMEOUT_S
    for cell in cells:
        url = f"{cell.address}/o/{cell.example or example}/notes"
        while not (seen := _get(url)).startswith("200 "):
            if time.monotonic() > deadline:
                raise Failed(f"expected an answer 200 to GET {url}, last seen: {seen}")
            time.sleep(0.5)
        answers.append(f"GET {url}\n  {seen}")
    return f"{len(cells)} answered"


def _get(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=10) as response:  # noqa: S310 - a loopback URL
            body = response.read(SHOWN * 4).decode("utf-8", "replace")
            cell = response.headers.get("X-Cellwright-Cell")
            return f"{response.status} from cell {cell}: {body[:SHOWN]}"
    except urllib.error.HTTPError as error:
        return f"{error.code} {error.read(SHOWN).decode('utf-8', 'replace')}"
    except (OSError, http.client.HTTPException) as error:
        return str(error)


def _cellwright(place: Place) -> str:
    return str(place.venv / "bin" / "cellwright")
