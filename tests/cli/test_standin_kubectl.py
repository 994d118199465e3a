"""The stand-in for kubectl keeps objects as a server does, for several processes at once."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from cellwright.edge.failure import CommandError
from cellwright.edge.kubectl import Kubectl, RefusedError
from cellwright.edge.lease import held
from cellwright.edge.lease_object import NoNamespaceError, holder
from cellwright.model import Cluster as Declared
from tests.cli import standins

PATH = "/apis/coordination.k8s.io/v1/namespaces/there/leases"
LEASE: dict[str, Any] = {"kind": "Lease", "metadata": {"name": "x", "namespace": "there"}}


@pytest.fixture
def kubectl(cluster: standins.Cluster) -> Kubectl:
    """What asks the stand-in."""
    assert cluster.objects == [standins.SYSTEM]
    return Kubectl(Declared("local", None))


def test_objects_are_made_once_and_replaced_by_version(kubectl: Kubectl) -> None:
    assert kubectl.find(f"{PATH}/x") is None
    first = kubectl.create(PATH, LEASE)
    with pytest.raises(RefusedError, match="already exists"):
        kubectl.create(PATH, LEASE)
    second = kubectl.replace(f"{PATH}/x", {**first, "spec": {"a": 1}})
    with pytest.raises(RefusedError, match="modified"):
        kubectl.replace(f"{PATH}/x", first)
    assert kubectl.find(f"{PATH}/x") == second
    patch = {"metadata": {"annotations": {"a": "b"}}, "spec": None}
    patched = kubectl.patch("lease", "x", patch, namespace="there")
    assert patched["metadata"]["annotations"] == {"a": "b"}
    assert "spec" not in patched


def test_one_of_several_processes_wins(kubectl: Kubectl, cluster: standins.Cluster) -> None:
    first = kubectl.create(PATH, LEASE)

    def contend(number: int) -> bool:
        try:
            kubectl.replace(f"{PATH}/x", {**first, "spec": {"holderIdentity": str(number)}})
        except RefusedError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(contend, range(4))) == 1
    assert cluster.file.exists()


def test_the_lease_is_held_through_it(kubectl: Kubectl, cluster: standins.Cluster) -> None:
    with held(kubectl, "there") as lease:
        there = holder(kubectl, "there")
        assert there is not None
        assert there.identity == lease.identity
        with pytest.raises(CommandError, match="is running"), held(kubectl, "there"):
            pass
    assert holder(kubectl, "there") is None
    cluster.file.write_text('{"objects": [], "tables": {}, "absent": ["there"]}')
    with pytest.raises(NoNamespaceError), held(kubectl, "there"):
        pass
