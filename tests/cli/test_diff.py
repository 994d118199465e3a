"""`diff` against commits, folders and a cluster that is away."""

import json
from typing import Any

import pytest

from tests.cli.conftest import Done, Program


def _line(output: str, sign: str) -> str:
    """Return the only line that came or went."""
    (line,) = (one for one in output.splitlines() if one.startswith(f"        {sign} "))
    return line


def effects(done: Done) -> dict[str, str]:
    listed: list[dict[str, Any]] = done.json["changes"]
    return {f"{one['stack']}/{one['kind']}/{one['name']}": one["effect"] for one in listed}


def test_nothing_changed_is_no_difference(program: Program) -> None:
    program.commit()
    done = program("diff")
    assert (done.code, done.out, done.err) == (0, "", "no differences\n")


def test_each_kind_of_change_has_its_effect(program: Program) -> None:
    program.commit()
    program.edit("cells/beta.yaml", "replicas: 2", "replicas: 3\n    image: app:2")
    program.edit("cells/fleet.yaml", "storage: 1Gi", "storage: 512Mi")
    done = program("diff", "--format", "json", "--cell", "beta")
    assert done.code == 16
    found = effects(done)
    assert found["beta/Deployment/app"] == "rolling"
    assert found["beta/StatefulSet/postgres"] == "data loss"
    assert found["beta/ResourceQuota/cell"] == "in place"
    assert {name.split("/")[0] for name in found} == {"beta"}


def test_the_text_tells_stack_object_and_field(program: Program) -> None:
    program.commit()
    program.edit("cells/beta.yaml", "replicas: 2", "replicas: 3")
    done = program("diff")
    assert done.code == 16
    assert "beta\n" in done.out
    assert "  ~ Deployment cell-beta/app  in place\n      spec.replicas: 2 -> 3\n" in done.out
    assert done.err == "2 objects of 1 stack would change: 2 in place\n"


def test_a_change_of_the_assignment_is_a_line_and_a_move(program: Program) -> None:
    program.commit()
    program.edit("organizations/customers.yaml", "cell: alpha", "cell: beta")
    done = program("diff")
    assert done.code == 16
    assert "acme=active:alpha:1001:acme," in _line(done.out, "-")
    assert "acme=active:beta:1001:acme," in _line(done.out, "+")
    assert "  ~ acme: alpha -> beta\n" in done.out
    moved = json.loads(program("diff", "--format", "json").out)["moves"]
    assert moved == [{"organization": "acme", "before": "alpha", "after": "beta"}]


def test_who_is_not_placed_yet_does_not_stop_it(program: Program) -> None:
    program.commit()
    program("new", "organization", "duff")
    assert program("diff").code == 0
    program("place", "--write")
    assert ",duff=active:" in program("diff").out


def test_cells_come_and_go(program: Program) -> None:
    program.commit()
    program("new", "cell", "delta")
    added = program("diff", "--cell", "delta", "--format", "json")
    assert set(effects(added).values()) == {"in place"}
    program.git("add", "--all")
    program.git("commit", "--quiet", "--message", "delta")
    (program.root / "cells/delta.yaml").unlink()
    removed = program("diff", "--format", "json")
    assert effects(removed)["delta/Namespace/cell-delta"] == "in place", "the volume is kept"
    assert effects(removed)["delta/Deployment/app"] == "replace"
    assert effects(program("diff", "--against", "HEAD~1", "--format", "json")) == {}


def test_a_volume_that_is_not_kept_is_a_loss(program: Program) -> None:
    program("new", "cell", "delta")
    program.edit("cells/delta.yaml", "spec:", "spec:\n  postgres: {onDelete: delete-volume}")
    program.commit()
    (program.root / "cells/delta.yaml").unlink()
    done = program("diff", "--format", "json")
    assert effects(done)["delta/Namespace/cell-delta"] == "data loss"


def test_a_folder_of_rendered_manifests(program: Program) -> None:
    program("render", "--out", "../rendered")
    assert program("diff", "--against", "../rendered").code == 0
    program.edit("cells/beta.yaml", "replicas: 2", "replicas: 3")
    done = program("diff", "--against", "../rendered", "--format", "json")
    assert done.code == 16
    assert effects(done)["beta/Deployment/app"] == "in place"


def test_another_workspace(program: Program, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other") / "fleet"
    program("init", str(other))
    assert program("diff", "--against", str(other)).code == 0


def test_a_folder_that_is_neither(program: Program) -> None:
    done = program("diff", "--against", "cells")
    assert done.code == 1
    assert "was not written by `cellwright render`" in done.err


def test_what_is_no_commit(program: Program) -> None:
    program.commit()
    done = program("diff", "--against", "nowhere")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("cellwright diff: 'nowhere' is no commit of git here")


def test_problems_on_either_side_are_told(program: Program) -> None:
    program.edit("cells/alpha.yaml", "region: eu", "region: mars")
    program.commit()
    here = program("diff")
    assert here.code == 1
    assert "CW205" in here.out
    program.edit("cells/alpha.yaml", "region: mars", "region: eu")
    there = program("diff")
    assert there.code == 1
    assert "CW205" in there.out
    assert "the problems are at HEAD" in there.err


def test_a_cluster_that_is_away_is_said(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = {"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}
    context = {"name": "c", "context": {"cluster": "c", "user": "u"}}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [cluster],
        "contexts": [context],
        "current-context": "c",
    }
    program.write("../kubeconfig", json.dumps(config))
    monkeypatch.setenv("KUBECONFIG", str(program.root / "../kubeconfig"))
    done = program("diff", "--against", "live")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("cellwright diff: cluster local does not answer: kubectl get --raw")


def test_without_kubectl_it_says_so(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    done = program("diff", "--against", "live")
    assert done.code == 1
    assert "kubectl is not on the PATH" in done.err
