"""How a fleet that stands is taken on by a workspace without its stacks."""

import base64
import json
from pathlib import Path

import pytest

from cellwright.edge.settings import read_settings
from cellwright.identity import FLEET_ID_LABEL, FLEET_LABEL, fleet_id
from tests.cli.conftest import Program
from tests.cli.standins import ROOT_SECRET, Body, Cluster, World

SECRET = base64.b64encode(ROOT_SECRET).decode()


@pytest.fixture
def lost(program: Program, world: World) -> Cluster:
    """A fleet that stands, and a workspace that knows nothing of it."""
    world.backend()
    cluster = world.cluster()
    cluster.declared(program.root)
    return cluster


def given(folder: Path, text: str) -> str:
    file = folder / "root-secret.txt"
    file.write_text(text)
    return str(file)


def labels(cluster: Cluster, kind: str, name: str) -> Body:
    state = json.loads(cluster.file.read_text())
    (found,) = [
        one for one in state["objects"] if (one["kind"], one["metadata"]["name"]) == (kind, name)
    ]
    return dict(found["metadata"].get("labels") or {})


def unlabel(body: Body) -> None:
    for key in (FLEET_LABEL, FLEET_ID_LABEL):
        body["metadata"].get("labels", {}).pop(key, None)


@pytest.mark.usefixtures("lost")
def test_with_its_root_secret_a_fleet_is_taken_on(program: Program, tmp_path: Path) -> None:
    assert "CW422" in program("up", "--yes").out
    file = given(tmp_path, SECRET + "\n")
    done = program("adopt", "--root-secret-file", file, "--yes")
    assert done.code == 0, done
    assert f"fleet demo, id {fleet_id(ROOT_SECRET)}\n" in done.out
    assert SECRET not in done.out + done.err
    settings = read_settings(program.root, "beta")
    assert (settings.fleet_id, settings.has_cell_secret) == (fleet_id(ROOT_SECRET), True)
    assert not settings.has_root
    assert program("check", "--against", "live").code == 0


@pytest.mark.usefixtures("lost")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (base64.b64encode(b"\x09" * 32).decode(), "belongs to fleet demo (id "),
        ("not base64", "the root secret that was given: expected 32 bytes in base64"),
        ("", "the root secret that was given: expected 32 bytes in base64"),
    ],
)
def test_another_root_secret_is_refused(
    program: Program, tmp_path: Path, text: str, said: str
) -> None:
    done = program("adopt", "--root-secret-file", given(tmp_path, text), "--yes")
    assert done.code == 1
    assert said in done.err
    assert not (program.root / "stacks").exists()


@pytest.mark.usefixtures("lost")
def test_without_a_root_secret_nothing_is_taken_on(program: Program) -> None:
    done = program("adopt", "--yes")
    assert done.code == 1
    assert "give it with --root-secret-file" in done.err


@pytest.mark.usefixtures("lost")
def test_it_is_asked_for(program: Program, tmp_path: Path) -> None:
    done = program("adopt", "--root-secret-file", given(tmp_path, SECRET))
    assert done.code == 1
    assert "there is no terminal to ask on: give --yes" in done.err
    assert not (program.root / "stacks").exists()


def test_a_fleet_without_ids_is_proven_by_its_passwords(
    program: Program, lost: Cluster, tmp_path: Path
) -> None:
    lost.declared(program.root, unlabel)
    done = program("adopt", "--root-secret-file", given(tmp_path, SECRET), "--yes")
    assert done.code == 0, done
    assert labels(lost, "Namespace", "cell-beta")[FLEET_ID_LABEL] == fleet_id(ROOT_SECRET)
    wrong = base64.b64encode(b"\x09" * 32).decode()
    lost.declared(program.root, unlabel)
    for file in (program.root / "stacks").iterdir():
        file.unlink()
    done = program("adopt", "--root-secret-file", given(tmp_path, wrong), "--yes")
    assert done.code == 1
    assert "holds another value than the one that is derived from this root secret" in done.err
    assert FLEET_ID_LABEL not in labels(lost, "Namespace", "cell-beta")


@pytest.mark.parametrize(("left", "code"), [("app-key", 0), ("nothing", 1)])
def test_a_secret_of_an_older_release_may_lack_what_is_new(
    program: Program, lost: Cluster, tmp_path: Path, left: str, code: int
) -> None:
    def old(body: Body) -> None:
        unlabel(body)
        if (body["kind"], body["metadata"]["name"]) == ("Secret", "router"):
            body["data"] = {key: text for key, text in body["data"].items() if key == left}

    lost.declared(program.root, old)
    done = program("adopt", "--root-secret-file", given(tmp_path, SECRET), "--yes")
    assert done.code == code, done


def test_an_empty_cluster_has_no_fleet_to_take_on(
    program: Program, world: World, tmp_path: Path
) -> None:
    world.backend()
    world.cluster()
    done = program("adopt", "--root-secret-file", given(tmp_path, SECRET), "--yes")
    assert done.code == 1
    assert "nothing in local shows that the fleet has this root secret" in done.err
