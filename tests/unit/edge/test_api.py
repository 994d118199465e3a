"""Types taken from a cluster, with a stand-in for kubectl."""

import json
from pathlib import Path

import pytest

from cellwright.cli.main import main
from cellwright.edge.api import cluster_types
from cellwright.edge.failure import CommandError
from cellwright.model import Cluster
from tests.fleets import ROOT
from tests.unit.test_api_types import WIDGET

ANSWERS = {
    "/version": {"gitVersion": "v1.99.0"},
    "/openapi/v3": {"paths": {"apis/x": {"serverRelativeURL": "/openapi/v3/apis/x?hash=1"}}},
    "/openapi/v3/apis/x?hash=1": WIDGET,
}


@pytest.fixture
def kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder; the stand-in answers with its files, and notes its arguments."""
    answers = tmp_path / "answers"
    answers.mkdir()
    for path, answer in ANSWERS.items():
        (answers / path.replace("/", "_")).write_text(json.dumps(answer))
    program = tmp_path / "bin" / "kubectl"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\necho "$*" >> {answers}/asked\n'
        'for one; do case "$one" in /*) path="$one";; esac; done\n'
        f'cat "{answers}/$(echo "$path" | tr / _)"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    return answers


def test_a_cluster_s_documents_are_put_together(kubectl: Path) -> None:
    types = cluster_types(Cluster("eu", "there"))
    assert types["kubernetes"] == "v1.99.0"
    assert list(types["kinds"]) == ["example.com/v1"]
    asked = (kubectl / "asked").read_text().splitlines()
    assert "--context there get --raw /openapi/v3" in asked
    assert all(line.startswith("--context there ") for line in asked)
    cluster_types(Cluster("eu", None))
    assert "get --raw /version" in (kubectl / "asked").read_text().splitlines()


@pytest.mark.parametrize("answer", ["not json", "{}", '{"paths": {"a": {}}}'])
def test_an_answer_of_another_kind_is_an_error(kubectl: Path, answer: str) -> None:
    (kubectl / "_openapi_v3").write_text(answer)
    with pytest.raises(CommandError, match="kubectl get --raw"):
        cluster_types(Cluster("eu", None))


def test_the_verb_writes_what_check_reads(
    kubectl: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "types.json"
    root = ["--root", str(ROOT)]
    assert main([*root, "types", "--cluster", "local", "--out", str(out)]) == 0
    assert json.loads(out.read_text())["kubernetes"] == "v1.99.0"
    assert "1 kinds of Kubernetes v1.99.0" in capsys.readouterr().out
    assert main([*root, "types", "--cluster", "locl"]) == 1
    assert "did you mean 'local'?" in capsys.readouterr().err
    assert main([*root, "types", "--context", "x"]) == 2
    (kubectl / "_version").unlink()
    assert main([*root, "types", "--cluster", "local", "--out", str(out)]) == 1
