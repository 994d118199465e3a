"""Asks one cluster through `kubectl`: what it holds, and what it would make of objects.

kubectl brings every kind of authentication that a kubeconfig can name. Refuses to change
anything.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cellwright.edge.failure import CommandError
from cellwright.edge.process import run
from cellwright.model import Cluster

Body = Mapping[str, Any]

_PATIENCE = 5  # seconds until a cluster counts as away
_TIMEOUT = 600.0  # seconds for all objects of a cluster
_FEW = 8  # objects that are quicker asked for by their names than listed
_MANAGER = "cellwright-diff"
_SELECTOR = "app.kubernetes.io/managed-by=cellwright"
_MAY_NOT = "cannot patch resource"
_AS_JSON = ("--output", "json", "--show-managed-fields")


class Kubectl:
    """`kubectl` for one cluster."""

    def __init__(self, cluster: Cluster) -> None:
        """Take the cluster, whose context is the kubeconfig's current one unless it names one."""
        self._name = cluster.name
        self._command = ["kubectl", *(["--context", cluster.context] if cluster.context else [])]

    def _soon(self, *asked: str) -> str:
        """Return what is printed; raise CommandError where a cluster counts as away."""
        command = [*self._command, *asked, f"--request-timeout={_PATIENCE}s"]
        return run(command, timeout=_PATIENCE + 3).output

    def greet(self) -> None:
        """Raise CommandError, within seconds, for a cluster that does not answer."""
        try:
            self._soon("get", "--raw", "/version")
        except CommandError as error:
            raise CommandError(f"cluster {self._name} does not answer: {error}") from None

    def document(self, path: str, *, seconds: float = _TIMEOUT) -> Any:
        """Return the JSON document that the API server has at a path, in so many seconds."""
        output = run([*self._command, "get", "--raw", path], timeout=seconds).output
        try:
            return json.loads(output)
        except ValueError:
            raise CommandError(f"kubectl get --raw {path}: the answer is not JSON") from None

    def ours(self, kinds: Iterable[str]) -> list[Body]:
        """Return all objects of some kinds that cellwright made."""
        asked = ["get", ",".join(sorted(set(kinds))), "--all-namespaces", "--selector", _SELECTOR]
        return _objects(run([*self._command, *asked, *_AS_JSON], timeout=_TIMEOUT).output)

    def present(self, kinds: Iterable[str], namespace: str | None, *, seconds: float) -> list[Body]:
        """Return all objects of some kinds, whoever made them, of one namespace or of all.

        Raises CommandError where that takes longer than some seconds.
        """
        where = ["--namespace", namespace] if namespace else ["--all-namespaces"]
        asked = ["get", ",".join(kinds), *where, "--output", "json"]
        command = [*self._command, *asked, f"--request-timeout={seconds:.0f}s"]
        return _objects(run(command, timeout=seconds).output)

    def execute(self, namespace: str, pod: str, container: str, *command: str) -> str:
        """Return what a command prints that runs in a container; CommandError if it fails.

        Raises CommandError as well if that takes longer than greet.
        """
        asked = ["exec", "--namespace", namespace, pod, "--container", container]
        return run([*self._command, *asked, "--", *command], timeout=_PATIENCE + 3).output

    def pods(self, selector: str) -> list[Body]:
        """Return the pods of all namespaces; raise CommandError if that takes longer than greet."""
        asked = ["get", "pods", "--all-namespaces", "--selector", selector, "--output", "json"]
        return _objects(self._soon(*asked))

    def versions(self, kind: str, namespace: str, selector: str) -> list[int]:
        """Return the resourceVersions of some objects; raise CommandError as `pods` does."""
        asked = ["get", kind, "--namespace", namespace, "--selector", selector]
        asked += ["--output", "jsonpath={.items[*].metadata.resourceVersion}"]
        return [int(one) for one in self._soon(*asked).split()]

    def named(self, kind: str, namespace: str, names: Iterable[str]) -> list[Body]:
        """Return those of some objects of one kind and namespace that are there.

        kubectl asks for each by itself, five in a second: many are found among all of them.
        """
        wanted = list(names)
        few = wanted if len(wanted) <= _FEW else []
        asked = ["get", kind, *few, "--namespace", namespace, "--ignore-not-found"]
        output = run([*self._command, *asked, "--output", "json"], timeout=_TIMEOUT).output
        return [one for one in _objects(output) if one["metadata"]["name"] in wanted]

    def held(self, declared: Sequence[Body], others: Iterable[str] = ()) -> list[Body]:
        """Return those of the objects that are there, and others of their kinds that are ours.

        `others` are more kinds, in the form of `resource`, of which those that are ours count.
        """
        listed = self.ours([*(resource(one) for one in declared), *others])
        there = {_key(body) for body in listed}
        missing = [one for one in declared if _key(one) not in there]
        if missing:
            asked = ["get", "--filename", "-", "--ignore-not-found", *_AS_JSON]
            given = _as_list(_named(one) for one in missing)
            listed += _objects(run([*self._command, *asked], given=given, timeout=_TIMEOUT).output)
        return listed

    def applied(self, declared: Sequence[Body]) -> tuple[list[Body], list[str]]:
        """Return the objects as they would be, and what the server says of those it refuses.

        kubectl shows nothing at all where one object is refused, so each half is asked again.
        Raises CommandError where the user may not ask.
        """
        if not declared:
            return [], []
        asked = ["apply", "--server-side", "--dry-run=server", "--force-conflicts"]
        asked += [f"--field-manager={_MANAGER}", "--filename", "-", *_AS_JSON]
        given = _as_list(declared)
        done = run([*self._command, *asked], given=given, timeout=_TIMEOUT, check=False)
        if done.code == 0:
            return _objects(done.output), []
        said = done.errors.strip()
        if _MAY_NOT in said:
            raise CommandError(said.splitlines()[0])
        if len(declared) == 1:
            return [], [said]
        self.greet()
        half = len(declared) // 2
        found, refused = self.applied(declared[:half])
        more, others = self.applied(declared[half:])
        return [*found, *more], [*refused, *others]


def _key(body: Body) -> tuple[str, str, str, str]:
    group = str(body["apiVersion"]).rpartition("/")[0]
    metadata = body["metadata"]
    return group, body["kind"], metadata.get("namespace", ""), metadata["name"]


def resource(body: Body) -> str:
    """Return the kind in the form that names its version and group, too."""
    group, _, version = str(body["apiVersion"]).rpartition("/")
    return f"{str(body['kind']).lower()}.{version}.{group}"


def _named(body: Body) -> Body:
    """Return what is needed to ask for an object."""
    metadata = {key: body["metadata"].get(key, "") for key in ("name", "namespace")}
    return {"apiVersion": body["apiVersion"], "kind": body["kind"], "metadata": metadata}


def _as_list(bodies: Iterable[Body]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(bodies)})


def _objects(output: str) -> list[Body]:
    """Return the objects that kubectl printed: a list, a single one, or nothing."""
    if not output.strip():
        return []
    value = json.loads(output)
    return list(value["items"]) if value["kind"] == "List" else [value]
