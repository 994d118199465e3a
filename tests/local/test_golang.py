"""Builds from Go modules: complete or absent, one at a time, again when their sources change."""

import os
import signal
from pathlib import Path

import pytest

from airgap import golang
from local.errors import Failed
from local.files import write_atomically
from local.place import Place
from local.system import System, this_machine
from tests.local.standins import Shown, appears, python, script

BUILD = """
import os, sys
from airgap import golang
from local.place import place
from local.report import Report
from local.system import this_machine
golang.built("pause", place(os.environ), this_machine(), Report(sys.stdout))
"""

SLOW_GO = """
case "$1" in
  env) echo go1.99.0;;
  build) for out; do [ "$last" = -o ] && target=$out; last=$out; done
    echo half > "$target"; echo "$$" >> "$NOTES"; sleep "$PAUSE"; echo whole > "$target";;
esac
"""
"""Writes half a program, notes its pid, pauses, then writes the whole."""


@pytest.fixture
def environment(where: Place, tmp_path: Path) -> dict[str, str]:
    """Return the environment of a build with a slow `go`."""
    go = script(tmp_path / "go" / "go", SLOW_GO)
    return {
        **os.environ,
        "PATH": f"{go.parent}:{os.environ['PATH']}",
        "CELLWRIGHT_STATE": str(where.state),
        "CELLWRIGHT_CACHE": str(where.cache),
        "NOTES": str(tmp_path / "notes"),
        "PAUSE": "100",
    }


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_build_leaves_nothing_and_a_new_one_goes_on(
    where: Place, shown: Shown, environment: dict[str, str], how: signal.Signals
) -> None:
    with python(BUILD, env=environment) as build:
        go = int(appears(Path(environment["NOTES"])))
        build.send_signal(how)
        build.wait(20)
    if how == signal.SIGKILL:
        os.kill(go, signal.SIGKILL)  # nobody was left to do it
    assert not golang.folder("pause", where).exists()
    folder = golang.built("pause", where, this_machine(), shown.report)
    assert (folder / "pause").read_bytes().startswith(b"\x7fELF")
    assert list((where.cache / "tmp").iterdir()) == []


def test_two_builds_at_once_are_one(where: Place, environment: dict[str, str]) -> None:
    environment["PAUSE"] = "1"
    with python(BUILD, env=environment) as first:
        appears(Path(environment["NOTES"]))
        with python(BUILD, env=environment) as second:
            assert second.stdout is not None
            said = second.stdout.read()
        assert (first.wait(20), second.returncode) == (0, 0)
    assert "waiting for another run that makes go-pause" in said
    assert len(Path(environment["NOTES"]).read_text().split()) == 1
    assert (golang.folder("pause", where) / "pause").read_text() == "whole\n"


def test_what_is_built_stays_until_its_sources_change(where: Place, shown: Shown) -> None:
    folder = golang.built("pause", where, this_machine(), shown.report)
    before = (folder / "pause").stat().st_ino
    golang.built("pause", where, this_machine(), shown.report)
    assert (folder / "pause").stat().st_ino == before
    write_atomically(folder / golang.STAMP, "other sources")
    assert not golang.is_built("pause", where)
    golang.built("pause", where, this_machine(), shown.report)
    assert (folder / "pause").stat().st_ino != before
    assert golang.is_built("pause", where)


def test_the_key_of_a_set_covers_how_it_is_linked(monkeypatch: pytest.MonkeyPatch) -> None:
    before = golang.key("pause")
    changed = golang.GoSet("pause", "1", (golang.Module("pause", "-X a=b", program="pause"),), 1)
    monkeypatch.setitem(golang.SETS, "pause", changed)
    assert golang.key("pause") != before


@pytest.mark.parametrize("said", ["go1.19.8", "devel"])
def test_an_old_go_is_named(
    where: Place, shown: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    script(tmp_path / "only" / "go", f"echo {said}")
    monkeypatch.setenv("PATH", str(tmp_path / "only"))
    with pytest.raises(Failed, match=rf"Go 1\.21 or newer.*found {said}"):
        golang.built("pause", where, this_machine(), shown.report)


def test_a_missing_go_is_named(where: Place, shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.system.SYSTEM_FOLDERS", "/nowhere")
    with pytest.raises(Failed, match=r"missing: go\. .*apt-get install golang-go"):
        golang.built("pause", where, System(root=False, apt=None, path="/nowhere"), shown.report)


def test_root_on_debian_gets_a_go(
    where: Place, shown: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "bin"
    monkeypatch.setattr("local.system.SYSTEM_FOLDERS", "/nowhere")
    script(folder / "dpkg", "")
    go = f"printf '#!/bin/sh\\necho go1.99.0\\n' > {folder}/go; /bin/chmod +x {folder}/go"
    apt = script(folder / "apt-get", f'test "$1" = update || {{ {go}; }}')
    system = System(root=True, apt=str(apt), path=str(folder))
    assert golang.program(where, system, shown.report) == f"{folder}/go"
    assert "installing golang-go" in shown.text
