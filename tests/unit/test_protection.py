"""What nobody may delete by accident."""

import shutil
from pathlib import Path

import pytest

from cellwright.edge.files import read
from cellwright.model import Fleet
from cellwright.plan import Plan, plan
from cellwright.protection import digest, protection

ROOT = Path(__file__).parents[2]


def planned(folder: Path, ring: int, on_delete: str = "keep-volume", held: bool = False) -> Plan:
    for name in ("cells", "organizations"):
        shutil.copytree(ROOT / name, folder / name, dirs_exist_ok=True)
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


def kept(made: Plan) -> dict[str, tuple[bool, bool]]:
    assert made.fleet is not None, made.problems
    fleet: Fleet = made.fleet
    return {
        one.kind: tuple(protection(fleet, one))
        for one in made.stacks["delta"]
        if any(protection(fleet, one))
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


def test_the_digest_changes_with_the_protection_alone(tmp_path: Path) -> None:
    one = planned(tmp_path, -1, "keep-volume")
    other = planned(tmp_path, -1, "delete-volume")
    assert one.fleet is not None
    assert other.fleet is not None
    assert one.stacks["delta"] == other.stacks["delta"]
    assert digest(one.fleet, one.stacks["delta"]) != digest(other.fleet, other.stacks["delta"])
