"""The Pulumi program: registers one stack's manifests.

Wrong definitions, and what must not be done to what the clusters hold, end the program with all
problems, before anything is registered. Refuses to decide anything: what is registered comes from
the plan, what is refused from `edge.guard`.
"""

import signal
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

import pulumi

from cellwright.edge.failure import CommandError
from cellwright.edge.files import read
from cellwright.edge.guard import Guarded, guarded
from cellwright.edge.kubectl import Kubectl
from cellwright.edge.lease_object import holder
from cellwright.edge.settings import read_settings
from cellwright.fleet_secrets import (
    FIRST,
    MissingSecretError,
    StackSecrets,
    read_record,
    read_secrets,
)
from cellwright.harmless import harmless
from cellwright.identity import identified
from cellwright.manifest import Manifest
from cellwright.model import FLEET_STACK, Cluster, Fleet
from cellwright.plan import loaded, planned
from cellwright.problem import Problem
from cellwright.registration import Registration, registrations
from cellwright.secret import CELL_SECRET, ROOT_SECRET, resolve
from cellwright.signature import signed

PROVIDER_VERSION = "4.34.2"


def main(root: Path) -> None:
    """Register the stack that Pulumi runs the program for; the program's own entry."""
    signal.signal(signal.SIGINT, _stop)
    register(root)


def register(root: Path, guard: Callable[..., Guarded] = guarded) -> None:
    """Register the manifests of the stack that Pulumi runs the program for.

    `guard` reads the clusters and says what must not be done. Raises pulumi.RunError for wrong
    definitions, an unknown stack, wrong secrets, and whatever is refused.
    """
    stack = pulumi.get_stack()
    workspace = loaded(read(root))
    fleet = workspace.fleet
    if fleet is None:
        raise pulumi.RunError(_listed(workspace.problems, "in the definitions"))
    if stack != FLEET_STACK and stack not in fleet.cells:
        known = ", ".join([FLEET_STACK, *fleet.cells])
        raise pulumi.RunError(f"no stack {stack!r} in the definitions; known: {known}")
    if problems := planned(workspace, [stack]).problems:
        raise pulumi.RunError(_listed(problems, "in the definitions"))
    secrets = _secrets(root, stack)
    try:
        allowed = guard(root, workspace, fleet, stack, secrets.fleet_id)
        _warn_of_others(fleet, {one.cluster for one in allowed.manifests})
    except CommandError as error:
        raise pulumi.RunError(harmless(str(error))) from None
    if allowed.problems:
        raise pulumi.RunError(_listed(allowed.problems, "with what the clusters hold"))
    try:
        registering(fleet, stack, allowed.manifests, secrets)()
    except MissingSecretError as error:
        raise pulumi.RunError(
            f"cellwright:{CELL_SECRET} lacks the secret {error}, which a template names now; "
            "`cellwright stacks` adds it"
        ) from None


def registering(
    fleet: Fleet, stack: str, manifests: Iterable[Manifest], secrets: StackSecrets
) -> Callable[[], None]:
    """Return the program that registers a stack's manifests, made with the stack's secrets."""
    listed = tuple(manifests)
    kind = "Fleet" if stack == FLEET_STACK else "Cell"

    def program() -> None:
        component = pulumi.ComponentResource(f"cellwright:index:{kind}", stack)
        providers = {
            cluster: _provider(fleet.clusters[cluster])
            for cluster in sorted({one.cluster for one in listed})
        }
        timeout = f"{fleet.timeout}s"
        registered: list[tuple[str, int, pulumi.Resource]] = []
        for one in registrations(fleet, listed):
            options = pulumi.ResourceOptions(
                parent=component,
                provider=providers[one.manifest.cluster],
                # Clusters do not wait for each other: one may be away.
                depends_on=[
                    resource
                    for cluster, rank, resource in registered
                    if cluster == one.manifest.cluster and rank <= one.manifest.after
                ],
                protect=one.protect,
                retain_on_delete=one.retain,
                custom_timeouts=pulumi.CustomTimeouts(timeout, timeout, timeout),
                version=PROVIDER_VERSION,
            )
            body = identified(one.manifest.body, fleet.name, secrets.fleet_id, secrets.tag)
            inputs = _inputs(one, signed(body, one.manifest.cluster, secrets.signing), secrets)
            resource = pulumi.CustomResource(one.token, one.name, inputs, options)
            registered.append((one.manifest.cluster, one.manifest.rank, resource))
        component.register_outputs({})

    return program


def _listed(problems: Iterable[Problem], where: str) -> str:
    lines = [f"  {harmless(str(problem))}" for problem in problems]
    noun = "problem" if len(lines) == 1 else "problems"
    return "\n".join([f"{len(lines)} {noun} {where}:", *lines])


def _secrets(root: Path, stack: str) -> StackSecrets:
    """Return the stack's secrets, from its settings."""
    name = ROOT_SECRET if stack == FLEET_STACK else CELL_SECRET
    text = pulumi.Config("cellwright").get(name)
    hint = f"`cellwright stacks` sets it for stack {stack}"
    if not text:
        raise pulumi.RunError(f"cellwright:{name} is not set; {hint}")
    try:
        settings = read_settings(root, stack)
        if stack == FLEET_STACK:
            return read_secrets(text, settings.state or FIRST).of_fleet()
        return read_record(text, settings.fleet_id)
    except CommandError as error:
        raise pulumi.RunError(harmless(str(error))) from None
    except ValueError as error:
        raise pulumi.RunError(f"cellwright:{name}: {error}; {hint}") from None


def _warn_of_others(fleet: Fleet, clusters: Iterable[str]) -> None:
    """Warn while `cellwright up` is running: both would change the same objects."""
    for cluster in clusters:
        other = holder(Kubectl(fleet.clusters[cluster]), fleet.directory_namespace)
        if other is not None:
            pulumi.log.warn(harmless(f"`cellwright up` is running in cluster {cluster}: {other}"))


def _provider(cluster: Cluster) -> pulumi.ProviderResource:
    """Return the provider of one cluster.

    Directory shards and the routers' settings change in place: by default the provider would
    delete a ConfigMap and make a new one, and routers would see a moment without it. Objects that
    exist are taken on, so that a run that was killed half-way can go on, and a cell whose volume
    was kept can come back; that they are this fleet's is checked before (`edge.guard`).
    """
    settings: dict[str, Any] = {
        "enableServerSideApply": "true",
        "enableConfigMapMutable": "true",
        "enableSecretMutable": "true",
        "upsertExistingObjects": "true",
    }
    if cluster.context:
        settings["context"] = cluster.context
    options = pulumi.ResourceOptions(version=PROVIDER_VERSION)
    return pulumi.ProviderResource("kubernetes", cluster.name, settings, options)


def _inputs(one: Registration, body: Mapping[str, Any], secrets: StackSecrets) -> dict[str, Any]:
    return {
        key: pulumi.Output.secret(resolve(value, secrets.value))
        if key in one.secret_inputs
        else value
        for key, value in body.items()
    }


def _stop(_number: int, _frame: FrameType | None) -> None:
    """End quietly: Pulumi interrupts the program when a resource has failed, and has said why."""
    sys.exit(1)
