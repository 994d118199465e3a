"""What only the whole can tell: names that clash, names that nobody declared, limits.

Each check takes documents that fit their schemas and returns problems. Refuses to build
anything (`parse` does).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import Any

from cellwright.document import Document
from cellwright.problem import Path, Place, Problem, dotted, nearest

_LAST_NODE_PORT = 32767
DEFAULT_CAPACITY = 100_000
DEFAULT_NODE_PORT_BASE = 30080


def find_problems(
    fleets: list[Document], cells: list[Document], organizations: list[Document]
) -> list[Problem]:
    """Return every problem between the documents, in the order of the checks."""
    if not fleets:
        hint = "declare one, in cells/fleet.yaml"
        return [Problem(Place("cells"), "", "CW210", "no document of kind Fleet", hint)]
    fleet = fleets[0]
    return [
        *(_second_fleet(one, fleet) for one in fleets[1:]),
        *_fleet_problems(fleet),
        *_unique_problems(cells, organizations),
        *_reference_problems(fleet, cells, organizations),
        *_range_problems(cells),
        *(problem for cell in cells for problem in _workload_problems(spec(fleet), cell)),
        *_holding_problems(cells, organizations),
    ]


def spec(document: Document) -> Any:
    """Return a valid document's `spec`."""
    return _value(document)["spec"]


def name(document: Document) -> str:
    """Return a valid document's name."""
    return str(_value(document)["metadata"]["name"])


def capacity(cell: Document) -> int:
    """Return how many organizations a cell may hold."""
    return int(spec(cell).get("capacity", {}).get("organizations", DEFAULT_CAPACITY))


