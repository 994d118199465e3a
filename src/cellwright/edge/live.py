"""What clusters hold of a fleet, and what they would hold after `up`, asked through `kubectl`.

The second is the server's own answer to a server-side apply in a dry run, so defaults and what
others changed by hand are in it. Refuses to send a secret, and to change anything.
"""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from cellwright.applied import merged, without_given_up
from cellwright.changes import compare
from cellwright.edge.process import CommandError, run
from cellwright.effects import Effect
from cellwright.manifest import Manifest
from cellwright.model import Cluster, Fleet
from cellwright.node import SECRET_KEY
from cellwright.redact import REDACTED
from cellwright.render import FLEET_STACK

_PATIENCE = 5  # seconds until a cluster counts as away
_TIMEOUT = 600.0  # seconds for all objects of a cluster
_MANAGER = "cellwright-diff"
_OWNER = "pulumi-kubernetes"
_SELECTOR = "app.kubernetes.io/managed-by=cellwright"
_CELL_LABEL = "cellwright.dev/cell"
_MAY_NOT = "cannot patch resource"
_OF_THE_SERVER = ("creationTimestamp", "generation", "managedFields", "resourceVersion", "uid")
_ANNOTATIONS = (
    "deployment.kubernetes.io/revision",
    "kubectl.kubernetes.io/last-applied-configuration",
)

Body = dict[str, Any]
Identity = tuple[str, str, str, str, str]


@dataclass(slots=True)
class Live:
    """The manifests of each stack as they are and as they would be; `refused` by the server."""

    before: dict[str, list[Manifest]] = field(default_factory=dict)
    after: dict[str, list[Manifest]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)


def read_live(fleet: Fleet, stacks: Mapping[str, Iterable[Manifest]]) -> Live:
    """Return what the clusters say of these stacks.

    Raises CommandError for a cluster that does not answer.
    """
    found = Live({name: [] for name in stacks}, {name: [] for name in stacks})
    by_cluster: dict[str, list[Manifest]] = {}
    for manifests in stacks.values():
        for one in manifests:
            by_cluster.setdefault(one.cluster, []).append(one)
    for cluster, declared in by_cluster.items():
        kubectl = _Kubectl(fleet.clusters[cluster])
        kubectl.greet()
        _read_cluster(kubectl, cluster, declared, found)
    return found


def _read_cluster(kubectl: "_Kubectl", cluster: str, declared: list[Manifest], found: Live) -> None:
    held = {_identity(cluster, body): body for body in kubectl.held(declared)}
    local = {
        one.identity: merged(held[one.identity], _without_data(one.body))
        for one in declared
        if one.identity in held
    }
    asked = [
        one
        for one in declared
        if one.identity in held and not _is_fixed(one, held[one.identity], local[one.identity])
    ]
    answers, refused = kubectl.applied(asked)
    applied = {_identity(cluster, body): body for body in answers}
    found.refused += refused
    for one in declared:
        live = held.pop(one.identity, None)
        if live is None:
            found.after[one.stack].append(one)
            continue
        answer = applied.get(one.identity, local[one.identity])
        after = without_given_up(live, answer, one.body, _OWNER)
        found.before[one.stack].append(replace(one, body=_shown(live)))
        found.after[one.stack].append(replace(one, body=_with_keys(_shown(after), live, one)))
    for body in held.values():
        stack = body["metadata"].get("labels", {}).get(_CELL_LABEL, FLEET_STACK)
        if stack in found.before and not body["metadata"].get("ownerReferences"):
            found.before[stack].append(Manifest(stack, cluster, "", 0, 0, _shown(body)))


