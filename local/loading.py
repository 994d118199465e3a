"""The project's images in the cluster: only what the node lacks, and who must be restarted.

An image that was rebuilt under the same tag changes no manifest, so nothing else would notice.
"""

import json
import os
import re
from typing import Any

from local import docker
from local.cluster import kubectl
from local.files import scratch
from local.place import Place
from local.process import capture, logged
from local.programs import Tools
from local.report import Report

LOAD_TIMEOUT_S = 600.0
REGISTRY = "docker.io/"


def load(tags: list[str], place: Place, tools: Tools, report: Report) -> str:
    """Load the images whose content on the node is another than the engine's."""
    there = on_node(place)
    missing = [tag for tag in tags if docker.image_id(tag) not in there.get(REGISTRY + tag, ())]
    if not missing:
        return "present"
    report.say("loading " + " ".join(missing))
    argv = [str(tools.kind), "load", "docker-image", "--name", place.cluster, *missing]
    # kind unpacks here, and leaves it behind when it is interrupted.
    with scratch(place.state / "loading") as folder:
        environment = {**os.environ, "TMPDIR": str(folder)}
        logged(argv, place.logs / "load.log", timeout=LOAD_TIMEOUT_S, env=environment)
    return f"{len(missing)} loaded"


def on_node(place: Place) -> dict[str, set[str]]:
    """Return the node's images: full name -> their ids (configuration and manifest digests)."""
    argv = ["docker", "exec", place.node, "ctr", "--namespace=k8s.io", "images", "list"]
    return images_in(capture(argv, timeout=60).out)


def images_in(listing: str) -> dict[str, set[str]]:
    """Read containerd's table of images.

    The Kubernetes plugin adds each image a second time under its id; the two rows have the same
    manifest digest.
    """
    manifests: dict[str, str] = {}
    for line in listing.splitlines()[1:]:
        words = line.split()
        manifests[words[0]] = words[2]
    ids: dict[str, set[str]] = {}
    for name, manifest in manifests.items():
        if not name.startswith("sha256:"):
            same = {other for other, its in manifests.items() if its == manifest}
            ids[name] = {manifest} | {other for other in same if other.startswith("sha256:")}
    return ids


def restart_outdated(tags: list[str], place: Place, tools: Tools) -> str:
    """Restart the workloads whose pods run an older content of these tags."""
    there = on_node(place)
    current = {REGISTRY + tag: there.get(REGISTRY + tag, set()) for tag in tags}
    command = kubectl(place, tools)
    selector = "--selector=app.kubernetes.io/part-of=cellwright"
    argv = [*command, "get", "pods,replicasets", "--all-namespaces", selector, "--output=json"]
    owners = outdated(json.loads(capture(argv, timeout=60).out)["items"], current)
    for namespace, owner in owners:
        argv = [*command, "rollout", "restart", "--namespace", namespace, owner]
        capture(argv, timeout=60)
    for namespace, owner in owners:
        argv = [*command, "rollout", "status", "--namespace", namespace, owner, "--timeout=180s"]
        capture(argv, timeout=200)
    return f"{len(owners)} restarted" if owners else "all current"


def outdated(objects: list[dict[str, Any]], current: dict[str, set[str]]) -> list[tuple[str, str]]:
    """Return `(namespace, kind/name)` of Deployments and StatefulSets with outdated pods.

    `objects` are pods and replica sets as the API lists them; `current` has the ids of each image.
    """
    owners: dict[tuple[str, str, str], tuple[str, str]] = {}
    for one in objects:
        for owner in one["metadata"].get("ownerReferences", ()):
            key = (one["metadata"]["namespace"], one["kind"], one["metadata"]["name"])
            owners[key] = (owner["kind"], owner["name"])
    found = set()
    for pod in objects:
        if pod["kind"] != "Pod" or not _runs_another(pod, current):
            continue
        namespace = pod["metadata"]["namespace"]
        kind, name = owners.get((namespace, "Pod", pod["metadata"]["name"]), ("", ""))
        if kind == "ReplicaSet":
            kind, name = owners.get((namespace, kind, name), ("", ""))
        if kind in {"Deployment", "StatefulSet"}:
            found.add((namespace, f"{kind.lower()}/{name}"))
    return sorted(found)


def _runs_another(pod: dict[str, Any], current: dict[str, set[str]]) -> bool:
    """Tell whether a container runs a content that is not what its image's name now means.

    The id is that of the configuration or, where the node knows one, of the manifest.
    """
    for container in pod["status"].get("containerStatuses", ()):
        name = container["image"]
        wanted = current.get(name) or current.get(REGISTRY + name)
        running = re.search(r"sha256:[0-9a-f]{64}", container.get("imageID", ""))
        if wanted and running and running[0] not in wanted:
            return True
    return False
