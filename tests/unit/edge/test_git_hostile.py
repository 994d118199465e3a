"""A repository whose settings name programs is read, and none of the programs is started."""

import re
import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from cellwright.edge import git, git_command
from cellwright.edge.failure import CommandError
from tests.docs.blocks import ROOT
from tests.unit.edge.test_git import git as plain_git

SIGNATURE = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n aaaa\n -----END PGP SIGNATURE-----\n"


class Hostile:
    """A repository with two commits, and a program that leaves a trace when it is started."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "repository"
        self.trace = folder / "trace"
        self.program = folder / "program"
        self.program.write_text(f"#!/bin/sh\ntouch {self.trace}\n", "utf-8")
        self.program.chmod(0o755)
        self.hooks = folder / "hooks"
        self.hooks.mkdir()
        for hook in ("post-index-change", "post-checkout", "reference-transaction"):
            shutil.copy(self.program, self.hooks / hook)
        self.root.mkdir()
        self.do("init", "--quiet")
        (self.root / "cells").mkdir()
        (self.root / ".gitattributes").write_text("*.yaml diff=trap filter=trap\n", "utf-8")
        for number in ("one", "two"):
            (self.root / "cells/alpha.yaml").write_text(f"alpha: {number}\n", "utf-8")
            self.do("add", ".")
            self.do("commit", "--quiet", "--message", number)
        self.blob = self.do("rev-parse", "HEAD:cells/alpha.yaml").strip()

    def do(self, *arguments: str) -> str:
        return plain_git(self.root, *arguments)

    def set(self, name: str, value: object) -> None:
        self.do("config", name, str(value))

    def sign(self) -> None:
        """Put a signature into the last commit."""
        commit = self.do("cat-file", "commit", "HEAD").replace("\n\n", f"\n{SIGNATURE}\n", 1)
        (self.root / ".git/signed").write_text(commit, "utf-8")
        signed = self.do("hash-object", "-t", "commit", "-w", ".git/signed").strip()
        self.do("update-ref", "HEAD", signed)

    def lose(self) -> None:
        """Take a file's content away, as if a remote still had it."""
        self.set("extensions.partialClone", "origin")
        self.set("remote.origin.promisor", "true")
        self.set("remote.origin.url", self.root)
        self.set("protocol.file.allow", "always")
        self.set("remote.origin.uploadpack", self.program)
        (self.root / ".git/objects" / self.blob[:2] / self.blob[2:]).unlink()


@pytest.fixture
def hostile(tmp_path: Path) -> Hostile:
    return Hostile(tmp_path)


def everything(root: Path) -> None:
    """Call all that reads a repository."""
    assert git.trouble(root) == ""
    assert not git.is_shallow(root)
    commits = git.order(root)
    for pattern in ("", "alpha"):
        git.touching(root, ["cells"], pattern)
    for commit in commits:
        git.described(root, commit)
        for blob in git.blobs(root, commit, ["cells/alpha.yaml"]).values():
            git.content(root, blob)
        with git.checked_out(root, commit) as folder:
            assert (folder / "cells/alpha.yaml").read_text("utf-8").startswith("alpha: ")


def monitored(one: Hostile) -> Callable[[], object]:
    one.set("core.fsmonitor", one.program)
    return lambda: one.do("status")


def hooked(one: Hostile) -> Callable[[], object]:
    one.set("core.hooksPath", one.hooks)
    return lambda: one.do("read-tree", "HEAD")


def hooked_in_its_folder(one: Hostile) -> Callable[[], object]:
    shutil.copytree(one.hooks, one.root / ".git/hooks", dirs_exist_ok=True)
    return lambda: one.do("read-tree", "HEAD")


def shown_as_text(one: Hostile) -> Callable[[], object]:
    one.set("diff.trap.textconv", one.program)
    return lambda: one.do("log", "-G", "alpha")


def compared(one: Hostile) -> Callable[[], object]:
    one.set("diff.external", one.program)
    one.set("diff.trap.command", one.program)
    return lambda: one.do("diff", "HEAD~1")


def filtered(one: Hostile) -> Callable[[], object]:
    one.set("filter.trap.smudge", one.program)
    one.set("filter.trap.clean", one.program)
    return lambda: one.do("checkout-index", "--all", f"--prefix={one.root}/out/")


