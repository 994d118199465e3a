"""Which Kubernetes kind a Pulumi type token names; knows nothing of what a cluster serves."""

from typing import NamedTuple

PACKAGE = "kubernetes"
RENDERERS = ("helm.sh", "yaml", "kustomize")
"""Groups of the official plugin that make objects out of files; they are not objects themselves."""


class UnsupportedTypeError(Exception):
    """The token names something that this provider does not do."""


class Kind(NamedTuple):
    """Group (empty for core), version and kind."""

    group: str
    version: str
    kind: str

    @property
    def api_version(self) -> str:
        """As manifests write it: `v1`, `apps/v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version


def kind_of_urn(urn: str) -> Kind:
    """The kind of a resource by its URN: `urn:pulumi:stack::project::parents$type::name`."""
    return kind_of_token(urn.split("::")[2].rpartition("$")[2])


def kind_of_token(token: str) -> Kind:
    """The kind of `kubernetes:<group>/<version>:<Kind>`, where group `core` is the empty one."""
    parts = token.split(":")
    group, slash, version = parts[1].partition("/") if len(parts) == 3 else ("", "", "")
    if parts[0] != PACKAGE or not slash:
        raise UnsupportedTypeError(f"{token}: expected {PACKAGE}:<group>/<version>:<Kind>")
    kind = parts[2]
    if group.startswith(RENDERERS):
        raise UnsupportedTypeError(
            f"{token}: charts, YAML files and Kustomize need the official plugin; "
            "register the objects themselves"
        )
    if kind.endswith("List"):
        raise UnsupportedTypeError(f"{token}: register the objects of the list one by one")
    if kind.endswith("Patch"):
        raise UnsupportedTypeError(f"{token}: patch resources need the official plugin")
    return Kind("" if group == "core" else group, version, kind)
