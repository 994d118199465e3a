"""The agent's parts without HAProxy: what they accept, compute and keep."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from agent.addresses import Addresses, Resolver, resolve
from agent.config_map import CELLS, ConfigMap
from agent.directory import KINDS, Endpoint, MalformedError, parse_cells
from agent.haproxy import batches
from agent.settings import SettingsError, read_settings
from agent.status import Status
from hypothesis import given
from hypothesis import strategies as st

from tests.router.directory import CLUSTER, FLEET_ID, public, shard_texts
from tests.router.said import config_map, table_in

_ENTRIES = {
    "acme-inc": "@acme",
    "@acme": "active:alpha:1001:acme",
    "a.example.com": "acme",
    "b.example.org": "acme",
}
_TEXT = shard_texts(_ENTRIES.items(), 1)[0].encode()


def test_cells() -> None:
    text = b"alpha\t1\trouter.cell-alpha.svc.cluster.local\t80\nbeta\t2\tfd00::1\t65535\n"
    assert parse_cells(text) == {
        "alpha": Endpoint("router.cell-alpha.svc.cluster.local", 80, "1"),
        "beta": Endpoint("fd00::1", 65535, "2"),
    }
    assert parse_cells(b"") == {}


@pytest.mark.parametrize(
    "text",
    [
        b"alpha\t1\thost\t80",
        b"alpha\t1\thost\t80\n\n",
        b"alpha\t1\thost\t80\nalpha\t2\tother\t80\n",
        b"alpha\t1\thost\t80\nbeta\t1\tother\t80\n",
        b"alpha\t1\thost\t65536\n",
        b"alpha\t1\thost\t0\n",
        b"alpha\t1\thost;quit\t80\n",
        b"alpha\t1\tho st\t80\n",
        b"alpha\t1\t\t80\n",
        b"al/pha\t1\thost\t80\n",
        b"alpha\thost\t80\n",
    ],
)
def test_malformed_cells(text: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_cells(text)


@given(st.lists(st.binary(max_size=12)), st.integers(1, 30))
def test_batches_keep_all_and_stay_small(items: list[bytes], limit: int) -> None:
    made = list(batches(items, limit))
    assert [item for batch in made for item in batch] == items
    assert all(len(batch) == 1 or len(b";".join(batch)) <= limit for batch in made)


def _config_map(name: str, text: bytes, shards: str = "1") -> ConfigMap:
    return config_map(name, text.decode(), 0, shards=shards)


_CELLS = _config_map(CELLS, b"alpha\t1\thost\t80\n", "1")
_SHARD = _config_map("directory-00", _TEXT)


def test_a_table_is_there_when_all_of_it_is(tmp_path: Path) -> None:
    table = table_in(tmp_path)
    table.take([_SHARD])
    assert not table.complete
    table.take([_CELLS])
    assert not table.complete
    before = table.mark
    table.take([_SHARD])
    assert table.complete
    assert table.change_from(before) is None
    assert {kind: table.entries(kind) for kind in KINDS} == {"path": 1, "host": 2, "name": 1}
    lines = (_SHARD, _CELLS)
    text = "".join(f"{one.name}\t{one.checksum}\n" for one in lines)
    assert table.mark == hashlib.sha256(text.encode()).hexdigest()


def test_a_table_is_found_again_on_disk(tmp_path: Path) -> None:
    table = table_in(tmp_path)
    table.take([_CELLS, _SHARD])
    again = table_in(tmp_path)
    assert again.complete
    assert (again.mark, again.cells) == (table.mark, table.cells)
    again.take([_CELLS, _SHARD])
    change = again.change_from(table.mark)
    assert change is not None
    assert len(change) == 0


def test_a_change_leads_on_from_what_haproxy_was_told_only(tmp_path: Path) -> None:
    table = table_in(tmp_path)
    table.take([_CELLS, _SHARD])
    table.told()
    marks = [table.mark]
    for cell in (b"beta", b"gamma"):
        table.take([_config_map("directory-00", _TEXT.replace(b"alpha", cell))])
        marks.append(table.mark)
    change = table.change_from(marks[0])
    assert change is not None
    assert [b"gamma" in text for text in change.set.values()] == [True]
    assert (change.add, change.delete) == ({}, [])
    assert table.change_from(marks[1]) is None
    assert table.change_from("-") is None
    table.told()
    assert table.change_from(marks[0]) is None


def test_what_is_refused_leaves_what_was_good(tmp_path: Path) -> None:
    table = table_in(tmp_path)
    table.take([_CELLS, _SHARD])
    mark = table.mark
    wrong = replace(_SHARD, text=_TEXT.replace(b"alpha", b"beta"))
    table.take([wrong, _config_map(CELLS, b"alpha\t1\thost\t80\n", "none")])
    assert table.refused.keys() == {"directory-00", CELLS}
    assert table.mark == mark
    table.take([_CELLS, _SHARD])
    assert table.refused == {}


@pytest.mark.parametrize("damage", [b"", b"{}\n", b'{"checksum": "x"', b"\xff\n"])
def test_a_damaged_shard_is_not_used(tmp_path: Path, damage: bytes) -> None:
    table_in(tmp_path).take([_CELLS, _SHARD])
    (tmp_path / "shards-1" / "00").write_bytes(damage)
    table = table_in(tmp_path)
    assert not table.complete
    table.take([_SHARD])
    assert table.complete


def test_a_damaged_state_is_not_used(tmp_path: Path) -> None:
    table_in(tmp_path).take([_CELLS, _SHARD])
    (tmp_path / "state.json").write_text("[")
    assert not table_in(tmp_path).complete


def test_names_are_looked_up() -> None:
    here = Endpoint("localhost", 80)
    assert resolve(here, None) in {"127.0.0.1/80", "::1/80"}
    assert resolve(here, "127.0.0.1/80") == "127.0.0.1/80"
    assert resolve(here, "127.0.0.1/90") == "127.0.0.1/80"
    assert resolve(Endpoint("a..b", 80), None) is None


def test_the_last_address_is_kept() -> None:
    reports: list[Addresses] = []
    resolver = Resolver({"old": "127.0.0.9/80", "left": "127.0.0.8/80"}, reports.append)
    nowhere = Endpoint("nowhere.invalid", 80)
    resolver.follow({"old": nowhere, "new": nowhere, "here": Endpoint("127.0.0.1", 81)})
    resolver.look_up()
    assert reports == [{"old": "127.0.0.9/80", "new": None, "here": "127.0.0.1/81"}]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("CELL", ""),
        ("CELL", "Al pha"),
        ("APP_PORT", "x"),
        ("APP_PORT", "0"),
        ("KUBERNETES_SERVICE_HOST", ""),
        ("FLEET_ID", ""),
        ("FLEET_ID", "demo"),
        ("FLEET_ID", FLEET_ID + "0"),
        ("CLUSTER", ""),
        ("DIRECTORY_KEY_FILE", "/nowhere/directory-key"),
        ("DIRECTORY_KEY_FILE", "/dev/null"),
    ],
)
def test_settings_name_what_is_wrong(tmp_path: Path, variable: str, value: str) -> None:
    key = tmp_path / "directory-key"
    key.write_text(public())
    good = {"CELL": "alpha", "CLUSTER": CLUSTER, "KUBERNETES_SERVICE_HOST": "127.0.0.1"}
    good |= {"FLEET_ID": FLEET_ID, "DIRECTORY_KEY_FILE": str(key)}
    assert read_settings(good).app == Endpoint("app", 8080)
    with pytest.raises(SettingsError, match=variable):
        read_settings({**good, variable: value})


def test_metrics_can_be_read() -> None:
    for line in Status(unresolved=("beta",)).metrics().splitlines():
        if not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            assert name.startswith(("cellwright_table_", "cellwright_slow_bodies_total"))
            float(value)
    assert json.loads(json.dumps(Status().table()))["age_seconds"] is None
