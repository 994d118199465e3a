"""What is asked of a cluster to know what its namespaces wait for."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from cellwright.edge.failure import CommandError
from cellwright.edge.waiting import not_ready, waiting

LISTED = json.loads((Path(__file__).parents[1] / "objects/broken.json").read_text("utf-8"))["items"]


class Held:
    """Stands for kubectl and what it lists."""

    def __init__(self, objects: Iterable[Any] = LISTED, *, tells_events: bool = True) -> None:
        self.objects, self.tells_events = list(objects), tells_events
        self.asked: list[tuple[str, str | None]] = []

    def present(self, kinds: Iterable[str], namespace: str | None, *, seconds: float) -> list[Any]:
        assert seconds > 0
        names = [kind.partition(".")[0] for kind in kinds]
        self.asked.append(("event" if "event" in names else ",".join(kinds), namespace))
        if "event" in names and not self.tells_events:
            raise CommandError("events is forbidden")
        return [
            each
            for each in self.objects
            if each["kind"].lower() in names and namespace in (None, each["metadata"]["namespace"])
        ]

    def held(self, declared: Iterable[Any]) -> list[Any]:
        names = {each["metadata"]["name"] for each in declared}
        return [each for each in self.objects if each["metadata"]["name"] in names]


def ask(held: Held, *namespaces: str, declared: Iterable[Any] = ()) -> dict[str, list[str]]:
    found = waiting(held, namespaces, declared)  # type: ignore[arg-type]
    return {namespace: [str(each) for each in listed] for namespace, listed in found.items()}


def body(kind: str, name: str, namespace: str, version: str = "apps/v1") -> Any:
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace},
    }


def test_each_namespace_has_its_own_reasons() -> None:
    held = Held()
    found = ask(held, "quota", "restricted")
    assert found.keys() == {"quota", "restricted"}
    assert len(held.asked) == 4


def test_many_namespaces_are_asked_at_once() -> None:
    held = Held()
    found = ask(held, "quota", "restricted", "a", "b", "c")
    assert found.keys() == {"quota", "restricted"}
    assert [namespace for _, namespace in held.asked] == [None, None]


def test_events_are_read_only_where_something_is_not_ready() -> None:
    held = Held([])
    assert ask(held, "quota") == {}
    assert [kinds for kinds, _ in held.asked if kinds == "event"] == []


def test_whoever_may_not_read_events_is_told_less() -> None:
    (insecure,) = ask(Held(tells_events=False), "restricted")["restricted"]
    assert 'violates PodSecurity "restricted:latest"' in insecure
    found = ask(Held(tells_events=False), "quota")["quota"]
    assert "StatefulSet quota-set: 0 of 1 pod is ready" in found


def test_custom_resources_that_are_declared_are_asked_for() -> None:
    held = Held([])
    ask(held, "quota", declared=[body("Cluster", "db", "quota", "postgresql.cnpg.io/v1")])
    ((kinds, _),) = held.asked
    assert kinds.endswith(",cluster.v1.postgresql.cnpg.io")


def test_only_what_is_declared_counts_where_it_is_given() -> None:
    declared = [body("Deployment", "quota", "quota"), body("Deployment", "absent", "quota")]
    found = not_ready(Held(), "quota", declared)  # type: ignore[arg-type]
    assert [each.name for each in found] == ["absent", "quota"]
    assert found[0].text == "it is missing"
    assert len(not_ready(Held(), "quota")) == 3  # type: ignore[arg-type]


def test_a_cluster_that_is_away_is_no_answer() -> None:
    held = Held()
    held.present = lambda *_, **__: (_ for _ in ()).throw(CommandError("away"))  # type: ignore[method-assign]
    with pytest.raises(CommandError, match="away"):
        ask(held, "quota")