class _Kubectl:
    """`kubectl` for one cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._name = cluster.name
        self._command = ["kubectl", *(["--context", cluster.context] if cluster.context else [])]

    def greet(self) -> None:
        """Raise CommandError, within seconds, for a cluster that does not answer."""
        asked = ["get", "--raw", "/version", f"--request-timeout={_PATIENCE}s"]
        try:
            run([*self._command, *asked], timeout=_PATIENCE + 3)
        except CommandError as error:
            raise CommandError(f"cluster {self._name} does not answer: {error}") from None

    def held(self, declared: list[Manifest]) -> list[Body]:
        """Return the objects that are declared, and others of their kinds that are ours."""
        kinds = ",".join(sorted({_resource(one.body) for one in declared}))
        asked = ["get", kinds, "--all-namespaces", "--selector", _SELECTOR, *_AS_JSON]
        listed = list(_objects(run([*self._command, *asked], timeout=_TIMEOUT).output))
        there = {_identity("", body) for body in listed}
        missing = [one for one in declared if _identity("", one.body) not in there]
        asked = ["get", "--filename", "-", "--ignore-not-found", *_AS_JSON]
        given = _as_list(_name_only(one.body) for one in missing)
        if missing:
            more = run([*self._command, *asked], given=given, timeout=_TIMEOUT).output
            listed += _objects(more)
        return listed

    def applied(self, declared: list[Manifest]) -> tuple[list[Body], list[str]]:
        """Return the objects as they would be, and what the server says of those it refuses.

        kubectl shows nothing at all where one object is refused, so each half is asked again.
        """
        if not declared:
            return [], []
        asked = ["apply", "--server-side", "--dry-run=server", "--force-conflicts"]
        asked += [f"--field-manager={_MANAGER}", "--filename", "-", *_AS_JSON]
        given = _as_list(_without_data(one.body) for one in declared)
        done = run([*self._command, *asked], given=given, timeout=_TIMEOUT, check=False)
        if done.code == 0:
            return list(_objects(done.output)), []
        said = done.errors.strip()
        if _MAY_NOT in said:
            raise CommandError(said.splitlines()[0])
        if len(declared) == 1:
            return [], [said]
        self.greet()
        half = len(declared) // 2
        parts = [self.applied(declared[:half]), self.applied(declared[half:])]
        return [*parts[0][0], *parts[1][0]], [*parts[0][1], *parts[1][1]]


def _is_fixed(manifest: Manifest, live: Body, local: Body) -> bool:
    """Return whether a field would change that the server does not let change."""
    before, after = (replace(manifest, body=_shown(body)) for body in (live, local))
    change = compare(before, after)
    return change is not None and change.effect >= Effect.REPLACE


_AS_JSON = ("--output", "json", "--show-managed-fields")


def _identity(cluster: str, body: Mapping[str, Any]) -> Identity:
    return Manifest("", cluster, "", 0, 0, body).identity


def _resource(body: Mapping[str, Any]) -> str:
    """Return the kind in the form that names its version and group, too."""
    group, _, version = str(body["apiVersion"]).rpartition("/")
    return f"{str(body['kind']).lower()}.{version}.{group}"


def _name_only(body: Mapping[str, Any]) -> Body:
    metadata = {
        key: body["metadata"][key] for key in ("name", "namespace") if key in body["metadata"]
    }
    return {"apiVersion": body["apiVersion"], "kind": body["kind"], "metadata": metadata}


def _as_list(bodies: Iterable[Body]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(bodies)})


def _objects(output: str) -> Iterator[Body]:
    """Yield the objects of one or several JSON texts, of which some may be lists."""
    decoder, at = json.JSONDecoder(), 0
    while at < len(output.rstrip()):
        at += len(output[at:]) - len(output[at:].lstrip())
        value, at = decoder.raw_decode(output, at)
        yield from value["items"] if value["kind"] == "List" else [value]


def _without_data(body: Mapping[str, Any]) -> Body:
    hidden = ("data", "stringData") if body["kind"] == "Secret" else ()
    return {key: value for key, value in body.items() if key not in hidden}


def _shown(body: Mapping[str, Any]) -> Body:
    """Return an object without what the server writes itself, a Secret's values redacted."""
    shown = {key: value for key, value in body.items() if key != "status"}
    metadata = {key: value for key, value in body["metadata"].items() if key not in _OF_THE_SERVER}
    if "annotations" in metadata:
        kept = {k: v for k, v in metadata["annotations"].items() if k not in _ANNOTATIONS}
        metadata = {**metadata, "annotations": kept}
    shown["metadata"] = metadata
    if body["kind"] == "Secret":
        shown["data"] = dict.fromkeys(body.get("data") or {}, REDACTED)
    return shown


def _with_keys(after: Body, live: Body, manifest: Manifest) -> Body:
    """Return a Secret with the keys that its manifest has; other objects as they are."""
    if manifest.kind != "Secret":
        return after
    held = live.get("data") or {}
    texts = manifest.body.get("stringData") or {}
    wanted = {**(manifest.body.get("data") or {}), **{k: _encoded(v) for k, v in texts.items()}}
    data = {
        key: REDACTED if value is None or held.get(key) == value else f"another {REDACTED}"
        for key, value in wanted.items()
    }
    return {**after, "data": data}


def _encoded(value: Any) -> str | None:
    """Return text as a Secret holds it; None for a secret that is derived later."""
    if isinstance(value, Mapping) and set(value) == {SECRET_KEY}:
        return None
    return base64.b64encode(str(value).encode()).decode()
