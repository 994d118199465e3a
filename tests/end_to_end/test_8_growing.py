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

INSIDE = ("--namespace", "cell-delta")
SET = ("statefulset", "postgres", *INSIDE)
CLAIM = ("persistentvolumeclaim", "data-postgres-0", *INSIDE)
CELL = """\
apiVersion: cellwright/v1
kind: Cell
metadata: {name: delta}
spec:
  {id: 4, ring: 1, region: us, cluster: local, size: small,
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
    fleet.write("cells/delta.yaml", CELL.replace("STORAGE", storage))


@pytest.fixture(scope="module")
def delta(fleet: Workspace) -> Iterator[Workspace]:
    """A protected cell with a volume of 1 GiB, of a class of its own."""
    fleet.write("class.yaml", CLASS)
    fleet.must("kubectl", "apply", "--filename", "class.yaml")
    declare(fleet, "1Gi")
    fleet.must("cellwright", "up", "--yes", timeout=600)
    yield fleet
    (fleet.root / "cells" / "delta.yaml").unlink()
    fleet.drop("delta")
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
    delta: Workspace,
) -> None:
    expansion(delta, allowed=False)
    before = delta.kubectl("get", "all,resourcequota,persistentvolumeclaim", *INSIDE)
    declare(delta, "2Gi")
    try:
        refused = delta.run("cellwright", "up", "--yes")
    finally:
        declare(delta, "1Gi")
        expansion(delta, allowed=True)
    assert refused.returncode == 1
    assert "CW412 spec.postgres.storage" in refused.stdout
    assert "StorageClass test-grows does not allow volume expansion" in refused.stdout
    assert "nothing was touched" in refused.stderr
    after = delta.kubectl("get", "all,resourcequota,persistentvolumeclaim", *INSIDE)
    assert [one["metadata"]["uid"] for one in after["items"]] == [
        one["metadata"]["uid"] for one in before["items"]
    ]
    assert (requested(delta.kubectl("get", *CLAIM)), template_size(delta)) == ("1Gi", "1Gi")


@pytest.mark.usefixtures("undisturbed")
def test_a_volume_grows_around_a_postgres_that_runs_on(delta: Workspace) -> None:
    uid = delta.kubectl("get", *CLAIM)["metadata"]["uid"]
    pods = delta.pods("cell-delta")
    declare(delta, "2Gi")
    assert delta.run("cellwright", "check", "--against", "live").returncode == 0
    shown = delta.run("cellwright", "up", "--yes", "--dry-run")
    assert shown.returncode == 16
    assert "cell delta: the volume grows from 1Gi to 2Gi; Postgres keeps running" in shown.stdout
    typed = delta.pulumi("up", "--yes", "--skip-preview", "--stack", "delta")
    assert typed.returncode != 0
    assert "run `cellwright up`" in typed.stdout + typed.stderr
    assert template_size(delta) == "1Gi"

    with resizing(delta):
        delta.must("cellwright", "up", "--yes", timeout=600)
    assert template_size(delta) == "2Gi"
    claim = delta.kubectl("get", *CLAIM)
    assert (requested(claim), claim["metadata"]["uid"]) == ("2Gi", uid)
    assert delta.pods("cell-delta") == pods
    assert "nothing to do" in delta.must("cellwright", "up", "--yes")


@pytest.mark.parametrize(("steps", "size"), [(1, "3Gi"), (2, "4Gi"), (3, "5Gi")])
def test_what_was_begun_is_gone_on_with(delta: Workspace, steps: int, size: str) -> None:
    pods = delta.pods("cell-delta")
    declare(delta, size)
    with resizing(delta):
        quota = f'{{"spec": {{"hard": {{"requests.storage": "{size}"}}}}}}'
        patched(delta, "resourcequota", "cell", *INSIDE, patch=quota)
        if steps > 1:
            wanted = f'{{"spec": {{"resources": {{"requests": {{"storage": "{size}"}}}}}}}}'
            patched(delta, *CLAIM, patch=wanted)
        if steps > 2:
            delta.must("kubectl", "delete", *SET, "--cascade=orphan")
        delta.must("cellwright", "up", "--yes", timeout=600)
    assert (requested(delta.kubectl("get", *CLAIM)), template_size(delta)) == (size, size)
    assert delta.pods("cell-delta") == pods
