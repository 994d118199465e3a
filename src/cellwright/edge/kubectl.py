"""Asks one cluster through `kubectl`: what it holds, and what it would make of objects.

kubectl brings every kind of authentication that a kubeconfig can name. What a fleet consists of
is applied by Pulumi alone; `create`, `replace` and `patch` are for what cellwright itself notes
in the cluster, such as its lease.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from cellwright.edge.failure import CommandError
from cellwright.edge.process import run
from cellwright.model import Cluster

Body = Mapping[str, Any]

_PATIENCE = 5  # seconds until a cluster counts as away
_TIMEOUT = 600.0  # seconds for all objects of a cluster
_FEW = 8  # objects that are quicker asked for by their names than listed
_MANAGER = "cellwright-diff"
_SELECTOR = "app.kubernetes.io/managed-by=cellwright"
_FORBIDDEN = "(Forbidden)"
_MAY_NOT = "cannot patch resource"
_AS_JSON = ("--output", "json", "--show-managed-fields")
_SAID = re.compile(r"Error from server \((?P<reason>\w+)\): (?P<message>.*)")
_REFUSALS = ("AlreadyExists", "Conflict", "Forbidden", "NotFound")


class RefusedError(CommandError):
    """The API server refused a request; `reason` is one of its own words, such as Conflict."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Kubectl:
    """`kubectl` for one cluster."""

    def __init__(self, cluster: Cluster) -> None:
        """Take the cluster, whose context is the kubeconfig's current one unless it names one."""
        self._name = cluster.name
        self.command = ["kubectl", *(["--context", cluster.context] if cluster.context else [])]

    def _soon(self, *asked: str) -> str:
        """Return what is printed; raise CommandError where a cluster counts as away."""
        command = [*self.command, *asked, f"--request-timeout={_PATIENCE}s"]
        return run(command, timeout=_PATIENCE + 3).output

    def _away(self, error: CommandError) -> CommandError:
        """Return an error that says whether the cluster is away, or may not be asked."""
        what = "refuses" if _FORBIDDEN in str(error) else "does not answer"
        return CommandError(f"cluster {self._name} {what}: {error}")

    def greet(self) -> None:
        """Raise CommandError, within seconds, for a cluster that does not answer."""
        try:
            self._soon("get", "--raw", "/version")
        except CommandError as error:
            raise self._away(error) from None

    def namespaces(self) -> list[Body]:
        """Return all namespaces; raise CommandError, within seconds, if none are answered."""
        try:
            return _objects(self._soon("get", "namespaces", "--output", "json"))
        except CommandError as error:
            raise self._away(error) from None

    def annotate(self, namespace: str, annotations: Mapping[str, str | None]) -> None:
        """Set annotations of a namespace; None takes one away. Raises CommandError."""
        words = [
            f"{key}-" if value is None else f"{key}={value}" for key, value in annotations.items()
        ]
        self._soon("annotate", "--overwrite", "namespace", namespace, *words)

    def label(self, objects: Iterable[Body], labels: Mapping[str, str]) -> None:
        """Set labels of objects that are there. Raises CommandError."""
        words = [f"{key}={value}" for key, value in labels.items()]
        given = _as_list(_named(one) for one in objects)
        asked = ["label", "--overwrite", "--filename", "-", *words]
        run([*self.command, *asked], given=given, timeout=_TIMEOUT)

    def document(self, path: str, *, seconds: float = _TIMEOUT) -> Any:
        """Return the JSON document that the API server has at a path, in so many seconds."""
        output = run([*self.command, "get", "--raw", path], timeout=seconds).output
        try:
            return json.loads(output)
        except ValueError:
            raise CommandError(f"kubectl get --raw {path}: the answer is not JSON") from None

    def find(self, path: str, *, seconds: float = _PATIENCE) -> Body | None:
        """Return the object at a path of the API, None if there is none.

        Raises RefusedError for what the server refuses, CommandError if it does not answer.
        """
        try:
            return self._request(["get", "--raw", path], None, seconds)
        except RefusedError as error:
            if error.reason == "NotFound":
                return None
            raise

    def create(self, path: str, body: Body, *, seconds: float = _PATIENCE) -> Body:
        """Create an object in the collection at a path; return it as it is stored.

        Raises RefusedError, with the reason AlreadyExists where there is one of its name, or
        NotFound where there is no such namespace.
        """
        return self._request(["create", "--raw", path, "--filename", "-"], body, seconds)

    def replace(self, path: str, body: Body, *, seconds: float = _PATIENCE) -> Body:
        """Replace the object at a path; return it as it is stored.

        Raises RefusedError, with the reason Conflict where the object's resourceVersion is not
        that of the body any more.
        """
        return self._request(["replace", "--raw", path, "--filename", "-"], body, seconds)

    def patch(
        self, kind: str, name: str, patch: Body, *, namespace: str = "", seconds: float = _PATIENCE
    ) -> Body:
        """Merge a patch (RFC 7396) into an object; return it as it is stored.

        A patch that names metadata.resourceVersion is refused, with the reason Conflict, where
        the object has another one. Raises RefusedError as `find` and `replace` do.
        """
        asked = ["patch", kind, name, *(["--namespace", namespace] if namespace else [])]
        asked += ["--type=merge", "--patch-file=/dev/stdin", "--output", "json"]
        return self._request(asked, patch, seconds)

    def orphan(self, path: str, uid: str, *, seconds: float = _PATIENCE) -> None:
        """Delete the object at a path if it has this UID, and leave what belongs to it.

        Raises RefusedError, with the reason Conflict for another UID, or NotFound.
        """
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Orphan",
            "preconditions": {"uid": uid},
        }
        self._request(["delete", "--raw", path, "--filename", "-"], options, seconds)

    def _request(self, asked: Sequence[str], body: Body | None, seconds: float) -> Body:
        command = [*self.command, *asked, f"--request-timeout={seconds:g}s"]
        given = None if body is None else json.dumps(body)
        done = run(command, given=given, timeout=seconds + 3, check=False)
        said = (done.errors.strip() or "no message").splitlines()[-1]
        if done.code != 0:
            refusal = _SAID.fullmatch(said)
            if refusal and refusal["reason"] in _REFUSALS:
                raise RefusedError(refusal["reason"], refusal["message"])
            raise CommandError(f"cluster {self._name}: {said}")
        try:
            answer = json.loads(done.output)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise CommandError(f"cluster {self._name}: kubectl {asked[0]}: no object was returned")
        return answer

    def collection(self, path: str, selector: str = "") -> list[Body]:
        """Return the objects at a path of the API that cellwright made, by their labels.

        kubectl hands on what the server says as it is, in a tenth of the time of `kubectl get`.
        """
        wanted = ",".join(filter(None, (_SELECTOR, selector)))
        answer = self.document(f"{path}?{urlencode({'labelSelector': wanted})}")
        kind = str(answer["kind"]).removesuffix("List")
        own = {"apiVersion": answer["apiVersion"], "kind": kind}
        return [{**own, **one} for one in answer["items"]]

    def ours(self, kinds: Iterable[str], selector: str = "") -> list[Body]:
        """Return all objects of some kinds that cellwright made, by their labels."""
        wanted = ",".join(filter(None, (_SELECTOR, selector)))
        asked = ["get", ",".join(sorted(set(kinds))), "--all-namespaces", "--selector", wanted]
        return _objects(run([*self.command, *asked, *_AS_JSON], timeout=_TIMEOUT).output)

    def present(self, kinds: Iterable[str], namespace: str | None, *, seconds: float) -> list[Body]:
        """Return all objects of some kinds, whoever made them, of one namespace or of all.

        Raises CommandError where that takes longer than some seconds.
        """
        where = ["--namespace", namespace] if namespace else ["--all-namespaces"]
        asked = ["get", ",".join(kinds), *where, "--output", "json"]
        command = [*self.command, *asked, f"--request-timeout={seconds:.0f}s"]
        return _objects(run(command, timeout=seconds).output)

    def execute(self, namespace: str, pod: str, container: str, *command: str) -> str:
        """Return what a command prints that runs in a container; CommandError if it fails.

        Raises CommandError as well if that takes longer than greet.
        """
        asked = ["exec", "--namespace", namespace, pod, "--container", container]
        return run([*self.command, *asked, "--", *command], timeout=_PATIENCE + 3).output

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
        output = run([*self.command, *asked, "--output", "json"], timeout=_TIMEOUT).output
        return [one for one in _objects(output) if one["metadata"]["name"] in wanted]

    def held(
        self, declared: Sequence[Body], others: Iterable[str] = (), selector: str = ""
    ) -> list[Body]:
        """Return those of the objects that are there, and others of their kinds that are ours.

        `others` are more kinds, in the form of `resource`, of which those that are ours count. Of
        what is not declared, those alone count whose labels the selector fits.
        """
        listed = self.ours([*(resource(one) for one in declared), *others], selector)
        there = {_key(body) for body in listed}
        missing = [one for one in declared if _key(one) not in there]
        if missing:
            asked = ["get", "--filename", "-", "--ignore-not-found", *_AS_JSON]
            given = _as_list(_named(one) for one in missing)
            listed += _objects(run([*self.command, *asked], given=given, timeout=_TIMEOUT).output)
        return listed

    def apply(self, bodies: Iterable[Body], manager: str) -> None:
        """Apply objects for a field manager (server-side). Raises CommandError."""
        asked = ["apply", "--server-side", "--force-conflicts", f"--field-manager={manager}"]
        run([*self.command, *asked, "--filename", "-"], given=_as_list(bodies), timeout=_TIMEOUT)

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
        done = run([*self.command, *asked], given=given, timeout=_TIMEOUT, check=False)
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
