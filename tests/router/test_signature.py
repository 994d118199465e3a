"""What the fleet signs, its routers take: the package on one side, the agent on the other."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from agent.answers import read_one
from agent.config_map import CELLS, ConfigMap
from agent.guard import RefusedError
from agent.settings import read_settings
from agent.store import Store
from agent.table import Table

from cellwright.directory_key import signing_key
from cellwright.edge.files import read
from cellwright.identity import fleet_id, identified
from cellwright.manifest import Manifest
from cellwright.plan import plan
from cellwright.secret import derived_from, resolve
from cellwright.signature import HOMES_SIGNATURE, SIGNATURE, signed, unsigned, with_signature_of
from tests.fleets import ROOT as FLEET

ROOT = b"\x07" * 32
STACKS = plan(read(FLEET)).stacks


def applied(one: Manifest, root: bytes = ROOT, cluster: str = "") -> Mapping[str, Any]:
    """Return an object as Pulumi is given it."""
    body = identified(one.body, "demo", fleet_id(root), "1.1")
    return signed(body, cluster or one.cluster, signing_key(root))


def taken(body: Mapping[str, Any]) -> ConfigMap:
    return read_one(json.dumps(body).encode())


def directory(root: bytes = ROOT) -> list[ConfigMap]:
    bodies = [applied(one, root) for one in STACKS["fleet"] if one.kind == "ConfigMap"]
    return [taken(body) for body in bodies if SIGNATURE in body["metadata"]["annotations"]]


def environment(cell: str, folder: Path) -> dict[str, str]:
    """Return what the agent of a cell's router is told, with its key in a file."""
    objects = {(one.kind, one.name): applied(one) for one in STACKS[cell]}
    secret = resolve(objects["Secret", "router"]["stringData"], derived_from(ROOT))
    (folder / "directory-key").write_text(secret["directory-keys"])
    pod = objects["Deployment", "router"]["spec"]["template"]
    said = {one["name"]: one.get("value") for one in pod["spec"]["initContainers"][0]["env"]}
    assert said["FLEET_ID"] is None
    said["FLEET_ID"] = pod["metadata"]["labels"]["cellwright.dev/fleet-id"]
    said["DIRECTORY_KEY_FILE"] = str(folder / "directory-key")
    return {**said, "KUBERNETES_SERVICE_HOST": "127.0.0.1"}


@pytest.mark.parametrize("cell", ["alpha", "beta", "gamma"])
def test_every_cells_routers_take_what_the_fleets_stack_applies(tmp_path: Path, cell: str) -> None:
    settings = read_settings(environment(cell, tmp_path))
    table = Table(Store(tmp_path / "table"), settings.origin)
    table.take(directory())
    assert (table.refused, table.complete) == ({}, True)
    assert set(table.cells) == {"alpha", "beta", "gamma"}
    table.take(directory(root=b"\x08" * 32))
    assert {one.kind for one in table.refused.values()} == {"fleet"}


def test_every_cells_placement_takes_the_homes_that_the_fleets_stack_applies(
    tmp_path: Path,
) -> None:
    origin = replace(read_settings(environment("alpha", tmp_path)).origin, homes=True)
    table = Table(Store(tmp_path / "table"), origin)
    found = directory()
    number, homes = 3, "acme alpha fork\n"
    shards = [one for one in STACKS["fleet"] if one.name == f"directory-{number:02d}"]
    (changed,) = [replace(one, body={**one.body, "data": {**one.body["data"], "homes": homes}})
                  for one in shards]  # fmt: skip
    found = [one for one in found if one.name != changed.name] + [taken(applied(changed))]
    table.take(found)
    assert (table.refused, table.complete) == ({}, True)
    assert [one.homes for one in table.shards] == [
        homes if n == number else "" for n in range(table.count)
    ]
    assert Table(Store(tmp_path / "table"), origin).shards == table.shards, "also after a restart"


def test_a_directory_whose_homes_are_not_signed_is_for_routers_alone(tmp_path: Path) -> None:
    origin = read_settings(environment("alpha", tmp_path)).origin
    older = [replace(one, homes_signature="") for one in directory()]
    for_router = Table(Store(tmp_path / "router"), origin)
    for_router.take(older)
    assert for_router.complete
    table = Table(Store(tmp_path / "placement"), replace(origin, homes=True))
    table.take(older)
    assert not table.complete
    assert {one.kind for one in table.refused.values()} == {"signature"}


