"""Which images a node has, and which workloads run an older content of a tag."""

from pathlib import Path
from typing import Any

import pytest

from local import docker
from local.loading import images_in, load, outdated
from local.place import Place
from local.programs import Tools
from tests.local.standins import Shown, script

A, B, M, N = (f"sha256:{letter * 64}" for letter in "abcd")

LISTING = f"""REF                            TYPE        DIGEST SIZE PLATFORMS LABELS
docker.io/cellwright/app:0.1.0 application {M} 1 MiB linux/amd64 io.cri-containerd.image=managed
registry.k8s.io/pause:3.10.1   application {N} 1 MiB linux/amd64 io.cri-containerd.image=managed
{A}                            application {M} 1 MiB linux/amd64 io.cri-containerd.image=managed
{B}                            application {N} 1 MiB linux/amd64 io.cri-containerd.image=managed
"""


def test_an_image_on_the_node_has_two_ids() -> None:
    assert images_in(LISTING) == {
        "docker.io/cellwright/app:0.1.0": {A, M},
        "registry.k8s.io/pause:3.10.1": {B, N},
    }


def test_only_what_the_node_lacks_is_loaded(
    where: Place, shown: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "listing").write_text(LISTING)
    script(tmp_path / "bin" / "docker", f"cat {tmp_path}/listing")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    ids = {"cellwright/app:0.1.0": A, "cellwright/router:0.1.0": B}
    monkeypatch.setattr(docker, "image_id", ids.get)
    kind = script(
        tmp_path / "bin" / "kind", f'echo "$*" > {tmp_path}/notes; mktemp >> {tmp_path}/left'
    )
    tools = Tools(pulumi=tmp_path / "pulumi", kind=kind, kubectl=tmp_path / "kubectl")
    assert load(["cellwright/app:0.1.0"], where, tools, shown.report) == "present"
    assert not (tmp_path / "notes").exists()
    assert load(list(ids), where, tools, shown.report) == "1 loaded"
    loaded = f"load docker-image --name {where.cluster} cellwright/router:0.1.0\n"
    assert (tmp_path / "notes").read_text() == loaded
    ids["cellwright/app:0.1.0"] = N  # rebuilt under the same tag
    assert load(list(ids), where, tools, shown.report) == "2 loaded"
    for left in (tmp_path / "left").read_text().split():
        assert Path(left).is_relative_to(where.state)
        assert not Path(left).exists()


def pod(name: str, owner: tuple[str, str], image: str, content: str) -> dict[str, Any]:
    return {
        "kind": "Pod",
        "metadata": {
            "namespace": "cell-alpha",
            "name": name,
            "ownerReferences": [{"kind": owner[0], "name": owner[1]}],
        },
        "status": {"containerStatuses": [{"image": image, "imageID": content}]},
    }


def replica_set(name: str, deployment: str) -> dict[str, Any]:
    owners = [{"kind": "Deployment", "name": deployment}]
    metadata = {"namespace": "cell-alpha", "name": name, "ownerReferences": owners}
    return {"kind": "ReplicaSet", "metadata": metadata}


APP = "docker.io/cellwright/app:0.1.0"
CURRENT = {APP: {A, M}}


def test_what_runs_an_older_content_is_found_once() -> None:
    objects = [
        replica_set("app-1", "app"),
        pod("app-1-x", ("ReplicaSet", "app-1"), APP, f"docker.io/library/import@{N}"),
        pod("app-1-y", ("ReplicaSet", "app-1"), APP, B),
        pod("postgres-0", ("StatefulSet", "postgres"), APP, B),
    ]
    assert outdated(objects, CURRENT) == [
        ("cell-alpha", "deployment/app"),
        ("cell-alpha", "statefulset/postgres"),
    ]


def test_both_ids_of_the_current_content_are_current() -> None:
    objects = [
        pod("postgres-0", ("StatefulSet", "postgres"), APP, f"docker.io/library/import@{M}"),
        pod("postgres-1", ("StatefulSet", "postgres"), "cellwright/app:0.1.0", A),
    ]
    assert outdated(objects, CURRENT) == []


def test_a_short_name_means_the_same_image() -> None:
    objects = [pod("postgres-0", ("StatefulSet", "postgres"), "cellwright/app:0.1.0", B)]
    assert outdated(objects, CURRENT) == [("cell-alpha", "statefulset/postgres")]


def test_other_images_jobs_and_pods_that_have_not_begun_are_left_alone() -> None:
    waiting = pod("app-1-z", ("StatefulSet", "app"), APP, "")
    objects = [
        pod("a", ("StatefulSet", "a"), "docker.io/library/busybox:1", B),
        pod("b", ("Job", "b"), APP, B),
        waiting,
    ]
    assert outdated(objects, CURRENT) == []
