"""The provider's configuration, by the official plugin's names; reads no cluster.

What the official one can do and this one cannot is refused by name, so that nobody believes that
it had an effect.
"""

import json
import os
from typing import Any, NamedTuple

from .immutable import Mutability

REFUSED = (
    "clusterIdentifier",
    "enableReplaceCRD",
    "helmReleaseSettings",
    "renderYamlToDirectory",
    "skipUpdateUnreachable",
    "strictMode",
)


class Claims(NamedTuple):
    """What the provider may lay hands on without being told so by the object itself."""

    upsert: bool = False
    """Objects that exist already are adopted instead of refused."""
    force: bool = False
    """Fields of other managers are taken over instead of being a conflict."""


class Config(NamedTuple):
    """How to reach the cluster and how to treat its objects."""

    kubeconfig: str = ""
    context: str = ""
    cluster: str = ""
    namespace: str = ""
    mutability: Mutability = Mutability()
    suppress_deprecation_warnings: bool = False
    delete_unreachable: bool = False
    claims: Claims = Claims()


def parse(args: dict[str, Any]) -> Config:
    """The configuration of the provider's inputs, with the environment's defaults."""
    return Config(
        kubeconfig=_text(args.get("kubeconfig")),
        context=_text(args.get("context")),
        cluster=_text(args.get("cluster")),
        namespace=_text(args.get("namespace")),
        mutability=Mutability(
            config_maps=_flag(args, "enableConfigMapMutable", "ENABLE_CONFIGMAP_MUTABLE"),
            secrets=_flag(args, "enableSecretMutable", "ENABLE_SECRET_MUTABLE"),
        ),
        suppress_deprecation_warnings=_flag(
            args, "suppressDeprecationWarnings", "SUPPRESS_DEPRECATION_WARNINGS"
        ),
        delete_unreachable=_flag(args, "deleteUnreachable", "DELETE_UNREACHABLE"),
        claims=Claims(
            upsert=_flag(args, "upsertExistingObjects", "UPSERT_EXISTING_OBJECTS"),
            force=_flag(args, "enablePatchForce", "ENABLE_PATCH_FORCE"),
        ),
    )


def refused(args: dict[str, Any]) -> list[tuple[str, str]]:
    """Settings that cannot be honoured: (name, reason)."""
    found = [
        (name, "this needs the official Kubernetes plugin")
        for name in REFUSED
        if args.get(name) not in (None, "", "false", False)
    ]
    if not _flag(args, "enableServerSideApply", "ENABLE_SERVER_SIDE_APPLY", default=True):
        found.append(
            ("enableServerSideApply", "applying from the client needs the official plugin")
        )
    return found


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return json.dumps(value)
    return str(value) if value is not None else ""


def _flag(args: dict[str, Any], name: str, variable: str, *, default: bool = False) -> bool:
    value = args.get(name)
    if value in (None, ""):
        value = os.environ.get(f"PULUMI_K8S_{variable}")
    if value in (None, ""):
        return default
    return value is True or value == "true"
