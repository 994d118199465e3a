"""Manifests for tests, as short as they can be."""

from typing import Any

from cellwright.api_types import ApiTypes
from cellwright.edge.files import read
from cellwright.manifest import Manifest
from cellwright.model import Fleet
from cellwright.render import Rendered, Renderer
from cellwright.secret_text import Reference, SecretText
from cellwright.template import Templates
from tests.fleets import ROOT, cell, fleet

TYPES = ApiTypes(read(ROOT).api_types[""])


def manifest(
    kind: str,
    name: str = "it",
    *,
    stack: str = "alpha",
    cluster: str = "local",
    namespace: str = "cell-alpha",
    **body: Any,
) -> Manifest:
    """Return one object of a stack; `metadata` adds to its name and namespace."""
    metadata = {"name": name, "namespace": namespace, **body.pop("metadata", {})}
    version = body.pop("apiVersion", "v1")
    whole = {"apiVersion": version, "kind": kind, "metadata": metadata, **body}
    return Manifest(stack, cluster, "x.yaml.j2", 20, 19, whole)


def secret(name: str) -> SecretText:
    """Return text that is one derived secret."""
    return SecretText((Reference(name),))


def rendered(one: Fleet, templates: Templates, stack: str) -> Rendered:
    """Return what templates give for one stack of a fleet."""
    return Renderer(one, templates, dict.fromkeys(one.clusters, TYPES)).stack(stack)


def with_template(text: str, **changed: Any) -> Rendered:
    """Return what one template gives for a cell."""
    only = fleet([cell("alpha", 1, **changed)], [])
    return rendered(only, Templates({"x.yaml.j2": text}), "alpha")
