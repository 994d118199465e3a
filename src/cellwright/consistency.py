"""What only the whole can tell about the fleet and its cells: clashes, unknown names, sizes.

Each check takes documents that fit their schemas and returns problems; what does not fit is
not judged a second time. Refuses to build anything (`parse` does).
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any

from cellwright.declared import Declared, name, problem, spec
from cellwright.document import Document
from cellwright.duplicates import duplicates
from cellwright.headers import TAKEN_OFF
from cellwright.homes import home_problems
from cellwright.model import FLEET_STACK, LOCAL_CLUSTER, STANDARD
from cellwright.networks import never_reached_in
from cellwright.pinning import image_problems
from cellwright.problem import Path, Place, Problem, nearest
from cellwright.workloads import merged, size_problems, workload_problems

_FIRST_NODE_PORT, _LAST_NODE_PORT = 30000, 32767


def find_problems(declared: Declared) -> list[Problem]:
    """Return every problem between the documents, in the order of the checks."""
    cells = declared.cells
    shared = spec(declared.fleets[0]) if declared.fleets else None
    problems = list(_fleet_problems(declared))
    if shared:
        problems += _cluster_problems(declared.fleets[0])
        problems += _ring_problems(declared.fleets[0])
        problems += _router_problems(declared.fleets[0])
        problems += _rule_problems(declared)
        problems += size_problems(declared.fleets[0])
        for cell in cells:
            problems += _reference_problems(shared, cell)
            problems += workload_problems(shared, cell)
        problems += _node_port_problems(shared, cells)
        problems += image_problems(declared.fleets[0], cells)
    problems += _clash_problems(cells)
    problems += _range_problems(cells)
    problems += home_problems(declared, shared)
    return problems


def http_node_port(routers: Mapping[str, Any], number: int) -> int:
    """Return the port of the cell with this id on every node."""
    base: int = routers.get("nodePortBase", 30080)
    return base + number


def tls_node_port(routers: Mapping[str, Any], number: int) -> int:
    """Return the port for TLS of the cell with this id on every node."""
    base: int = routers.get("tlsNodePortBase", 31080)
    return base + number


def hop_node_port(address: Mapping[str, Any]) -> int | None:
    """Return the port for other routers on every node: that of the address, if it can be one."""
    port = address.get("port")
    return port if port and _FIRST_NODE_PORT <= port <= _LAST_NODE_PORT else None


def _fleet_problems(declared: Declared) -> Iterator[Problem]:
    fleets = declared.fleets
    if not (fleets or declared.broken.get("Fleet") or declared.incomplete):
        hint = "declare one, in cells/fleet.yaml"
        yield Problem(Place("cells"), "", "CW210", "no document of kind Fleet", hint)
    for second in fleets[1:]:
        hint = f"the first is at {fleets[0].place(())}"
        yield problem(second, ("kind",), "CW210", "a second document of kind Fleet", hint)


def _cluster_problems(fleet: Document) -> Iterator[Problem]:
    clusters = spec(fleet)["clusters"]
    users: dict[str, str] = {}
    for called, cluster in clusters.items():
        path: Path = ("spec", "clusters", called)
        yield from _api_server_problems(fleet, (*path, "apiServer"), cluster.get("apiServer", ()))
        context = cluster.get("context")
        if context is None:
            if len(clusters) > 1 or called != LOCAL_CLUSTER:
                message = f"cluster {called} has no context"
                hint = (
                    "name its context of the kubeconfig; the current one may only be meant by a "
                    f"fleet whose one cluster is called {LOCAL_CLUSTER}"
                )
                yield problem(fleet, path, "CW230", message, hint)
        elif context in users:
            message = f"cluster {called} has the same context as cluster {users[context]}"
            hint = "a cluster has one name in a fleet"
            yield problem(fleet, (*path, "context"), "CW231", message, hint)
        else:
            users[context] = called


def _api_server_problems(fleet: Document, path: Path, networks: list[str]) -> Iterator[Problem]:
    for index, network in enumerate(networks):
        if taken_in := never_reached_in(network):
            message = f"{network} and {taken_in} overlap, where no API server is"
            hint = "name the addresses of the API server alone, as `10.0.0.10/32`"
            yield problem(fleet, (*path, index), "CW235", message, hint)


def _ring_problems(fleet: Document) -> Iterator[Problem]:
    for index, (before, ring) in enumerate(pairwise(spec(fleet)["rings"]), start=1):
        if ring < before:
            message = f"ring {ring} stands after ring {before}"
            path: Path = ("spec", "rings", index)
            yield problem(fleet, path, "CW208", message, "list rings ascending")


def _router_problems(fleet: Document) -> Iterator[Problem]:
    routers = spec(fleet).get("routers", {})
    kind = routers.get("type", "ClusterIP")
    if "sourceRanges" in routers and kind != "LoadBalancer":
        message = f"routers of type {kind} are reached from anywhere all the same"
        path: Path = ("spec", "routers", "sourceRanges")
        yield problem(fleet, path, "CW219", message, "it counts with type LoadBalancer alone")


def _rule_problems(declared: Declared) -> Iterator[Problem]:
    fleet = declared.fleets[0]
    rules = spec(fleet).get("routing", {}).get("rules", ())
    known = {name(cell) for cell in declared.cells} | declared.broken.get("Cell", set())
    for index, rule in enumerate(rules):
        path: Path = ("spec", "routing", "rules", index)
        if re.fullmatch(TAKEN_OFF, rule.get("header", "").lower()):
            message = f"routers take {rule['header']} off every request, so that no rule sees it"
            hint = "choose a name of your own, such as X-Organization"
            yield problem(fleet, (*path, "header"), "CW223", message, hint)
        if rule["by"] != "default":
            continue
        if not declared.incomplete:
            yield from _unknown(fleet, (*path, "cell"), "cell", known)
        if index + 1 < len(rules):
            message = "the rule default takes everything, so that none behind it is ever asked"
            yield problem(fleet, path, "CW223", message, "make it the last one")


def _reference_problems(shared: Mapping[str, Any], cell: Document) -> Iterator[Problem]:
    for key in ("region", "cluster", "size"):
        yield from _unknown(cell, ("spec", key), key, shared[f"{key}s"])
    ring = spec(cell)["ring"]
    if ring not in shared["rings"]:
        hint = "known: " + ", ".join(str(one) for one in shared["rings"])
        yield problem(cell, ("spec", "ring"), "CW205", f"no ring {ring} is declared", hint)
    for index in range(len(spec(cell).get("accepts", {}).get("tiers", ()))):
        path = ("spec", "accepts", "tiers", index)
        yield from _unknown(cell, path, "tier", shared.get("tiers", [STANDARD]))


def _unknown(
    document: Document, path: Path, kind: str, known: Collection[str]
) -> Iterator[Problem]:
    word: Any = document.value
    for part in path:
        word = word[part]
    if word not in known:
        message = f"no {kind} {word!r} is declared"
        yield problem(document, path, "CW205", message, nearest(word, known))


def _node_port_problems(shared: Mapping[str, Any], cells: Iterable[Document]) -> Iterator[Problem]:
    routers = shared.get("routers", {})
    if routers.get("type") != "NodePort":
        return
    cells = list({spec(cell)["id"]: cell for cell in cells}.values())  # CW202 tells of the others
    used = {http_node_port(routers, spec(cell)["id"]): name(cell) for cell in cells}
    secure = {tls_node_port(routers, spec(cell)["id"]): name(cell) for cell in cells}
    for cell in cells:
        port = spec(cell).get("routerAddress", {}).get("port")
        if called := used.get(port) or secure.get(port):
            message = f"port {port} of the nodes is for the clients of cell {called}"
            hint = "choose another for the routers of other clusters, from 30000 to 32767"
            yield problem(cell, ("spec", "routerAddress", "port"), "CW213", message, hint)
        number = spec(cell)["id"]
        yield from _range_of_nodes(cell, "nodePortBase", http_node_port(routers, number))
        size = shared["sizes"].get(spec(cell)["size"], {})
        if "tls" not in merged(size.get("router", {}), spec(cell).get("router", {})):
            continue
        port = tls_node_port(routers, number)
        yield from _range_of_nodes(cell, "tlsNodePortBase", port)
        if port in used:
            message = f"tlsNodePortBase plus the cell's id is {port}, the port of cell {used[port]}"
            hint = "choose another tlsNodePortBase for the fleet"
            yield problem(cell, ("spec", "id"), "CW213", message, hint)


def _range_of_nodes(cell: Document, base: str, port: int) -> Iterator[Problem]:
    if port > _LAST_NODE_PORT:
        message = f"{base} plus the cell's id is {port}, more than {_LAST_NODE_PORT}"
        yield problem(cell, ("spec", "id"), "CW213", message, f"lower {base} of the fleet")


def _clash_problems(cells: list[Document]) -> Iterator[Problem]:
    called: Path = ("metadata", "name")
    for index, first in duplicates([name(cell) for cell in cells]):
        cell, before = cells[index], cells[first].place(called)
        message = f"the cell {name(cell)} is declared twice"
        yield problem(cell, called, "CW201", message, f"also at {before}")
    for cell in cells:
        if name(cell) == FLEET_STACK:
            message = "the name fleet belongs to the stack of what cells share"
            yield problem(cell, called, "CW201", message, "choose another name")
    number: Path = ("spec", "id")
    for index, first in duplicates([spec(cell)["id"] for cell in cells]):
        cell, before = cells[index], cells[first].place(number)
        message = f"the cell id {spec(cell)['id']} is used twice"
        yield problem(cell, number, "CW202", message, f"also at {before}")
    addressed = [cell for cell in cells if "routerAddress" in spec(cell)]
    address: Path = ("spec", "routerAddress")
    for index, first in duplicates([_address(cell) for cell in addressed]):
        cell, before = addressed[index], addressed[first].place(address)
        message = f"the router address {_address(cell)} is used twice"
        yield problem(cell, address, "CW218", message, f"also at {before}")


def _address(cell: Document) -> str:
    address = spec(cell)["routerAddress"]
    return f"{address['host']}:{address['port']}"


def _range_problems(cells: Iterable[Document]) -> Iterator[Problem]:
    path: Path = ("spec", "idRange")
    ranges = []
    for cell in cells:
        span = spec(cell).get("idRange")
        if span is None:
            continue
        if span["last"] < span["first"]:
            message = f"the range ends at {span['last']}, before its first value {span['first']}"
            yield problem(cell, path, "CW206", message)
        else:
            ranges.append((span["first"], span["last"], cell))
    ranges.sort(key=lambda one: one[:2])
    reaching = None  # the range so far that ends last
    for first, last, cell in ranges:
        if reaching is not None and first <= reaching[0]:
            message = f"the range overlaps with that of cell {name(reaching[1])}"
            hint = f"which ends at {reaching[0]}, at {reaching[1].place(path)}"
            yield problem(cell, path, "CW206", message, hint)
        if reaching is None or last > reaching[0]:
            reaching = (last, cell)
