"""Which images a node has, and which workloads run an older content of a tag."""

from typing import Any

from local.loading import images_in, outdated

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
