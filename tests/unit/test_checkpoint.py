"""Whole checkpoints are told from cut-off ones, and from what Pulumi could not go on from."""

import gzip
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from cellwright.checkpoint import (
    NO_DEPLOYMENT,
    BrokenCheckpointError,
    Checkpoint,
    compressed,
    read_checkpoint,
)

PREFIX = "urn:pulumi:alpha::shop::"
STACK = f"{PREFIX}pulumi:pulumi:Stack::shop-alpha"
CHILD = f"{PREFIX}a:b:C::child"


def document() -> dict[str, Any]:
    magic = hashlib.sha256(b"v3.259.0").hexdigest()
    return {
        "version": 3,
        "checkpoint": {
            "stack": "organization/shop/alpha",
            "latest": {
                "manifest": {
                    "time": "2026-02-03T06:05:06.123456789+02:00",
                    "magic": magic,
                    "version": "v3.259.0",
                },
                "resources": [
                    {"urn": STACK, "custom": False, "type": "pulumi:pulumi:Stack"},
                    {"urn": CHILD, "parent": STACK, "outputs": {"a": [-1.5e3, True, None, "\\ö"]}},
                ],
            },
        },
    }


def read(data: bytes) -> Checkpoint:
    return read_checkpoint(data, "shop", "alpha")


def flaw(data: bytes) -> str:
    with pytest.raises(BrokenCheckpointError) as caught:
        read(data)
    return str(caught.value)


def test_a_whole_checkpoint_says_what_it_holds() -> None:
    data = json.dumps(document()).encode()
    found = read(data)
    assert (found.data, found.resources, found.pending) == (data, 2, ())
    assert found.time == datetime(2026, 2, 3, 4, 5, 6, 123456, UTC)
    assert read(gzip.compress(data)) == found
    assert read(compressed(found)) == found


@pytest.mark.parametrize("ascii_only", [True, False])
def test_one_that_is_cut_off_anywhere_is_said_to_be(ascii_only: bool) -> None:
    data = json.dumps(document(), ensure_ascii=ascii_only).encode()
    for size in range(1, len(data)):
        assert flaw(data[:size]) == f"cut off after {size} bytes"


def test_a_compressed_one_that_is_cut_off_is_said_to_be() -> None:
    data = gzip.compress(json.dumps(document()).encode())
    for size in range(2, len(data)):
        assert flaw(data[:size]) == f"cut off after {size} bytes"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (bytes(4096), "4096 bytes of zeros"),
        (b"\xff\xfe", "not JSON: byte 0 is not UTF-8"),
        (b"{]", "not JSON: Expecting property name enclosed in double quotes at line 1 column 2"),
        (b"hello", "not JSON: Expecting value at line 1 column 1"),
        (b'{"a": "\\x"}', "not JSON: Invalid \\escape at line 1 column 8"),
        (b'{"version": 3} {', "not JSON: Extra data at line 1 column 16"),
        (b"[]", "not a checkpoint: expected a JSON object"),
        (b"null", "not a checkpoint: expected a JSON object"),
        (b"[" * 100_000, "not a checkpoint: nested too deep"),
        (b"{}", "not a checkpoint: expected version 3 or 4, not None"),
        (b'{"version": 9}', "not a checkpoint: expected version 3 or 4, not 9"),
        (b'{"version": 3}', "holds no checkpoint"),
        (b'{"version": 3, "checkpoint": []}', "holds no checkpoint"),
        (b"\x1f\x8b\x00 not at all", "not gzip: Unknown compression method"),
    ],
)
def test_what_is_no_checkpoint_is_told(data: bytes, reason: str) -> None:
    assert flaw(data) == reason


def latest(change: Callable[[dict[str, Any]], None]) -> bytes:
    body = document()
    change(body["checkpoint"]["latest"])
    return json.dumps(body).encode()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (dict.clear, NO_DEPLOYMENT),
        (lambda one: one.pop("manifest"), "holds no manifest"),
        (
            lambda one: one["manifest"].update(magic="x"),
            "manifest is not the one that Pulumi wrote",
        ),
        (lambda one: one["manifest"].update(time="noon"), "its time is 'noon'"),
        (lambda one: one["manifest"].pop("time"), "its time is None"),
        (lambda one: one.update(resources=[3]), "resources is not a list of objects"),
        (lambda one: one.update(pending_operations={}), "pending_operations is not a list"),
        (lambda one: one["resources"].pop(0), f"{CHILD} needs {STACK}, which is missing"),
        (lambda one: one["resources"][0].pop("urn"), f"resource 1 is None, expected {PREFIX}…"),
        (lambda one: one["resources"][1].update(urn="urn:x"), "resource 2 is 'urn:x', expected"),
        (lambda one: one["resources"][1].update(dependencies=["y"]), f"{CHILD} needs y"),
        (lambda one: one["resources"][1].update(dependencies=3), "are not a list"),
    ],
)
def test_what_pulumi_could_not_go_on_from_is_told(
    change: Callable[[dict[str, Any]], None], reason: str
) -> None:
    assert reason in flaw(latest(change))


def test_another_stacks_checkpoint_is_refused() -> None:
    data = json.dumps(document()).encode()
    with pytest.raises(BrokenCheckpointError, match="belongs to stack 'organization/shop/alpha'"):
        read_checkpoint(data, "other", "alpha")
    with pytest.raises(BrokenCheckpointError, match="not 'organization/shop/beta'"):
        read_checkpoint(data, "shop", "beta")


def test_operations_whose_end_is_not_known_are_named() -> None:
    operation = {"type": "creating", "resource": {"urn": CHILD}}
    found = read(latest(lambda one: one.update(pending_operations=[operation, {}])))
    assert found.pending == (f"creating {CHILD}", "None None")


def test_a_checkpoint_of_version_4_is_read() -> None:
    data = json.dumps({**document(), "version": 4, "features": ["x"]}).encode()
    assert read(data).resources == 2
