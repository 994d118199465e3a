"""What is read of templates: nothing is passed over unnoticed."""

import os
import shutil
from pathlib import Path

import pytest

from cellwright.edge.files import read
from tests.workspaces import build

TEMPLATE = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = build(tmp_path / "workspace")
    (made / "templates" / "extra").mkdir(parents=True)
    (made / "templates" / "extra" / "x.yaml.j2").write_text(TEMPLATE)
    return made


def told(root: Path) -> list[str]:
    return [str(one) for one in read(root).problems]


def test_a_template_in_a_folder_is_read(root: Path) -> None:
    assert told(root) == []
    assert read(root).templates["extra/x.yaml.j2"] == TEMPLATE


def test_a_link_to_a_folder_of_templates_is_a_problem(root: Path) -> None:
    shutil.move(root / "templates" / "extra", root / "elsewhere")
    (root / "templates" / "extra").symlink_to(root / "elsewhere")
    assert told(root) == [
        "templates/extra:1:1: CW001 a link to a folder, which is not followed",
    ]


def test_a_folder_of_templates_that_is_closed_is_a_problem(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def access(path: Path, mode: int) -> bool:
        return path.name != "extra" or not mode & os.R_OK

    monkeypatch.setattr(os, "access", access)
    assert told(root) == ["templates/extra:1:1: CW001 can't be read: permission denied"]


def test_a_folder_named_like_a_template_is_a_problem(root: Path) -> None:
    (root / "templates" / "y.yaml.j2").mkdir()
    assert told(root) == ["templates/y.yaml.j2:1:1: CW001 a folder where a file should be"]


@pytest.mark.parametrize("dangling", [True, False])
def test_templates_that_are_no_folder_are_a_problem(root: Path, *, dangling: bool) -> None:
    shutil.rmtree(root / "templates")
    if dangling:
        (root / "templates").symlink_to(root / "nowhere")
    else:
        (root / "templates").write_text("")
    assert told(root) == ["templates:1:1: CW001 not a folder"]


def test_the_folder_of_templates_itself_may_be_a_link(root: Path) -> None:
    (root / "templates").rename(root / "elsewhere")
    (root / "templates").symlink_to(root / "elsewhere")
    assert told(root) == []
    assert "extra/x.yaml.j2" in read(root).templates
