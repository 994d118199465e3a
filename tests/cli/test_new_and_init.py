"""`new` and `init`: what they write passes all checks."""

from pathlib import Path

import pytest
import yaml

from cellwright.cli.main import main
from tests.cli.conftest import Program


def test_a_new_cell_passes_all_checks(program: Program) -> None:
    done = program("new", "cell", "delta", "--region", "eu", "--ring", "0", "--capacity", "5")
    assert (done.code, done.out) == (0, "cells/delta.yaml\n")
    assert program("check").code == 0
    body = yaml.safe_load((program.root / "cells/delta.yaml").read_text("utf-8"))
    assert body["spec"]["id"] == 4
    assert (body["spec"]["region"], body["spec"]["ring"]) == ("eu", 0)
    assert body["spec"]["capacity"] == {"organizations": 5}


def test_a_new_organization_passes_all_checks(program: Program) -> None:
    arguments = ("--cell", "gamma", "--host", "duff.example.com", "--residency", "us")
    done = program("new", "organization", "duff", *arguments)
    assert (done.code, done.out) == (0, "organizations/duff.yaml\n")
    assert program("check").code == 0
    assert program("route", "duff.example.com").out == (
        "duff on cell gamma, by host duff.example.com\n"
    )


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("cell", "Delta"), "CW10"),
        (("cell", "../outside"), "CW10"),
        (("cell", "delta", "--region", "mars"), "CW205"),
        (("cell", "delta", "--capacity", "-1"), "CW104"),
        (("organization", "acme"), "CW201"),
        (("organization", "duff", "--host", "acme.example.com"), "CW204"),
        (("organization", "duff", "--cell", "beta", "--residency", "us"), "CW209"),
        (("organization", "a: {b}\nc: *d"), "CW10"),
    ],
)
def test_nothing_wrong_is_written(program: Program, arguments: tuple[str, ...], code: str) -> None:
    before = sorted(program.root.parent.rglob("*"))
    done = program("new", *arguments)
    assert done.code == 1
    assert code in done.out
    assert done.err.endswith("is not written\n")
    assert sorted(program.root.parent.rglob("*")) == before


def test_a_file_that_is_there_stays(program: Program) -> None:
    before = (program.root / "cells/fleet.yaml").read_bytes()
    done = program("new", "cell", "fleet")
    assert (done.code, done.err) == (
        1,
        "cellwright new: cells/fleet.yaml: there is such a file already\n",
    )
    assert (program.root / "cells/fleet.yaml").read_bytes() == before


def test_a_new_workspace_passes_all_checks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "My Fleet"
    assert main(["init", str(root)]) == 0
    assert main(["--root", str(root), "check"]) == 0
    assert "no problems in 3 cells" in capsys.readouterr().err
    project = yaml.safe_load((root / "Pulumi.yaml").read_text("utf-8"))
    assert project["name"] == "my-fleet"
    assert (root / "__main__.py").is_file()
    schema = root / "schemas/cell.json"
    assert schema.is_file(), "editors find the schemas that the definitions name"


def test_files_that_are_there_stay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "Pulumi.yaml").write_text("mine", "utf-8")
    assert main(["init", str(tmp_path)]) == 1
    assert "there is such a file already" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["Pulumi.yaml"]
