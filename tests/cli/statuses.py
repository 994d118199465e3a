"""A fleet in its cluster for tests of `status`, what happens to it by hand, and what is told."""

import json
from collections.abc import Callable
from typing import Any

from tests.cli.conftest import Done, Program
from tests.cli.running import Body, databases, df, named, runs
from tests.cli.standins import Cluster

DIRECTORY = "cellwright-directory"
GAMMA = "gamma        1     4              30083  "


def declared(program: Program, cluster: Cluster) -> Cluster:
    cluster.declared(program.root, runs)
    cluster.objects += list(databases(cluster.objects))
    for cell in ("alpha", "beta", "gamma"):
        cluster.tables[f"df cell-{cell}/postgres-0"] = df(40)
    cluster.save()
    return cluster


def change(cluster: Cluster, kind: str, name: str, how: Callable[[Body], Any]) -> None:
    """Change one object by hand."""
    (body,) = (one for one in cluster.objects if (one["kind"], named(one)) == (kind, name))
    how(body)
    cluster.save()


def delete(cluster: Cluster, kind: str, name: str) -> None:
    change(cluster, kind, name, cluster.objects.remove)


def note(cluster: Cluster, namespace: str, **said: Any) -> None:
    """Note a last run on a stack's namespace, as `up` does."""
    text = json.dumps({"at": "2026-07-01T12:00:00Z", "by": "root@ci", "digest": "x", **said})
    annotations = {"cellwright.dev/last-run": text, "cellwright.dev/applied": "{}"}
    change(
        cluster,
        "Namespace",
        f"/{namespace}",
        lambda body: body["metadata"]["annotations"].update(annotations),
    )


def states(done: Done) -> dict[str, str]:
    return {one["cell"]: one["state"] for one in done.json["cells"]}


def told(program: Program, cell: str = "gamma") -> Any:
    """Return all that is told of one cell, which is not ready while the others are."""
    done = program("status", "--format", "json")
    assert done.code == 1
    expected = {name: "ready" for name in ("alpha", "beta", "gamma") if name != cell}
    assert {name: state for name, state in states(done).items() if name != cell} == expected
    (found,) = (one for one in done.json["cells"] if one["cell"] == cell)
    assert not found["ready"]
    return found
