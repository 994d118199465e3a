"""Before Pulumi runs, a cell's quota of CPU and memory is made to allow what is declared."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cellwright.edge.files import read
from cellwright.edge.up import loosening
from cellwright.edge.up.loosening import loosen_quota
from cellwright.plan import plan
from tests.fleets import demo
from tests.workspaces import demo_in

PATH = "/api/v1/namespaces/cell-alpha/resourcequotas/compute"


class Cluster:
    """Stands for kubectl: one quota that is there, and the patches of it."""

    def __init__(self, **hard: str) -> None:
        self.objects = {PATH: {"spec": {"hard": hard}}} if hard else {}
        self.patches: list[Any] = []

    def find(self, path: str) -> Any:
        return self.objects.get(path)

    def patch(self, kind: str, name: str, patch: Any, *, namespace: str) -> None:
        assert (kind, name, namespace) == ("resourcequota", "compute", "cell-alpha")
        self.patches.append(patch["spec"]["hard"])


@pytest.fixture
def loosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    def run(cluster: Cluster, quota: str = "", stack: str = "alpha", *, there: bool = True) -> Any:
        path = demo_in(tmp_path) / "cells/fleet.yaml"
        text = path.read_text("utf-8").replace("  routing:\n", f"{quota}  routing:\n")
        path.write_text(text, "utf-8")
        situation: Any = SimpleNamespace(
            fleet=demo(),
            manifests=plan(read(tmp_path)).stacks,
            is_there=lambda *_: there,
        )
        monkeypatch.setattr(loosening, "Kubectl", lambda _: cluster)
        loosen_quota(situation, stack)
        return cluster.patches

    return run


def test_a_smaller_one_is_raised_and_no_limit_is_lowered(loosen: Any) -> None:
    cluster = Cluster(**{"requests.cpu": "1m", "requests.memory": "900Ti"})
    ((found),) = loosen(cluster, "  quota: {}\n")
    assert found.keys() == {"requests.cpu"}
    assert found["requests.cpu"] != "1m"


def test_what_is_declared_no_more_is_in_nobodys_way(loosen: Any) -> None:
    cluster = Cluster(**{"limits.cpu": "1", "limits.memory": "1Gi"})
    assert loosen(cluster) == [{"limits.cpu": None, "limits.memory": None}]


def test_one_that_is_large_enough_stays(loosen: Any) -> None:
    assert loosen(Cluster(**{"requests.cpu": "900"}), "  quota: {}\n") == []


def test_where_there_is_none_nothing_is_done(loosen: Any) -> None:
    assert loosen(Cluster(), "  quota: {}\n") == []
    smaller = {"requests.cpu": "1m"}
    assert loosen(Cluster(**smaller), there=False) == []
    assert loosen(Cluster(**smaller), stack="fleet") == []
