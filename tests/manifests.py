"""Manifests for tests, as short as they can be."""

from typing import Any

from cellwright.manifest import Manifest


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