def test_homes_that_change_alone_are_taken(tmp_path: Path) -> None:
    origin = replace(read_settings(environment("alpha", tmp_path)).origin, homes=True)
    table = Table(Store(tmp_path / "table"), origin)
    table.take(directory())
    before, mark = table.shards, table.mark
    for homes in ("acme alpha fork\n", "acme alpha refuse\n", ""):
        (one,) = [one for one in STACKS["fleet"] if one.name == "directory-05"]
        body = {**one.body, "data": {**one.body["data"], "homes": homes}}
        table.take([taken(applied(replace(one, body=body)))])
        assert (table.refused, table.mark, table.shards[5].homes) == ({}, mark, homes)
    assert table.shards == before


def test_the_key_reaches_the_agent_alone_and_by_a_file() -> None:
    (router,) = [m for m in STACKS["alpha"] if (m.kind, m.name) == ("Deployment", "router")]
    pod = router.body["spec"]["template"]["spec"]
    (agent,), (haproxy,) = pod["initContainers"], pod["containers"]
    volumes = {one["name"]: one.get("secret") for one in pod["volumes"]}
    held = {
        container["name"]: [
            item["path"]
            for mount in container["volumeMounts"]
            for item in (volumes[mount["name"]] or {}).get("items", ())
        ]
        for container in (agent, haproxy)
    }
    assert held == {
        "agent": ["directory-key", "ca.crt", "ca.key"],
        "haproxy": ["ca.crt", "app-key.cfg"],
    }
    assert "directory-key" not in json.dumps([agent["env"], haproxy.get("env")])


def test_it_covers_everything_that_routers_read(tmp_path: Path) -> None:
    origin = read_settings(environment("alpha", tmp_path)).origin
    (cells,) = [one for one in STACKS["fleet"] if one.name == CELLS]
    good = applied(cells)
    origin.check(taken(good))
    for key in good["metadata"]["annotations"]:
        if key.startswith("cellwright.dev/"):
            changed = json.loads(json.dumps(good))
            changed["metadata"]["annotations"][key] = "7"
            with pytest.raises(RefusedError, match="signature"):
                origin.check(taken(changed))
    with pytest.raises(RefusedError, match="signature"):
        origin.check(taken(applied(cells, cluster="far")))
    renamed = {**good, "metadata": {**good["metadata"], "name": "directory-00"}}
    with pytest.raises(RefusedError, match="signature"):
        origin.check(taken(renamed))


def test_what_routers_do_not_take_is_not_signed() -> None:
    for name in ("fleet", "alpha"):
        for one in STACKS[name]:
            is_signed = SIGNATURE in (applied(one)["metadata"].get("annotations") or {})
            is_directory = one.name.startswith("directory-") and one.kind == "ConfigMap"
            assert is_signed == (is_directory and not one.name.startswith("directory-history"))


def test_clusters_with_a_directory_of_an_older_release() -> None:
    held = [Manifest("fleet", one.cluster, "", 0, 0, applied(one)) for one in STACKS["fleet"]]
    assert unsigned(held) == frozenset()
    (cells,) = [one for one in STACKS["fleet"] if one.name == CELLS]
    assert unsigned([*held, cells]) == {cells.cluster}
    (shard,) = [one for one in held if one.name == "directory-00"]
    metadata = shard.body["metadata"]
    notes = {key: text for key, text in metadata["annotations"].items() if key != HOMES_SIGNATURE}
    older = {**shard.body, "metadata": {**metadata, "annotations": notes}}
    assert unsigned([replace(shard, body=older)]) == {shard.cluster}, "that is without placements"


def test_an_object_is_compared_by_what_was_signed() -> None:
    for one in STACKS["fleet"]:
        live = applied(one)
        body = identified(one.body, "demo", fleet_id(ROOT), "1.1")
        assert with_signature_of(body, live) == live
        assert with_signature_of(body, body) == body
    (other,) = [one.body for one in STACKS["alpha"] if (one.kind, one.name) == ("Service", "app")]
    assert with_signature_of(other, live) == other
