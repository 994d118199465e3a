"""What `up_fleet.py` makes of a fleet: organizations, objects of cells, states of their stacks."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from api_server import FIELD_MANAGER

from cellwright.edge.clusters import Applied
from cellwright.identity import APPLIED_ANNOTATION, fleet_id, identified
from cellwright.manifest import Manifest
from cellwright.model import Fleet
from cellwright.registration import Registration, digest, registrations

FIRST = "1.1"
"""Which secrets cells have from the first."""

PROJECT = "cellwright"
CLUSTER = "local"
ASKED_KINDS = {"ConfigMap", "Namespace", "PersistentVolumeClaim", "Role", "StatefulSet"}
"""The kinds of cells' objects that `up` reads while no cell changes."""
CELL = """\
apiVersion: cellwright/v1
kind: Cell
metadata: {{name: c{0}}}
spec: {{id: {0}, ring: 1, region: eu, cluster: local, size: small}}
"""
_VERSION = "v3.259.0"
_SECRET_MARK = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}
_TRACE = {"sourcePosition": "project:///.venv/lib/python/site-packages/cellwright/edge/program.py"}


def declared_organizations(count: int, cells: int) -> Iterator[dict[str, Any]]:
    """Yield definitions, spread over the cells; every third has a host."""
    for number in range(1, count + 1):
        spec: dict[str, Any] = {"id": number, "cell": f"c{number % cells + 1}"}
        if number % 3 == 0:
            spec["hosts"] = [f"o{number}.example.com"]
        yield {
            "apiVersion": "cellwright/v1",
            "kind": "Organization",
            "metadata": {"name": f"organization-{number}"},
            "spec": spec,
        }


def cell_objects(
    fleet: Fleet, manifests: tuple[Manifest, ...], secret: bytes, updated: str
) -> Iterator[Mapping[str, Any]]:
    """Yield a cell's objects that are asked for, its namespace with the stamp that matches."""
    applied = Applied(digest(secret, registrations(fleet, manifests), FIRST), updated)
    for one in manifests:
        if one.kind not in ASKED_KINDS:
            continue
        body = identified(one.body, fleet.name, fleet_id(secret), FIRST)
        if one.kind == "Namespace":
            annotations = {**body["metadata"].get("annotations", {})}
            annotations[APPLIED_ANNOTATION] = applied.text()
            body = {**body, "metadata": {**body["metadata"], "annotations": annotations}}
        yield body
        for claim in body.get("spec", {}).get("volumeClaimTemplates") or ():
            yield _claim(claim, body)


def _claim(template: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the claim that the StatefulSet controller makes of a template for the first pod."""
    metadata = template["metadata"]
    name = f"{metadata['name']}-{body['metadata']['name']}-0"
    where = {"name": name, "namespace": body["metadata"]["namespace"]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {**metadata, **where},
        "spec": template["spec"],
    }


def stack_state(
    fleet: Fleet, name: str, manifests: tuple[Manifest, ...], secret: bytes, salt: str
) -> dict[str, Any]:
    """Return a stack's state in the form of Pulumi's checkpoints, version 3."""
    when = "2026-01-01T00:00:00.123456789Z"
    base = f"urn:pulumi:{name}::{PROJECT}::"
    stack = f"{base}pulumi:pulumi:Stack::{PROJECT}-{name}"
    cell = f"{base}cellwright:index:Cell::{name}"
    times = {"created": when, "modified": when, "stackTrace": [_TRACE] * 8, **_TRACE}
    provider = f"{base}pulumi:providers:kubernetes::{CLUSTER}"
    resources: list[dict[str, Any]] = [
        {"urn": stack, "custom": False, "type": "pulumi:pulumi:Stack", **times},
        {"urn": cell, "custom": False, "type": "cellwright:index:Cell", "parent": stack, **times},
        {
            "urn": provider,
            "custom": True,
            "id": "ebc6c4cc-d384-4ee8-8e31-28e78c93cfbe",
            "type": "pulumi:providers:kubernetes",
            "inputs": {"version": "4.34.2"},
            "outputs": {"version": "4.34.2"},
            "parent": stack,
            **times,
        },
    ]
    for one in registrations(fleet, manifests):
        resources += [
            {
                "urn": f"{base}cellwright:index:Cell${one.token}::{one.name}",
                "custom": True,
                "id": one.name,
                "type": one.token,
                **_values(one, fleet, secret),
                "parent": cell,
                "protect": one.protect,
                "provider": f"{provider}::ebc6c4cc-d384-4ee8-8e31-28e78c93cfbe",
                "propertyDependencies": {key: [] for key in one.manifest.body},
                "customTimeouts": {"create": 180, "update": 180, "delete": 180},
                **times,
            }
        ]
    latest = {
        "manifest": {
            "time": when,
            "magic": hashlib.sha256(_VERSION.encode()).hexdigest(),
            "version": _VERSION,
        },
        "secrets_providers": {"type": "passphrase", "state": {"salt": salt}},
        "resources": resources,
        "metadata": {},
    }
    return {
        "version": 3,
        "checkpoint": {"stack": f"organization/{PROJECT}/{name}", "latest": latest},
    }


def _values(one: Registration, fleet: Fleet, secret: bytes) -> dict[str, Any]:
    inputs = identified(one.manifest.body, fleet.name, fleet_id(secret), FIRST)
    hidden = {**_SECRET_MARK, "ciphertext": f"v1:{'x' * 120}"}
    inputs = {key: hidden if key in one.secret_inputs else inputs[key] for key in inputs}
    inputs = json.loads(json.dumps(inputs, default=_without_secrets))
    outputs = {**inputs, "__fieldManager": FIELD_MANAGER, "__initialApiVersion": "v1"}
    return {"inputs": inputs, "outputs": outputs}


def _without_secrets(text: Any) -> str:
    return repr(text)
