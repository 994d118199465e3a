"""Objects as a cluster holds them when all of them run."""

import base64
from collections.abc import Iterator
from typing import Any

Body = dict[str, Any]

DF = """\
Filesystem     1024-blocks     Used Available Capacity Mounted on
/dev/sdb1         10255636 {used} {free}      {percent}% /var/lib/postgresql/data
"""


def runs(body: Body) -> None:
    """Give an object the status that it has when all of it is ready."""
    body["metadata"] |= {"generation": 1, "uid": f"{body['kind']}/{named(body)}"}
    if body["kind"] in ("Deployment", "StatefulSet"):
        replicas = body["spec"].get("replicas", 1)
        counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
        body["status"] = {"observedGeneration": 1, **dict.fromkeys(counts, replicas)}
    elif body["kind"] == "Job":
        body["status"] = {"conditions": [{"type": "Complete", "status": "True"}]}
    elif body["kind"] == "Secret":
        texts = {key: _encoded(value) for key, value in body.pop("stringData", {}).items()}
        body["data"] = {**body.get("data", {}), **texts}


def _encoded(value: Any) -> str:
    """Return what a Secret holds of a text, or of what stands for a secret that is derived."""
    text = value if isinstance(value, str) else "secret"
    return base64.b64encode(text.encode()).decode()


def databases(objects: list[Body]) -> Iterator[Body]:
    """Yield the pod and the volume claim of each cell's Postgres."""
    for body in objects:
        if body["kind"] != "StatefulSet":
            continue
        metadata = {
            "namespace": body["metadata"]["namespace"],
            "labels": body["metadata"]["labels"],
        }
        owner = {"uid": body["metadata"]["uid"], "controller": True}
        ready = {"type": "Ready", "status": "True"}
        yield {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {**metadata, "name": "postgres-0", "ownerReferences": [owner]},
            "status": {"phase": "Running", "conditions": [ready]},
        }
        yield {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {**metadata, "name": "data-postgres-0"},
            "status": {"phase": "Bound"},
        }


def named(body: Body) -> str:
    """Return the namespace and the name of an object."""
    return f"{body['metadata'].get('namespace', '')}/{body['metadata']['name']}"


def df(percent: int) -> str:
    """Return what df says of a volume that is so full."""
    return DF.format(used=percent * 1000, free=(100 - percent) * 1000, percent=percent)
