"""What a cell and its size class say of their parts: whether it is whole, and fits.

Takes documents that fit their schemas, and the fleet's `spec`. Refuses to look at other cells
(`consistency` does).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from cellwright.declared import problem, spec
from cellwright.document import Document
from cellwright.problem import Path, Problem
from cellwright.quantity import amount
from cellwright.router_room import room_problems

_PARTS = ("postgres", "app", "router", "placement")


def merged(size: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return the size class' values with the cell's own over them, key by key.

    `replicas` and `autoscale` stand for one choice: the cell's takes the place of the size's.
    """
    chosen = ("replicas", "autoscale")
    drop = chosen if any(key in own for key in chosen) else ()
    return {**{key: value for key, value in size.items() if key not in drop}, **own}


def size_problems(fleet: Document) -> Iterator[Problem]:
    """Yield what does not fit within a size class, or within what quotas leave for others."""
    for called, size in spec(fleet)["sizes"].items():
        path: Path = ("spec", "sizes", called)
        yield from _limit_problems(fleet, path, size)
        yield from room_problems(fleet, (*path, "router"), size["router"])
        yield from _scale_problems(fleet, (*path, "app"), size["app"])
    extra = spec(fleet).get("quota", {}).get("extra", {})
    yield from _resource_problems(fleet, ("spec", "quota", "extra"), extra)


def workload_problems(shared: Mapping[str, Any], cell: Document) -> Iterator[Problem]:
    """Yield what a cell and its size class together leave out, and what does not fit."""
    size = shared["sizes"].get(spec(cell)["size"])
    if size is None:
        return
    for part, needed in (("postgres", "storage"), ("app", ""), ("router", "replicas")):
        whole = merged(size[part], spec(cell).get(part, {}))
        for key in (needed, "resources"):
            if key and key not in whole:
                message = f"neither the cell nor its size says {part}.{key}"
                hint = f"in the cell or in size {spec(cell)['size']}"
                yield problem(cell, ("spec", part), "CW212", message, hint)
        if part == "app" and ("replicas" in whole) == ("autoscale" in whole):
            message = "exactly one of app.replicas and app.autoscale is needed"
            hint = f"in the cell or in size {spec(cell)['size']}"
            yield problem(cell, ("spec", part), "CW212", message, hint)
    yield from _limit_problems(cell, ("spec",), spec(cell))
    if own_router := spec(cell).get("router"):
        yield from room_problems(cell, ("spec", "router"), merged(size["router"], own_router))
    yield from _scale_problems(cell, ("spec", "app"), spec(cell).get("app", {}))


def _limit_problems(document: Document, path: Path, parts: Mapping[str, Any]) -> Iterator[Problem]:
    for part in _PARTS:
        resources = parts.get(part, {}).get("resources", {})
        yield from _resource_problems(document, (*path, part, "resources"), resources)


def _resource_problems(
    document: Document, path: Path, resources: Mapping[str, Any]
) -> Iterator[Problem]:
    for request in ("cpu", "memory"):
        limit = f"{request}Limit"
        if limit not in resources:
            continue
        asked, most = amount(resources[request]), amount(resources[limit])
        if asked is not None and most is not None and most < asked:
            message = f"{resources[limit]} is less than the request of {resources[request]}"
            hint = f"raise it, or lower {request}"
            yield problem(document, (*path, limit), "CW217", message, hint)


def _scale_problems(document: Document, path: Path, app: Mapping[str, Any]) -> Iterator[Problem]:
    scale = app.get("autoscale")
    if scale and scale["max"] < scale["min"]:
        message = f"app.autoscale.max {scale['max']} is less than its min {scale['min']}"
        yield problem(document, (*path, "autoscale", "max"), "CW212", message)
