"""What would change an id, or lose data, is refused before anything is touched."""

from collections.abc import Iterator

import pytest

from tests.end_to_end.workspace import Workspace

CUSTOMERS = "organizations/customers.yaml"
CELL = """\
apiVersion: cellwright/v1
kind: Cell
metadata: {name: epsilon}
spec:
  {id: 6, ring: 1, region: us, cluster: local, size: small,
   postgres: {storage: STORAGE, onDelete: delete-volume}}
"""


def declare(fleet: Workspace, storage: str) -> None:
    fleet.write("cells/epsilon.yaml", CELL.replace("STORAGE", storage))


@pytest.fixture
def delta(fleet: Workspace) -> Iterator[Workspace]:
    """A protected cell with a volume of 1 GiB."""
    declare(fleet, "1Gi")
    fleet.must("cellwright", "up", timeout=600)
    yield fleet
    (fleet.root / "cells" / "epsilon.yaml").unlink()
    fleet.drop("epsilon")
    fleet.must("cellwright", "up", "--all", timeout=600)


def test_check_and_up_refuse_the_same_and_touch_nothing(fleet: Workspace) -> None:
    fleet.must("cellwright", "up", "--all", timeout=900)
    assert fleet.run("cellwright", "check", "--against", "live").returncode == 0
    kept = {name: (fleet.root / name).read_text() for name in ("cells/beta.yaml", CUSTOMERS)}
    smaller = kept["cells/beta.yaml"].replace("spec:", "spec:\n  postgres: {storage: 512Mi}", 1)
    fleet.write("cells/beta.yaml", smaller.replace("id: 2", "id: 7"))
    fleet.write(CUSTOMERS, kept[CUSTOMERS].replace("1001", "1099"))
    before = fleet.pods("cell-alpha", "cell-beta", "cell-gamma")
    try:
        checked = fleet.run("cellwright", "check", "--against", "live")
        refused = fleet.run("cellwright", "up", "--all")
    finally:
        for name, text in kept.items():
            fleet.write(name, text)
    assert (checked.returncode, refused.returncode) == (1, 1)
    assert refused.stdout == checked.stdout
    codes = [line.split()[1] for line in checked.stdout.splitlines()]
    assert sorted(codes) == ["CW401", "CW401", "CW404"]
    assert "nothing was touched" in refused.stderr
    assert fleet.pods("cell-alpha", "cell-beta", "cell-gamma") == before


def test_a_volume_grows_the_way_that_the_refusal_tells(delta: Workspace) -> None:
    inside = ("--namespace", "cell-epsilon")
    claim = ("persistentvolumeclaim", "data-postgres-0", *inside)
    uid = delta.kubectl("get", *claim)["metadata"]["uid"]
    declare(delta, "2Gi")
    refused = delta.run("cellwright", "up")
    assert refused.returncode == 1
    assert "CW406 spec.postgres.storage" in refused.stdout
    by_pulumi = delta.pulumi("up", "--yes", "--skip-preview", "--stack", "epsilon")
    assert by_pulumi.returncode != 0, "the stack's own protection says no, too"

    allowed = '{"allowVolumeExpansion": true}'
    delta.must("kubectl", "patch", "storageclass", "standard", "--patch", allowed)
    quota = '{"spec": {"hard": {"requests.storage": "2Gi"}}}'
    delta.must("kubectl", "patch", "resourcequota", "cell", *inside, "--patch", quota)
    size = '{"spec": {"resources": {"requests": {"storage": "2Gi"}}}}'
    delta.must("kubectl", "patch", *claim, "--patch", size)
    delta.must("kubectl", "delete", "statefulset", "postgres", *inside, "--cascade=orphan")
    done = delta.pulumi("refresh", "--yes", "--stack", "epsilon")
    assert done.returncode == 0, done.stdout
    delta.must("cellwright", "up", timeout=600)
    made = delta.kubectl("get", "statefulset", "postgres", *inside)["spec"]
    assert made["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"] == "2Gi"
    assert delta.kubectl("get", *claim)["metadata"]["uid"] == uid


def test_a_cluster_that_is_away_is_no_silent_pass(fleet: Workspace) -> None:
    nowhere = {**fleet.environment, "KUBECONFIG": "/dev/null"}
    away = Workspace(fleet.root, nowhere)
    for command in (("check", "--against", "live"), ("up",)):
        done = away.run("cellwright", *command)
        assert done.returncode == 1
        assert "cluster local does not answer" in done.stderr