def filtered_by_a_process(one: Hostile) -> Callable[[], object]:
    one.set("filter.trap.process", one.program)
    one.set("filter.trap.required", "false")
    return lambda: one.do("checkout-index", "--all", f"--prefix={one.root}/out/")


def filtered_beside_its_tree(one: Hostile) -> Callable[[], object]:
    one.set("filter.other.smudge", one.program)
    (one.root / ".git/info").mkdir(exist_ok=True)
    (one.root / ".git/info/attributes").write_text("* filter=other\n", "utf-8")
    return lambda: one.do("checkout-index", "--all", f"--prefix={one.root}/out/")


def signed(one: Hostile) -> Callable[[], object]:
    one.sign()
    one.set("log.showSignature", "true")
    one.set("gpg.program", one.program)
    return lambda: one.do("log")


TRAPS = [
    *(monitored, hooked, hooked_in_its_folder, shown_as_text, compared),
    *(filtered, filtered_by_a_process, filtered_beside_its_tree, signed),
]


@pytest.mark.parametrize("trap", TRAPS)
def test_no_program_of_a_repository_is_started(
    trap: Callable[[Hostile], Callable[[], object]], hostile: Hostile
) -> None:
    plain = trap(hostile)
    everything(hostile.root)
    assert not hostile.trace.exists()
    with suppress(subprocess.CalledProcessError):
        plain()
    assert hostile.trace.exists(), "a plain git does not start it either: the trap is none"


@pytest.mark.parametrize("trap", [monitored, hooked, hooked_in_its_folder])
@pytest.mark.parametrize("command", [("status",), ("read-tree", "HEAD")])
def test_nor_by_a_command_that_looks_at_the_index(
    command: tuple[str, ...], trap: Callable[[Hostile], object], hostile: Hostile
) -> None:
    trap(hostile)
    git_command.git(hostile.root, *command)
    assert not hostile.trace.exists()


def test_nothing_is_fetched_for_what_a_repository_lacks(hostile: Hostile) -> None:
    hostile.lose()
    commit = next(iter(git.order(hostile.root)))
    with pytest.raises(CommandError):
        git.content(hostile.root, hostile.blob)
    with (
        pytest.raises(CommandError, match="can't be read from git"),
        git.checked_out(hostile.root, commit),
    ):
        pass
    assert not hostile.trace.exists()
    with pytest.raises(subprocess.CalledProcessError):
        hostile.do("cat-file", "blob", hostile.blob)
    assert hostile.trace.exists()


def test_a_folder_that_looks_like_a_repository_is_none(hostile: Hostile) -> None:
    """A commit can hold such a folder; its settings would count for whoever stands in it."""
    folder = hostile.root / "docs"
    folder.mkdir()
    plain_git(folder, "init", "--quiet", "--bare")
    assert plain_git(folder, "rev-parse", "--is-bare-repository").strip() == "true"
    with pytest.raises(CommandError, match="bare"):
        git.is_shallow(folder)


@pytest.mark.parametrize("name", ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"])
def test_the_environment_leads_to_no_other_repository(
    name: str, hostile: Hostile, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    plain_git(other, "init", "--quiet")
    monkeypatch.setenv(name, str(other / ".git" if name == "GIT_DIR" else other))
    everything(hostile.root)


def test_settings_of_whoever_runs_it_count(
    hostile: Hostile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Continuous integration says so in its environment which folders it trusts."""
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.fsmonitor")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", str(hostile.program))
    everything(hostile.root)
    assert not hostile.trace.exists()
    first = list(git.order(hostile.root))[-1]
    assert git.touching(hostile.root, ["cells"])[first] == ["cells/alpha.yaml"]
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "log.showRoot")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "false")
    assert git.touching(hostile.root, ["cells"]).get(first, []) == []


def test_the_image_for_checks_trusts_what_is_mounted_and_nothing_else() -> None:
    text = (ROOT / "Dockerfile").read_text("utf-8")
    assert re.findall(r"safe\.directory (\S+)", text) == ["/workspace"]
    assert "WORKDIR /workspace\n" in text
