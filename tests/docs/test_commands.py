"""Every command line in the docs is run, and prints what the docs show."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.docs.blocks import PAGES, ROOT, Block, blocks
from tests.docs.session import environment, play
from tests.workspaces import demo_in

COMMAND = re.compile(r"^\s*(?:\$ )?(cellwright|pulumi|kubectl|docker|make|eval)\b", re.MULTILINE)
NEEDS = ("cluster", "docker", "make", "elsewhere")
GENERATED = ("docs/reference/definitions.md", "docs/reference/problems.md")
"""Pages whose examples are tested where they come from."""
MAKE = re.compile(r'(?:[A-Z_]+=\S+ )*(?:eval "\$\()?make ([a-z-]+)(?:\)")?\s*(?:#.*)?')


def marked(page: str, *marks: str) -> list[Block]:
    """Return the page's console blocks that need exactly this."""
    return [one for one in blocks(page) if one.marks == ("console", *marks)]


def with_blocks(*marks: str) -> list[str]:
    return [page for page in PAGES if marked(page, *marks)]


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with the demo workspace, committed, on a branch beside `origin/main`."""
    monkeypatch.setenv("CELLWRIGHT_CACHE", str(tmp_path / "cache"))
    root = demo_in(tmp_path / "fleet")
    setup = (
        "git init --quiet --initial-branch=main && git add --all && git commit --quiet -m demo"
        " && git update-ref refs/remotes/origin/main HEAD"
    )
    subprocess.run(setup, shell=True, cwd=root, env=environment(), check=True)  # noqa: S602
    return root


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Path]:
    """What an image is built from; images that are made of it are removed afterwards."""
    root = tmp_path / "source"
    kept = (ROOT / ".dockerignore").read_text("utf-8")
    root.mkdir()
    for name in [".dockerignore", "Dockerfile", *re.findall(r"^!(\S+)", kept, re.MULTILINE)]:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, root / name, symlinks=True)
        elif (ROOT / name).is_file():
            shutil.copy(ROOT / name, root / name)
    yield root
    subprocess.run(["docker", "image", "rm", "--force", "cellwright"], check=False)


@pytest.mark.parametrize("page", with_blocks())
def test_a_page(page: str, workspace: Path) -> None:
    steps = [step for block in marked(page) for step in block.steps]
    play(page, steps, workspace)


@pytest.mark.docker
@pytest.mark.parametrize("page", with_blocks("docker"))
def test_a_page_that_needs_docker(page: str, source: Path) -> None:
    """Packages are fetched before images are built, as on a network without a package index."""
    steps = [step for block in reversed(marked(page, "docker")) for step in block.steps]
    play(page, steps, source, timeout=900)


@pytest.mark.parametrize("page", with_blocks("make"))
def test_a_page_that_needs_the_makefile(page: str) -> None:
    """The tests are started by make: here it only tells what it would run."""
    for step in (step for block in marked(page, "make") for step in block.steps):
        command = MAKE.fullmatch(step.command)
        assert command, f"{page}:{step.line}: {step.command}"
        done = subprocess.run(["make", "--dry-run", command[1]], cwd=ROOT, check=False)
        assert done.returncode == 0


@pytest.mark.parametrize("page", with_blocks("elsewhere"))
def test_a_page_for_machines_that_no_test_has(page: str) -> None:
    for step in (step for block in marked(page, "elsewhere") for step in block.steps):
        subprocess.run(["bash", "-n", "-c", step.command], check=True)


@pytest.mark.parametrize("page", PAGES)
def test_definitions_that_a_page_shows_are_right(page: str, workspace: Path) -> None:
    for number, block in enumerate(blocks(page)):
        if "\napiVersion: cellwright/v1\n" in f"\n{block.text}" and page not in GENERATED:
            folder = "organizations" if "\nkind: Organization\n" in block.text else "cells"
            (workspace / folder / f"page-{number}.yaml").write_text(block.text, "utf-8")
    done = subprocess.run(
        ["cellwright", "check"], cwd=workspace, env=environment(), check=False, text=True
    )
    assert done.returncode == 0


@pytest.mark.parametrize("page", PAGES)
def test_no_command_line_is_left_out(page: str) -> None:
    """A block that shows commands is marked `console`; other blocks are files and output."""
    text = (ROOT / page).read_text("utf-8")
    for block in blocks(page):
        text = text.replace(block.text, "")
        if block.marks[:1] == ("console",):
            assert block.steps
            assert block.marks[1:] in [(), *((need,) for need in NEEDS)]
        elif block.marks[:1] != ("yaml",):
            assert not COMMAND.search(block.text), f"{page}:{block.line}"
    indented = "\n".join(line for line in text.splitlines() if line.startswith("    "))
    assert not COMMAND.search(indented), f"{page}: a block of commands without its fence"


def scripts(value: Any) -> list[str]:
    """Return the scripts of a CI configuration: GitHub's `run`, GitLab's `script`."""
    if isinstance(value, list):
        return [script for one in value for script in scripts(one)]
    if not isinstance(value, dict):
        return []
    own = [value["run"]] if "run" in value else value.get("script", [])
    return [*own, *scripts(list(value.values()))]


def ci_scripts() -> list[str]:
    documents = [yaml.safe_load(one.text) for one in blocks("docs/ci.md") if one.marks == ("yaml",)]
    return [one for one in scripts(documents) if not one.startswith("pip install cellwright")]


@pytest.mark.parametrize("script", ci_scripts())
def test_a_script_of_ci_runs(script: str, workspace: Path) -> None:
    settings = {
        "GITHUB_BASE_REF": "main",
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
        "GITHUB_STEP_SUMMARY": str(workspace / "summary.md"),
    }
    definition = workspace / "cells/beta.yaml"
    definition.write_text(definition.read_text("utf-8").replace("replicas: 2", "replicas: 3"))
    subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script],
        cwd=workspace,
        env={**environment(), **settings},
        check=True,
    )


def test_ci_scripts_are_found() -> None:
    assert len(ci_scripts()) == 5


def test_the_hook_of_pre_commit_runs(workspace: Path) -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    run = [*hook["entry"].split()]
    assert subprocess.run(run, cwd=workspace, env=environment(), check=False).returncode == 0
    files = re.compile(hook["files"])
    assert files.search("cells/alpha.yaml")
    assert files.search("below/organizations/trials.jsonl")
    assert not files.search("docs/cells.md")
