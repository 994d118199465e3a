"""Checks of what was rendered, before anything is applied.

Refuses to repair: a manifest that breaks a rule is a problem of its template.
"""

import re
from collections.abc import Iterable, Iterator

from cellwright.manifest import SECRET_KEY, Manifest
from cellwright.model import Fleet
from cellwright.problem import Place, Problem
from cellwright.render import DIRECTORY_NAMESPACE, FLEET_STACK

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\Z")
_LABEL = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?\Z")
_CLUSTER_WIDE = {"Namespace", "ClusterRole", "ClusterRoleBinding", "PersistentVolume"}


def check(fleet: Fleet, manifests: Iterable[Manifest]) -> list[Problem]:
    """Return what is wrong with one stack's manifests."""
    seen: dict[tuple[str, ...], Manifest] = {}
    problems = []
    for manifest in manifests:
        if manifest.identity in seen:
            first = seen[manifest.identity].template
            message = f"{_called(manifest)} is rendered twice, also by templates/{first}"
            problems.append(_problem(manifest, "CW303", message))
        seen.setdefault(manifest.identity, manifest)
        problems += [_problem(manifest, "CW302", text) for text in _wrong(fleet, manifest)]
    return problems


def _wrong(fleet: Fleet, manifest: Manifest) -> Iterator[str]:
    if not _NAME.match(manifest.name):
        yield f"{_called(manifest)}: not a valid name"
    for key, value in (manifest.body["metadata"].get("labels") or {}).items():
        if not isinstance(value, str) or not _LABEL.match(value):
            yield f"{_called(manifest)}: the label {key} can't be {value!r}"
    allowed = {DIRECTORY_NAMESPACE}
    if manifest.stack != FLEET_STACK:
        allowed.add(fleet.cells[manifest.stack].namespace)
    if manifest.kind in _CLUSTER_WIDE:
        if manifest.kind == "Namespace" and manifest.name not in allowed:
            yield f"{_called(manifest)}: a stack makes no namespace but its own"
    elif manifest.namespace not in allowed:
        known = " or ".join(sorted(allowed))
        yield f"{_called(manifest)}: expected namespace {known}, not {manifest.namespace!r}"
    if manifest.kind != "Secret" and _mentions_secret(manifest.body):
        yield f"{_called(manifest)}: a secret outside of an object of kind Secret"


def _mentions_secret(value: object) -> bool:
    if isinstance(value, dict):
        return SECRET_KEY in value or any(_mentions_secret(one) for one in value.values())
    return isinstance(value, list) and any(_mentions_secret(one) for one in value)


def _called(manifest: Manifest) -> str:
    return f"{manifest.kind} {manifest.name} of {manifest.stack}"


def _problem(manifest: Manifest, code: str, message: str) -> Problem:
    return Problem(Place(f"templates/{manifest.template}"), "", code, message)
