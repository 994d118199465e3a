"""What kubectl is asked, and what is made of its answers.

What it really says is shown by the end-to-end tests.
"""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from cellwright.edge import kubectl as module
from cellwright.edge.failure import CommandError
from cellwright.edge.kubectl import Kubectl, RefusedError
from cellwright.edge.process import Result
from cellwright.model import Cluster

Body = dict[str, Any]


def body(name: str, kind: str = "ConfigMap") -> Body:
    metadata = {"name": name, "namespace": "cell-alpha"}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata}


class Server:
    """Stands for `kubectl` and a server that holds some objects and refuses some names."""

    def __init__(
        self, *held: Body, refused: Sequence[str] = (), message: str = "is invalid"
    ) -> None:
        self.held, self.refused, self.message = held, refused, message
        self.commands: list[list[str]] = []
        self.away = False

    def __call__(self, command: list[str], *, given: str | None = None, **_: Any) -> Result:
        self.commands.append(command)
        if self.away:
            raise CommandError("kubectl get: refused")
        items = json.loads(given)["items"] if given else []
        if "apply" in command:
            wrong = [one for one in items if one["metadata"]["name"] in self.refused]
            if wrong:
                return Result(1, "", f"{wrong[0]['metadata']['name']} {self.message}\n")
            return self.answer(items)
        if given:
            names = [one["metadata"]["name"] for one in items]
            return self.answer([one for one in self.held if one["metadata"]["name"] in names])
        return self.answer([one for one in self.held if "labels" in one["metadata"]])

    @staticmethod
    def answer(found: list[Body]) -> Result:
        whole = found[0] if len(found) == 1 else {"kind": "List", "items": found}
        return Result(0, json.dumps(whole) if found else "", "")


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that puts a server behind kubectl."""

    def put(server: Server) -> Kubectl:
        monkeypatch.setattr(module, "run", server)
        return Kubectl(Cluster("local", "prod"))

    return put


def test_the_cluster_is_named_by_its_context(ask: Any) -> None:
    server = Server()
    ask(server).held([body("a")])
    assert all(command[:3] == ["kubectl", "--context", "prod"] for command in server.commands)


def test_objects_are_found_with_and_without_our_label(ask: Any) -> None:
    labelled = body("a")
    labelled["metadata"]["labels"] = {"app.kubernetes.io/managed-by": "cellwright"}
    stray = body("stray")
    stray["metadata"]["labels"] = {"app.kubernetes.io/managed-by": "cellwright"}
    kubectl = ask(Server(labelled, stray, body("b"), body("others")))
    found = kubectl.held([body("a"), body("b"), body("absent")])
    assert [one["metadata"]["name"] for one in found] == ["a", "stray", "b"]


def test_kinds_are_asked_for_with_their_version_and_group(ask: Any) -> None:
    server = Server()
    deployment = {**body("a", "Deployment"), "apiVersion": "apps/v1"}
    ask(server).held([body("a"), deployment])
    assert "configmap.v1.,deployment.v1.apps" in server.commands[0]


@pytest.mark.parametrize("refused", [["a"], ["d"], ["b", "c"], ["a", "b", "c", "d"]])
def test_one_refusal_does_not_hide_the_others(ask: Any, refused: list[str]) -> None:
    names = ["a", "b", "c", "d"]
    kubectl = ask(Server(refused=refused))
    found, said = kubectl.applied([body(name) for name in names])
    expected = [name for name in names if name not in refused]
    assert [one["metadata"]["name"] for one in found] == expected
    assert said == [f"{name} is invalid" for name in refused]


def test_who_may_not_ask_is_told_at_once(ask: Any) -> None:
    message = 'is forbidden: User "u" cannot patch resource "configmaps"'
    server = Server(refused=["a"], message=message)
    with pytest.raises(CommandError, match="cannot patch"):
        ask(server).applied([body("a"), body("b")])
    assert len(server.commands) == 1


def test_a_cluster_that_goes_away_is_told(ask: Any) -> None:
    server = Server()
    server.away = True
    with pytest.raises(CommandError, match="cluster local does not answer"):
        ask(server).greet()


def test_nothing_is_asked_about_nothing(ask: Any) -> None:
    server = Server()
    assert ask(server).applied([]) == ([], [])
    assert server.commands == []


class Silent:
    """Stands for `kubectl` that prints one text, whatever it is asked."""

    def __init__(self, output: str) -> None:
        self.output = output
        self.commands: list[list[str]] = []
        self.timeouts: list[float] = []

    def __call__(self, command: list[str], *, timeout: float) -> Result:
        self.commands.append(command)
        self.timeouts.append(timeout)
        return Result(0, self.output, "")


def test_pods_and_versions_are_asked_for_in_seconds(ask: Any) -> None:
    server = Silent("4711 4698")
    assert ask(server).versions("configmaps", "there", "key") == [4711, 4698]
    assert server.commands[0][3:9] == [
        "get",
        "configmaps",
        "--namespace",
        "there",
        "--selector",
        "key",
    ]
    server = Silent('{"kind": "List", "items": []}')
    assert ask(server).pods("key=value") == []
    assert "--all-namespaces" in server.commands[0]
    assert "--request-timeout=5s" in server.commands[0]
    assert max(server.timeouts) < 10


def test_some_objects_by_name_are_none_one_or_a_list(ask: Any) -> None:
    one = body("a")
    for output, found in (
        ("", []),
        (json.dumps(one), [one]),
        (json.dumps({"kind": "List", "items": [one, body("b")]}), [one, body("b")]),
    ):
        assert ask(Silent(output)).named("configmaps", "there", ["a", "b"]) == found


def test_many_objects_are_found_among_all(ask: Any) -> None:
    there = [body("a"), body("b"), body("other")]
    server = Silent(json.dumps({"kind": "List", "items": there}))
    names = ["a", "b", *(f"absent-{number}" for number in range(20))]
    assert ask(server).named("configmaps", "there", names) == there[:2]
    (asked,) = server.commands
    assert not set(asked) & set(names)


def test_a_document_may_have_to_come_soon(ask: Any) -> None:
    server = Silent("{}")
    assert ask(server).document("/path", seconds=3) == {}
    assert server.timeouts == [3]


class Answering:
    """Stands for `kubectl` that ends in one way, and keeps what it was given."""

    def __init__(self, result: Result) -> None:
        self.result = result
        self.commands: list[list[str]] = []
        self.given: list[Any] = []

    def __call__(
        self, command: list[str], *, given: str | None, timeout: float, check: bool
    ) -> Result:
        assert timeout < 10
        assert not check
        self.commands.append(command[3:])
        self.given.append(None if given is None else json.loads(given))
        return self.result


def test_an_object_is_found_created_replaced_and_patched(ask: Any) -> None:
    server = Answering(Result(0, '{"kind": "Lease"}', "Warning: x"))
    kubectl = ask(server)
    patch = {"metadata": {"annotations": {"a": "b"}}}
    assert kubectl.find("/path/x") == {"kind": "Lease"}
    assert kubectl.create("/path", body("x"), seconds=2) == {"kind": "Lease"}
    assert kubectl.replace("/path/x", body("x")) == {"kind": "Lease"}
    assert kubectl.patch("namespace", "x", patch) == {"kind": "Lease"}
    assert kubectl.patch("configmap", "x", patch, namespace="y") == {"kind": "Lease"}
    timeouts = [command.pop() for command in server.commands]
    assert timeouts == [f"--request-timeout={seconds}s" for seconds in (5, 2, 5, 5, 5)]
    assert [" ".join(command) for command in server.commands] == [
        "get --raw /path/x",
        "create --raw /path --filename -",
        "replace --raw /path/x --filename -",
        "patch namespace x --type=merge --patch-file=/dev/stdin --output json",
        "patch configmap x --namespace y --type=merge --patch-file=/dev/stdin --output json",
    ]
    assert server.given == [None, body("x"), body("x"), patch, patch]


@pytest.mark.parametrize("reason", ["AlreadyExists", "Conflict", "Forbidden", "NotFound"])
def test_a_refusal_has_the_servers_reason(ask: Any, reason: str) -> None:
    said = f'Error from server ({reason}): leases "x" (y): no\n'
    with pytest.raises(RefusedError, match='leases "x"') as told:
        ask(Answering(Result(1, "", said))).replace("/path/x", body("x"))
    assert told.value.reason == reason


def test_what_is_absent_is_found_as_nothing(ask: Any) -> None:
    assert ask(Answering(Result(1, "", "Error from server (NotFound): no"))).find("/x") is None


@pytest.mark.parametrize(
    "result",
    [
        Result(1, "", "The connection to the server 127.0.0.1:1 was refused"),
        Result(1, "", "Error from server (InternalError): etcd is full"),
        Result(1, "", ""),
        Result(0, "", ""),
        Result(0, "[]", ""),
        Result(0, "{", ""),
    ],
)
def test_a_server_that_can_not_answer_is_no_refusal(ask: Any, result: Result) -> None:
    with pytest.raises(CommandError, match="cluster local: ") as told:
        ask(Answering(result)).find("/x")
    assert not isinstance(told.value, RefusedError)