def merged(size: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return the size class' values with the cell's own over them, key by key.

    `replicas` and `autoscale` stand for one choice: the cell's takes the place of the size's.
    """
    chosen = ("replicas", "autoscale")
    drop = chosen if any(key in own for key in chosen) else ()
    return {**{key: value for key, value in size.items() if key not in drop}, **own}


def _value(document: Document) -> Any:
    return document.value


def _problem(document: Document, path: Path, code: str, message: str, hint: str = "") -> Problem:
    return Problem(document.place(path), dotted(path), code, message, hint)


def _second_fleet(second: Document, first: Document) -> Problem:
    message = "a second document of kind Fleet"
    return _problem(second, ("kind",), "CW210", message, f"the first is at {first.place(())}")


def _fleet_problems(fleet: Document) -> list[Problem]:
    rings = spec(fleet)["rings"]
    problems = []
    for index in range(1, len(rings)):
        if rings[index] < rings[index - 1]:
            message = f"ring {rings[index]} stands after ring {rings[index - 1]}"
            path: Path = ("spec", "rings", index)
            problems.append(_problem(fleet, path, "CW208", message, "list rings ascending"))
    return problems


def _unique_problems(cells: list[Document], organizations: list[Document]) -> list[Problem]:
    called: Path = ("metadata", "name")
    number: Path = ("spec", "id")
    problems = []
    for kind, documents in (("cell", cells), ("organization", organizations)):
        problems += _twice(documents, name, called, "CW201", f"the {kind} {{}} is declared twice")
        problems += _twice(
            documents,
            lambda one: str(spec(one)["id"]),
            number,
            "CW202",
            f"the {kind} id {{}} is used twice",
        )
    problems += _twice(
        organizations,
        lambda one: str(spec(one).get("path", name(one))),
        ("spec", "path"),
        "CW203",
        "the path {} is used twice",
    )
    seen: dict[str, Place] = {}
    for one in organizations:
        for index, host in enumerate(spec(one).get("hosts", ())):
            path: Path = ("spec", "hosts", index)
            if host in seen:
                message = f"the host {host} is used twice"
                problems.append(_problem(one, path, "CW204", message, f"also at {seen[host]}"))
            seen.setdefault(host, one.place(path))
    return problems


def _twice(
    documents: list[Document],
    key: Callable[[Document], str],
    path: Path,
    code: str,
    message: str,
) -> list[Problem]:
    seen: dict[str, Place] = {}
    problems = []
    for document in documents:
        word = key(document)
        if word in seen:
            text = message.format(word)
            problems.append(_problem(document, path, code, text, f"also at {seen[word]}"))
        seen.setdefault(word, document.place(path))
    return problems


def _reference_problems(
    fleet: Document, cells: list[Document], organizations: list[Document]
) -> list[Problem]:
    shared = spec(fleet)
    names = [name(cell) for cell in cells]
    problems = []
    for cell in cells:
        for key, known in (
            ("region", shared["regions"]),
            ("cluster", shared["clusters"]),
            ("size", shared["sizes"]),
        ):
            problems += _unknown(cell, ("spec", key), spec(cell)[key], key, known)
        ring = spec(cell)["ring"]
        if ring not in shared["rings"]:
            hint = "known: " + ", ".join(str(one) for one in shared["rings"])
            path: Path = ("spec", "ring")
            problems.append(_problem(cell, path, "CW205", f"no ring {ring} is declared", hint))
    for one in organizations:
        if "cell" in spec(one):
            problems += _unknown(one, ("spec", "cell"), spec(one)["cell"], "cell", names)
        for index, region in enumerate(spec(one).get("residency", ())):
            path = ("spec", "residency", index)
            problems += _unknown(one, path, region, "region", shared["regions"])
    return problems


def _unknown(
    document: Document, path: Path, word: str, kind: str, known: Iterable[str]
) -> list[Problem]:
    words = list(known)
    if word in words:
        return []
    message = f"no {kind} {word!r} is declared"
    return [_problem(document, path, "CW205", message, nearest(word, words))]


def _range_problems(cells: list[Document]) -> list[Problem]:
    path: Path = ("spec", "idRange")
    problems = []
    ranges = []
    for cell in cells:
        span = spec(cell).get("idRange")
        if span is None:
            continue
        if span["last"] < span["first"]:
            message = f"the range ends at {span['last']}, before its first value {span['first']}"
            problems.append(_problem(cell, path, "CW206", message))
        ranges.append((span["first"], span["last"], cell))
    ranges.sort(key=lambda one: one[:2])
    for (_, last, before), (first, _, cell) in pairwise(ranges):
        if first <= last:
            message = f"the range overlaps with that of cell {name(before)}"
            hint = f"which ends at {last}, at {before.place(path)}"
            problems.append(_problem(cell, path, "CW206", message, hint))
    return problems


def _workload_problems(fleet_spec: Mapping[str, Any], cell: Document) -> list[Problem]:
    size = fleet_spec["sizes"].get(spec(cell)["size"])
    if size is None:
        return []
    problems = []
    for part, needed in (("postgres", "storage"), ("app", ""), ("router", "replicas")):
        whole = merged(size[part], spec(cell).get(part, {}))
        missing = [key for key in (needed, "resources") if key and key not in whole]
        for key in missing:
            message = f"neither the cell nor its size says {part}.{key}"
            problems.append(_problem(cell, ("spec", part), "CW212", message))
        if part == "app":
            problems += _replica_problems(cell, whole)
    routers = fleet_spec.get("routers", {})
    port = routers.get("nodePortBase", DEFAULT_NODE_PORT_BASE) + spec(cell)["id"]
    if routers.get("type") == "NodePort" and port > _LAST_NODE_PORT:
        message = f"nodePortBase plus the cell's id is {port}, more than {_LAST_NODE_PORT}"
        problems.append(_problem(cell, ("spec", "id"), "CW213", message))
    return problems


def _replica_problems(cell: Document, app: Mapping[str, Any]) -> list[Problem]:
    path: Path = ("spec", "app")
    if ("replicas" in app) == ("autoscale" in app):
        message = "exactly one of app.replicas and app.autoscale is needed"
        return [_problem(cell, path, "CW212", message, "in the cell or in its size")]
    scale = app.get("autoscale")
    if scale and scale["max"] < scale["min"]:
        message = f"app.autoscale.max {scale['max']} is less than its min {scale['min']}"
        return [_problem(cell, path, "CW212", message)]
    return []


def _holding_problems(cells: list[Document], organizations: list[Document]) -> list[Problem]:
    by_name = {name(cell): cell for cell in cells}
    held = Counter(spec(one).get("cell") for one in organizations)
    problems = []
    for cell_name, cell in by_name.items():
        most = capacity(cell)
        if held[cell_name] > most:
            message = f"{held[cell_name]} organizations live on the cell, its capacity is {most}"
            path: Path = ("spec", "capacity", "organizations")
            problems.append(_problem(cell, path, "CW207", message))
    for one in organizations:
        home = by_name.get(spec(one).get("cell"))
        if home is None:
            continue
        here: Path = ("spec", "cell")
        region, allowed = spec(home)["region"], spec(one).get("residency")
        if allowed and region not in allowed:
            message = f"cell {name(home)} is in region {region}, outside of the residency"
            hint = "allowed: " + ", ".join(allowed)
            problems.append(_problem(one, here, "CW209", message, hint))
    return problems
