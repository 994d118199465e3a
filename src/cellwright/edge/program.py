"""The Pulumi program: registers one stack's manifests.

Wrong definitions end the program with all problems, before anything is registered. Refuses to
decide anything: what is registered comes from the plan.
"""

import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pulumi

from cellwright.edge.files import snapshot
from cellwright.edge.inputs import read_inputs
from cellwright.edge.kept import digest_of
from cellwright.edge.stacks import CHECKED
from cellwright.harmless import harmless
from cellwright.manifest import Manifest
from cellwright.model import FLEET_STACK, Fleet, UnknownStackError
from cellwright.plan import plan
from cellwright.registration import Registration, registrations
from cellwright.secret import ROOT_SECRET, decode_root, resolve
from cellwright.snapshot import Snapshot

PROVIDER_VERSION = "4.34.2"


def main(root: Path) -> None:
    """Register the stack that Pulumi runs the program for; the program's own entry."""
    signal.signal(signal.SIGINT, _stop)
    register(root)


def register(root: Path) -> None:
    """Register the manifests of the stack that Pulumi runs the program for.

    Raises pulumi.RunError for wrong definitions, an unknown stack or a wrong root secret.
    """
    stack = pulumi.get_stack()
    inputs = read_inputs(str(root))
    checked = os.environ.get(CHECKED)
    if checked is not None and checked != digest_of(inputs):
        raise pulumi.RunError(
            "the definitions, or the cellwright that reads them, are not those that "
            "`cellwright up` has checked; run it again"
        )
    try:
        made = plan(snapshot(inputs), only=[stack])
    except UnknownStackError:
        known = ", ".join([FLEET_STACK, *_cell_names(snapshot(inputs))])
        raise pulumi.RunError(f"no stack {stack!r} in the definitions; known: {known}") from None
    if made.problems or made.fleet is None:
        lines = "\n".join(f"  {harmless(str(problem))}" for problem in made.problems)
        count = len(made.problems)
        noun = "problem" if count == 1 else "problems"
        raise pulumi.RunError(f"{count} {noun} in the definitions:\n{lines}")
    secret = _root_secret(stack)
    _register(made.fleet, stack, made.stacks[stack], secret)


def _cell_names(read: Snapshot) -> list[str]:
    fleet = plan(read, only=[]).fleet
    return list(fleet.cells) if fleet else []


def _root_secret(stack: str) -> bytes:
    text = pulumi.Config("cellwright").get(ROOT_SECRET)
    hint = f"`cellwright stacks` sets it; by hand: pulumi config set --secret --stack {stack} …"
    if not text:
        raise pulumi.RunError(f"cellwright:{ROOT_SECRET} is not set; {hint}")
    try:
        return decode_root(text)
    except ValueError as error:
        raise pulumi.RunError(f"cellwright:{ROOT_SECRET}: {error}; {hint}") from None


def _register(fleet: Fleet, stack: str, manifests: tuple[Manifest, ...], root: bytes) -> None:
    kind = "Fleet" if stack == FLEET_STACK else "Cell"
    component = pulumi.ComponentResource(f"cellwright:index:{kind}", stack)
    providers = {
        cluster: _provider(fleet, cluster) for cluster in {one.cluster for one in manifests}
    }
    registered: list[tuple[int, pulumi.Resource]] = []
    for one in registrations(fleet, manifests):
        after = one.manifest.after
        options = pulumi.ResourceOptions(
            parent=component,
            provider=providers[one.manifest.cluster],
            depends_on=[resource for rank, resource in registered if rank <= after],
            protect=one.protect,
            retain_on_delete=one.retain,
            version=PROVIDER_VERSION,
        )
        resource = pulumi.CustomResource(one.token, one.name, _inputs(one, root), options)
        registered.append((one.manifest.rank, resource))
    component.register_outputs({})


def _provider(fleet: Fleet, cluster: str) -> pulumi.ProviderResource:
    """Return the provider of one cluster.

    Directory shards and the routers' settings change in place: by default the provider would
    delete a ConfigMap and make a new one, and routers would see a moment without it.

    Objects that exist are adopted: those of a run that was killed before its state knew of them,
    and those that were kept when a cell was destroyed. By default the provider refuses them.
    """
    context = fleet.clusters[cluster].context
    settings: dict[str, Any] = {
        "enableServerSideApply": "true",
        "enableConfigMapMutable": "true",
        "enableSecretMutable": "true",
        "upsertExistingObjects": "true",
    }
    if context:
        settings["context"] = context
    options = pulumi.ResourceOptions(version=PROVIDER_VERSION)
    return pulumi.ProviderResource("kubernetes", cluster, settings, options)


def _inputs(one: Registration, root: bytes) -> dict[str, Any]:
    return {
        key: pulumi.Output.secret(resolve(value, root)) if key in one.secret_inputs else value
        for key, value in one.manifest.body.items()
    }


def _stop(_number: int, _frame: FrameType | None) -> None:
    """End quietly: Pulumi interrupts the program when a resource has failed, and has said why."""
    sys.exit(1)
