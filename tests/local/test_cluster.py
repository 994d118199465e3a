"""The cluster of a state folder: made, started again, or made anew; never another's.

The engine is real; `kind` and `kubectl` are stand-ins, so that no cluster has to boot.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from local import cluster, docker
from local.environment import prepare
from local.errors import Failed
from local.files import recorded, write_atomically
from local.place import Place
from local.process import capture
from local.programs import Tools
from tests.local.standins import Shown, script

KIND = """
echo "$*" >> {notes}
case "$1" in
  create) echo credentials > "$8"; docker run --detach --name "$4-control-plane" {image};;
  export) echo credentials > "$6";;
esac
"""


@dataclass
class Stand:
    """A state folder with stand-ins for kind and kubectl."""

    place: Place
    tools: Tools
    notes: Path
    image: str

    def run_node(self) -> None:
        """Start what looks like the node of this state folder's cluster."""
        capture(["docker", "run", "--detach", "--name", self.place.node, self.image], timeout=60)

    @property
    def calls(self) -> list[str]:
        """What kind was asked to do."""
        return [line.split()[0] for line in (recorded(self.notes) or "").splitlines()]


@pytest.fixture
def stand(
    where: Place, tiny_image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stand]:
    prepare(where)
    notes = tmp_path / "notes"
    kind = script(tmp_path / "bin" / "kind", KIND.format(notes=notes, image=tiny_image))
    text = f'test "$3 $4" = "--cache-dir {where.kube_cache}" || exit 2; test ! -e {tmp_path}/sick'
    kubectl = script(tmp_path / "bin" / "kubectl", text)
    monkeypatch.setattr(cluster, "HEALTHY_TIMEOUT_S", 0.1)
    tools = Tools(pulumi=tmp_path / "bin" / "pulumi", kind=kind, kubectl=kubectl)
    yield Stand(where, tools, notes, tiny_image)
    capture(["docker", "rm", "--force", "--volumes", where.node], timeout=60)


def status(place: Place) -> tuple[str, str]:
    found = docker.container(place.node)
    assert found
    return found["id"], found["status"]


def test_a_cluster_is_made_once(stand: Stand, shown: Shown) -> None:
    assert cluster.ensure(stand.place, stand.tools, shown.report) == f"{stand.place.cluster} made"
    first = status(stand.place)
    assert recorded(stand.place.state / "cluster") == first[0]
    assert stand.place.kubeconfig.stat().st_mode & 0o777 == 0o600
    assert cluster.ensure(stand.place, stand.tools, shown.report) == "running"
    assert status(stand.place) == first
    assert stand.calls == ["create"]


def test_what_a_killed_run_left_is_made_again(stand: Stand, shown: Shown) -> None:
    stand.run_node()
    half = status(stand.place)
    (stand.place.stacks / "record").write_text("")
    cluster.ensure(stand.place, stand.tools, shown.report)
    assert "a cluster was left half made" in shown.text
    assert status(stand.place)[0] != half[0]
    assert list(stand.place.stacks.iterdir()) == []


def test_a_cluster_that_vanished_takes_its_record_of_cells_along(
    stand: Stand, shown: Shown
) -> None:
    cluster.ensure(stand.place, stand.tools, shown.report)
    (stand.place.stacks / "record").write_text("")
    capture(["docker", "rm", "--force", "--volumes", stand.place.node], timeout=60)
    assert cluster.ensure(stand.place, stand.tools, shown.report).endswith(" made")
    assert list(stand.place.stacks.iterdir()) == []


def test_a_stopped_node_is_started_again(stand: Stand, shown: Shown) -> None:
    cluster.ensure(stand.place, stand.tools, shown.report)
    made, _ = status(stand.place)
    capture(["docker", "stop", "--time", "1", stand.place.node], timeout=60)
    stand.place.kubeconfig.unlink()
    assert cluster.ensure(stand.place, stand.tools, shown.report) == "started again"
    assert status(stand.place) == (made, "running")
    assert stand.calls == ["create", "export"]


def test_a_sick_cluster_is_made_again(stand: Stand, shown: Shown, tmp_path: Path) -> None:
    cluster.ensure(stand.place, stand.tools, shown.report)
    made, _ = status(stand.place)
    (tmp_path / "sick").touch()
    with pytest.raises(Failed, match="made, but is not healthy: expected that the API server is"):
        cluster.ensure(stand.place, stand.tools, shown.report)
    assert status(stand.place)[0] != made
    assert not cluster.is_recorded(stand.place)
    (tmp_path / "sick").unlink()
    cluster.ensure(stand.place, stand.tools, shown.report)
    assert stand.calls == ["create"] * 3


def test_removal_leaves_nothing_of_ours_and_all_of_others(
    stand: Stand, shown: Shown, tiny_image: str
) -> None:
    other = tiny_image.split("/", maxsplit=1)[0] + "-control-plane"
    capture(["docker", "run", "--detach", "--name", other, tiny_image], timeout=60)
    try:
        cluster.ensure(stand.place, stand.tools, shown.report)
        assert cluster.is_recorded(stand.place)
        cluster.remove(stand.place)
        assert docker.container(stand.place.node) is None
        assert not stand.place.kubeconfig.exists()
        assert not cluster.is_recorded(stand.place)
        assert docker.container(other) is not None
        cluster.remove(stand.place)
    finally:
        capture(["docker", "rm", "--force", other], timeout=60)


def test_only_a_network_that_we_brought_is_removed(
    stand: Stand, tiny_image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = tiny_image.split("/", maxsplit=1)[0]
    monkeypatch.setattr(cluster, "NETWORK", network)

    def exists() -> bool:
        listed = capture(["docker", "network", "ls", "--format", "{{.Name}}"], timeout=60)
        return network in listed.out.split()

    capture(["docker", "network", "create", network], timeout=60)
    try:
        cluster.remove(stand.place)
        assert exists()
        write_atomically(stand.place.state / "made-network", network)
        cluster.remove(stand.place)
        assert not exists()
    finally:
        capture(["docker", "network", "rm", network], timeout=60, check=False)


def test_kinds_file_fits_the_node_image_and_the_host() -> None:
    ours = cluster.configuration(own_network_plugin=True, restricted_host=True)
    official = cluster.configuration(own_network_plugin=False, restricted_host=False)
    assert "disableDefaultCNI: true\nfeatureGates: {KubeletInUserNamespace: true}\n" in ours
    assert "disableDefaultCNI: false\nnodes:\n" in official
    for port in (30081, 30095):
        line = f"      - {{containerPort: {port}, hostPort: 0, listenAddress: 127.0.0.1}}\n"
        assert line in ours
        assert line in official


def test_published_ports_are_read(stand: Stand) -> None:
    publish = ["--publish", "127.0.0.1::30081", "--publish", "127.0.0.1::30082/udp"]
    argv = ["docker", "run", "--detach", "--name", stand.place.node, *publish, stand.image]
    capture(argv, timeout=60)
    found = docker.ports(stand.place.node)
    assert list(found) == [30081]
    assert found[30081].startswith("127.0.0.1:")
