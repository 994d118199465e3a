"""What nobody may delete by accident."""

from pathlib import Path

import pytest

from cellwright.edge.files import read
from cellwright.plan import Plan, plan
from cellwright.registration import Registration, digest, registrations
from tests.workspaces import demo_in

ROOT = Path(__file__).parents[2]


def planned(folder: Path, ring: int, on_delete: str = "keep-volume", held: bool = False) -> Plan:
    demo_in(folder)
    cell = (
        "apiVersion: cellwright/v1\nkind: Cell\nmetadata: {name: delta}\n"
        f"spec: {{id: 4, ring: {ring}, region: us, cluster: local, size: small,"
        f" postgres: {{onDelete: {on_delete}}}}}\n"
    )
    (folder / "cells" / "delta.yaml").write_text(cell)
    if held:
        (folder / "organizations" / "one.yaml").write_text(
            "apiVersion: cellwright/v1\nkind: Organization\nmetadata: {name: one}\n"
            "spec: {id: 9, cell: delta}\n"
        )
    return plan(read(folder))


def wanted(made: Plan, stack: str = "delta") -> tuple[Registration, ...]:
    assert made.fleet is not None, made.problems
    return registrations(made.fleet, made.stacks[stack])


def kept(made: Plan, stack: str = "delta") -> dict[str, tuple[bool, bool]]:
    return {
        one.manifest.kind: (one.protect, one.retain)
        for one in wanted(made, stack)
        if one.protect or one.retain
    }


@pytest.mark.parametrize(
    ("ring", "on_delete", "expected"),
    [
        (0, "keep-volume", {"Namespace": (True, True), "StatefulSet": (True, False)}),
        (1, "delete-volume", {"Namespace": (True, False), "StatefulSet": (True, False)}),
        (-1, "keep-volume", {"Namespace": (False, True)}),
        (-1, "delete-volume", {}),
    ],
)
def test_the_data_of_a_cell_in_service_is_protected(
    tmp_path: Path, ring: int, on_delete: str, expected: dict[str, tuple[bool, bool]]
) -> None:
    assert kept(planned(tmp_path, ring, on_delete)) == expected


def test_the_directorys_namespace_and_its_memory_stay(tmp_path: Path) -> None:
    """With the namespace the cells' leave to read the directory stays."""
    retained = {"Namespace": (False, True), "ConfigMap": (False, True)}
    assert kept(planned(tmp_path, 0), "fleet") == retained
    stack = planned(tmp_path, 0).stacks["fleet"]
    fleet = planned(tmp_path, 0).fleet
    assert fleet is not None
    names = [one.manifest.name for one in registrations(fleet, stack) if one.retain]
    assert names == ["cellwright-directory", "directory-history"]


ROOT_SECRET = b"\x07" * 32


def digests(made: Plan, root: bytes = ROOT_SECRET) -> str:
    return digest(root, wanted(made))


def test_equal_registrations_have_equal_digests(tmp_path: Path) -> None:
    assert digests(planned(tmp_path / "a", 1)) == digests(planned(tmp_path / "b", 1))


def test_a_digest_depends_on_the_root_secret(tmp_path: Path) -> None:
    made = planned(tmp_path, 1)
    assert digests(made) != digests(made, b"\x08" * 32)


@pytest.mark.parametrize(
    "template",
    [
        "data: {a: b2xk}",
        "stringData: {a: new}",
        'stringData: {a: {{ secret("another") }}}',
        'stringData: {a: {{ "user:" ~ secret("one") }}}',
        'stringData: {a: {{ "other:" ~ secret("one") }}}',
    ],
)
def test_a_change_of_a_secret_alone_is_another_digest(tmp_path: Path, template: str) -> None:
    """A Secret's own values and the names of derived ones count, which a state would not show."""
    head = "apiVersion: v1\nkind: Secret\n"
    head += "metadata: {name: own, namespace: {{ cell.namespace }}}\n"
    before = 'stringData: {a: {{ secret("one") }}}'
    found = []
    for number, text in enumerate((before, template)):
        root = tmp_path / str(number)
        planned(root, 1)
        (root / "templates").mkdir()
        (root / "templates" / "own.yaml.j2").write_text(f"{head}{text}\n")
        made = plan(read(root))
        assert made.problems == ()
        found.append(digests(made))
    assert found[0] != found[1]


def test_the_app_waits_for_its_migration_and_the_router_for_neither(tmp_path: Path) -> None:
    manifests = {
        (one.kind, one.name.partition("-")[0]): one for one in planned(tmp_path, 1).stacks["delta"]
    }
    database, migration = manifests["StatefulSet", "postgres"], manifests["Job", "app"]
    app, router = manifests["Deployment", "app"], manifests["Deployment", "router"]
    assert app.after >= migration.rank
    assert app.after >= database.rank
    assert router.after < min(database.rank, migration.rank)
    assert all(one.rank > manifests["Namespace", "cell"].rank for one in (database, app, router))


def test_an_autoscaled_app_has_no_replicas_of_its_own(tmp_path: Path) -> None:
    planned(tmp_path, 1)
    cell = tmp_path / "cells" / "delta.yaml"
    cell.write_text(cell.read_text().replace("size: small", "size: large"))
    manifests = {one.kind: one for one in plan(read(tmp_path)).stacks["delta"] if one.name == "app"}
    assert "replicas" not in manifests["Deployment"].body["spec"]
    scaler = manifests["HorizontalPodAutoscaler"].body["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (3, 20)
