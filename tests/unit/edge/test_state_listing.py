"""The stacks of a backend in a folder, as Pulumi itself lists them."""

import gzip
import json
import shutil
from pathlib import Path

import pytest

from cellwright.edge import stacks
from cellwright.edge.failure import CommandError
from cellwright.edge.state_files import Backend
from cellwright.edge.state_listing import Stack, read_stacks
from tests.cli.backends import Pulumi


@pytest.mark.skipif(shutil.which("pulumi") is None, reason="pulumi is not here")
def test_it_is_what_pulumi_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pulumi = Pulumi(tmp_path / "workspace", tmp_path / "state")
    pulumi.prepare()
    for stack in ("alpha", "beta"):
        pulumi("stack", "init", stack, "--no-select")
    pulumi.up(2)
    for name, value in pulumi.environment.items():
        monkeypatch.setenv(name, value)
    listed = {
        one["name"]: Stack(one["name"], one.get("lastUpdate", ""), one.get("resourceCount", 0))
        for one in json.loads(pulumi("stack", "ls", "--json"))
    }
    assert listed["alpha"].resources == 3
    assert read_stacks(Backend(pulumi.folder / ".pulumi", pulumi.project)) == listed
    with monkeypatch.context() as patch:
        patch.setenv("PATH", "")
        assert stacks.listed(pulumi.root) == listed  # nobody is asked
    # What is cut off is left to Pulumi, which refuses all.
    whole = pulumi.state.read_bytes()
    pulumi.state.write_bytes(whole[:-40])
    with pytest.raises(CommandError, match="restore-state alpha"):
        stacks.listed(pulumi.root)


def backend_with(folder: Path, name: str, content: bytes) -> Backend:
    backend = Backend(folder / ".pulumi", "cellwright")
    backend.below("stacks").mkdir(parents=True)
    (backend.below("stacks") / name).write_bytes(content)
    return backend


def state(**latest: object) -> bytes:
    return json.dumps({"version": 3, "checkpoint": {"stack": "alpha", "latest": latest}}).encode()


MANIFEST = {"time": "2026-11-28T05:50:45.796999583+01:00"}


def test_times_are_in_utc(tmp_path: Path) -> None:
    backend = backend_with(tmp_path, "alpha.json", state(manifest=MANIFEST, resources=[]))
    assert read_stacks(backend) == {"alpha": Stack("alpha", "2026-11-28T04:50:45.796Z", 0)}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("alpha.json", b""),
        ("alpha.json", b"{}"),
        ("alpha.json", state(manifest=MANIFEST)[:-3]),
        ("alpha.json", state(manifest={"time": "yesterday"})),
        ("alpha.json", state(manifest=MANIFEST).replace(b'"version": 3', b'"version": 9')),
        ("alpha.json.gz", gzip.compress(state(manifest=MANIFEST))),
    ],
)
def test_what_is_not_as_expected_is_left_to_pulumi(
    tmp_path: Path, name: str, content: bytes
) -> None:
    assert read_stacks(backend_with(tmp_path, name, content)) is None


def test_a_backend_without_a_folder_is_left_to_pulumi(tmp_path: Path) -> None:
    assert read_stacks(Backend(tmp_path / ".pulumi", "cellwright")) is None
