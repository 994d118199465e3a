"""From documents to the fleet: what is left out is what the schemas say."""

import json
from typing import Any

import pytest

from cellwright.edge.shipped import schemas
from cellwright.fields import fields
from cellwright.layout import API_VERSION, KINDS
from cellwright.loading import load
from cellwright.model import Fleet
from cellwright.snapshot import Snapshot

SCHEMAS = schemas()
RESOURCES = {"cpu": "1", "memory": "1Gi"}
LEAST: dict[str, dict[str, Any]] = {
    "Fleet": {
        "images": dict.fromkeys(("postgres", "app", "router", "placement"), "a:1"),
        "regions": ["eu"],
        "rings": [0],
        "clusters": {"local": {}},
        "sizes": {
            "small": {
                "postgres": {"storage": "1Gi", "resources": RESOURCES},
                "app": {"autoscale": {"min": 1, "max": 2}, "resources": RESOURCES},
                "router": {"replicas": 1, "resources": RESOURCES},
            }
        },
    },
    "Cell": {
        "id": 1,
        "ring": 0,
        "region": "eu",
        "cluster": "local",
        "size": "small",
        "app": {"autoscale": {"min": 1, "max": 2}},
    },
    "Organization": {"id": 1, "cell": "one"},
}
"""Definitions in which everything stands that must, and nothing else."""
NEEDS: dict[str, Any] = {
    "spec.override.writes": {"override": {"cell": "one", "reason": "a test"}},
    "spec.routers.nodePortBase": {"routers": {"type": "NodePort"}},
    "spec.routing.rules[].header": {"routing": {"rules": [{"by": "token"}]}},
}
"""What a field needs beside it, to count."""
DEFAULTS = [
    (kind, one.path, json.loads(one.default))
    for kind in KINDS
    for one in fields(SCHEMAS, kind)
    if one.default
]


def fleet(**changed: dict[str, Any]) -> Fleet:
    """Return the fleet of the least definitions, with another `spec` of some kinds."""
    definitions = {}
    for kind, least in LEAST.items():
        document = {
            "apiVersion": API_VERSION,
            "kind": kind,
            "metadata": {"name": "one"},
            "spec": changed.get(kind, least),
        }
        definitions[f"cells/{kind.lower()}.jsonl"] = json.dumps(document).encode()
    found, problems = load(Snapshot(definitions, SCHEMAS, {}, {}, None, ()))
    assert found is not None, problems
    return found


def with_value(spec: Any, path: list[str], value: Any) -> Any:
    """Return a copy of a `spec` with a value at a path, in each item of a list."""
    if not path:
        return value
    key, *rest = path
    if key.endswith("[]"):
        key = key.removesuffix("[]")
        return {**spec, key: [with_value(one, rest, value) for one in spec[key]]}
    if key == "<name>":
        (key,) = spec
    return {**spec, key: with_value(spec.get(key, {}), rest, value)}


def test_every_kind_of_default_is_known() -> None:
    assert {kind for kind, _, _ in DEFAULTS} == set(LEAST) == set(KINDS)
    assert len(DEFAULTS) > 15


@pytest.mark.parametrize(("kind", "path", "default"), DEFAULTS)
def test_what_is_left_out_is_as_the_schema_says(kind: str, path: str, default: Any) -> None:
    least = {**LEAST[kind], **NEEDS.get(path, {})}
    parts = path.split(".")[1:]
    assert fleet(**{kind: least}) == fleet(**{kind: with_value(least, parts, default)})


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_its_schema(kind: str) -> None:
    properties = SCHEMAS[f"{kind.lower()}.json"]["properties"]
    assert properties["kind"]["const"] == kind
    assert properties["apiVersion"]["const"] == API_VERSION
