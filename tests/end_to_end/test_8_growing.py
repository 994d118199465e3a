"""A volume grows by `up`, around a Postgres that runs on.

The provisioner of kind resizes nothing, so a thread of the test reports sizes in its place, where a
test is about what follows from them.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.end_to_end.workspace import Workspace

INSIDE = ("--namespace", "cell-grown")
SET = ("statefulset", "postgres", *INSIDE)
CLAIM = ("persistentvolumeclaim", "data-postgres-0", *INSIDE)
CELL = """\
apiVersion: cellwright/v1
kind: Cell
metadata: {name: grown}
spec:
  {id: 6, ring: 1, region: us, cluster: local, size: small,
   postgres: {storage: STORAGE, storageClass: test-grows, onDelete: delete-volume}}
"""
CLASS = """\
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: test-grows}
provisioner: rancher.io/local-path
volumeBindingMode: WaitForFirstConsumer
allowVolumeExpansion: true
"""


def declare(fleet: Workspace, storage: str) -> None:
    fleet.write("cells/grown.yaml", CELL.replace("STORAGE", storage))


@pytest.fixture(scope="module")
def grown(fleet: Workspace) -> Iterator[Workspace]:
    """A protected cell with a volume of 1 GiB, of a class of its own."""
    fleet.write("class.yaml", CLASS)
    fleet.must("kubectl", "apply", "--filename", "class.yaml")
    declare(fleet, "1Gi")
    fleet.must("cellwright", "up", "--yes", timeout=600)
    yield fleet
    (fleet.root / "cells" / "grown.yaml").unlink()
    fleet.drop("grown")
    fleet.must("kubectl", "delete", "storageclass", "test-grows")
    fleet.must("cellwright", "up", "--yes", "--all", timeout=600)


def expansion(fleet: Workspace, *, allowed: bool) -> None:
    patch = f'{{"allowVolumeExpansion": {str(allowed).lower()}}}'
    fleet.must("kubectl", "patch", "storageclass", "test-grows", "--patch", patch)


def requested(claim: Any) -> str:
    return str(claim["spec"]["resources"]["requests"]["storage"])


def template_size(fleet: Workspace) -> str:
    return requested(fleet.kubectl("get", *SET)["spec"]["volumeClaimTemplates"][0])


def patched(fleet: Workspace, *what: str, patch: str) -> None:
    fleet.must("kubectl", "patch", *what, "--patch", patch)


@contextmanager
def resizing(fleet: Workspace) -> Iterator[None]:
    """Meanwhile the claim's volume is reported to have the size that is asked for."""
    over = threading.Event()

    def resize() -> None:
        while not over.wait(0.5):
            claim = fleet.kubectl("get", *CLAIM)
            size = requested(claim)
            if claim["status"]["capacity"]["storage"] != size:
                patch = f'{{"status": {{"capacity": {{"storage": "{size}"}}}}}}'
                patched(fleet, *CLAIM, "--subresource=status", patch=patch)

    thread = threading.Thread(target=resize)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_a_class_that_does_not_allow_it_is_refused_before_anything_is_touched(
    grown: Workspace,
) -> None:
    expansion(grown, allowed=False)
    before = grown.kubectl("get", "all,resourcequota,persistentvolumeclaim", *INSIDE)
    declare(grown, "2Gi")
    try:
        refused = grown.run("cellwright", "up", "--yes")
    finally:
        declare(grown, "1Gi")
        expansion(grown, allowed=True)
    assert refused.returncode == 1
    assert "CW412 spec.postgres.storage" in refused.stdout
    assert "StorageClass test-grows does not allow volume expansion" in refused.stdout
    assert "nothing was touched" in refused.stderr
    after = grown.kubectl("get", "all,resourcequota,persistentvolumeclaim", *INSIDE)
    assert [one["metadata"]["uid"] for one in after["items"]] == [
        one["metadata"]["uid"] for one in before["items"]
    ]
    assert (requested(grown.kubectl("get", *CLAIM)), template_size(grown)) == ("1Gi", "1Gi")


@pytest.mark.usefixtures("undisturbed")
def test_a_volume_grows_around_a_postgres_that_runs_on(grown: Workspace) -> None:
    uid = grown.kubectl("get", *CLAIM)["metadata"]["uid"]
    pods = grown.pods("cell-grown")
    declare(grown, "2Gi")
    assert grown.run("cellwright", "check", "--against", "live").returncode == 0
    shown = grown.run("cellwright", "up", "--yes", "--dry-run")
    assert shown.returncode == 16
    assert "cell grown: the volume grows from 1Gi to 2Gi; Postgres keeps running" in shown.stdout
    typed = grown.pulumi("up", "--yes", "--skip-preview", "--stack", "grown")
    assert typed.returncode != 0
    assert "run `cellwright up`" in typed.stdout + typed.stderr
    assert template_size(grown) == "1Gi"

    with resizing(grown):
        grown.must("cellwright", "up", "--yes", timeout=600)
    assert template_size(grown) == "2Gi"
    claim = grown.kubectl("get", *CLAIM)
    assert (requested(claim), claim["metadata"]["uid"]) == ("2Gi", uid)
    assert grown.pods("cell-grown") == pods
    assert "nothing to do" in grown.must("cellwright", "up", "--yes")


@pytest.mark.parametrize(("steps", "size"), [(1, "3Gi"), (2, "4Gi"), (3, "5Gi")])
def test_what_was_begun_is_gone_on_with(grown: Workspace, steps: int, size: str) -> None:
    pods = grown.pods("cell-grown")
    declare(grown, size)
    with resizing(grown):
        quota = f'{{"spec": {{"hard": {{"requests.storage": "{size}"}}}}}}'
        patched(grown, "resourcequota", "cell", *INSIDE, patch=quota)
        if steps > 1:
            wanted = f'{{"spec": {{"resources": {{"requests": {{"storage": "{size}"}}}}}}}}'
            patched(grown, *CLAIM, patch=wanted)
        if steps > 2:
            grown.must("kubectl", "delete", *SET, "--cascade=orphan")
        grown.must("cellwright", "up", "--yes", timeout=600)
    assert (requested(grown.kubectl("get", *CLAIM)), template_size(grown)) == (size, size)
    assert grown.pods("cell-grown") == pods
