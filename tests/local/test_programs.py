"""pulumi, kind and kubectl come from PATH, the cache, a download, or a build, in this order."""

import hashlib
import io
import os
import tarfile
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from airgap import golang
from local import programs
from local.catalog import KIND, KUBECTL, PULUMI, Program
from local.downloads import Artefact, fetch
from local.errors import Failed, WrongChecksum
from local.place import Place
from local.system import System, this_machine
from tests.local.standins import Shown, Site, script

NOWHERE = "/nowhere"
BARE = System(root=False, apt=None, path=NOWHERE)
URL = "https://example.test/kind"
CONTENT = b"#!/bin/sh\necho 0.30.0\n"


def unpinned(program: Program, name: str = "kind") -> Program:
    """Return a program whose download is on a site of the test."""
    url = f"https://example.test/{name}"
    return replace(program, artefact=lambda _system, _machine: Artefact(url, f"{url}.sha256"))


def publish(site: Site, name: str, content: bytes, digest: str = "") -> None:
    site.put(f"example.test/{name}", content)
    site.put(
        f"example.test/{name}.sha256", (digest or hashlib.sha256(content).hexdigest()).encode()
    )


@pytest.fixture
def no_build(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make any build a failure of the test."""

    def refuse(name: str, *_others: object) -> Path:
        pytest.fail(f"{name} was built")

    monkeypatch.setattr(golang, "built", refuse)


@pytest.mark.usefixtures("no_build")
def test_a_fitting_program_on_path_is_used(where: Place, shown: Shown, tmp_path: Path) -> None:
    script(tmp_path / "bin" / "kind", 'test "$*" = "version -q" && echo 0.31.0')
    path = f"{NOWHERE}:{tmp_path / 'bin'}"
    system = replace(BARE, path=path)
    assert programs.obtain(KIND, where, system, shown.report) == f"on PATH: {tmp_path / 'bin'}"
    assert not where.cache.exists()


@pytest.mark.parametrize("text", ["echo 0.29.0", "echo what", "exit 1"])
def test_an_unfitting_program_on_path_is_not(where: Place, tmp_path: Path, text: str) -> None:
    script(tmp_path / "bin" / "kind", text)
    assert programs.on_path(KIND, where, str(tmp_path / "bin")) is None


def test_a_program_without_its_companion_is_not_used(where: Place, tmp_path: Path) -> None:
    script(tmp_path / "bin" / "pulumi", "echo v3.300.0")
    assert programs.on_path(PULUMI, where, str(tmp_path / "bin")) is None
    script(tmp_path / "bin" / "pulumi-language-python", "")
    assert programs.on_path(PULUMI, where, str(tmp_path / "bin")) == tmp_path / "bin"


def test_the_cache_on_path_is_not_the_machines(where: Place) -> None:
    folder = where.cache / "bin" / "kind-0.30.0"
    script(folder / "kind", "echo 0.30.0")
    assert programs.on_path(KIND, where, str(folder)) is None


def test_pulumi_is_asked_without_touching_the_users_folder(where: Place, tmp_path: Path) -> None:
    script(tmp_path / "bin" / "pulumi", f'echo "$PULUMI_HOME" > {tmp_path}/home; echo v3.259.0')
    script(tmp_path / "bin" / "pulumi-language-python", "")
    assert programs.on_path(PULUMI, where, f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    assert (tmp_path / "home").read_text().strip() == str(where.pulumi_home)


@pytest.mark.usefixtures("no_build")
def test_a_download_lands_in_the_cache(where: Place, shown: Shown, site: Site) -> None:
    publish(site, "kind", CONTENT)
    there = replace(where, downloads=site.url)
    assert programs.obtain(unpinned(KIND), there, BARE, shown.report) == "0.30.0, downloaded"
    folder = programs.in_cache(KIND, there)
    assert folder == where.cache / "bin" / "kind-0.30.0"
    assert os.access(folder / "kind", os.X_OK)
    again = programs.obtain(KIND, replace(where, downloads=NOWHERE), BARE, shown.report)
    assert again == "0.30.0, in the cache"


@pytest.mark.usefixtures("no_build")
def test_of_pulumis_archive_only_what_python_needs_is_kept(
    where: Place, shown: Shown, site: Site
) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name in ("pulumi", "pulumi-language-python", "pulumi-language-go", "../escape-python"):
            member = tarfile.TarInfo(f"pulumi/{name}")
            member.size = len(CONTENT)
            archive.addfile(member, io.BytesIO(CONTENT))
    publish(site, "pulumi.tar.gz", packed.getvalue())
    there = replace(where, downloads=site.url)
    programs.obtain(unpinned(PULUMI, "pulumi.tar.gz"), there, BARE, shown.report)
    kept = {file.name for file in (where.cache / "bin" / "pulumi-3.259.0").iterdir()}
    assert kept == {"pulumi", "pulumi-language-python", "escape-python", golang.STAMP}


@pytest.mark.usefixtures("no_build")
def test_a_wrong_checksum_stops_everything(where: Place, shown: Shown, site: Site) -> None:
    publish(site, "kind", CONTENT, "0" * 64)
    there = replace(where, downloads=site.url)
    with pytest.raises(WrongChecksum):
        programs.obtain(unpinned(KIND), there, BARE, shown.report)
    assert programs.in_cache(KIND, where) is None


@pytest.mark.usefixtures("no_build")
def test_the_pinned_checksum_holds_for_a_mirror_too(
    where: Place, shown: Shown, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    site.put("github.com/kubernetes-sigs/kind/releases/download/v0.30.0/kind-linux-amd64", CONTENT)
    with pytest.raises(WrongChecksum, match="the pinned checksum"):
        programs.obtain(KIND, replace(where, downloads=site.url), BARE, shown.report)


def builds_without(address: str, where: Place, shown: Shown) -> None:
    """Show that a program whose site is no use is built (a tiny one stands in for it)."""
    pause = replace(unpinned(KIND), name="pause", version="1", go_set="pause")
    there = replace(where, downloads=address)
    assert programs.obtain(pause, there, this_machine(), shown.report) == "1, built from Go modules"
    assert f"{address}/example.test/kind.sha256" in shown.text
    assert (where.cache / "bin" / "pause-1" / "pause").read_bytes().startswith(b"\x7fELF")


def test_a_program_that_the_site_lacks_is_built(where: Place, shown: Shown, site: Site) -> None:
    builds_without(site.url, where, shown)


def test_a_program_of_a_silent_site_is_built(
    where: Place, shown: Shown, silent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "fetch", partial(fetch, patience=0.3))
    builds_without(f"http://{silent}", where, shown)


def test_a_program_of_a_larger_set_gets_a_folder_of_its_own(where: Place, shown: Shown) -> None:
    program = replace(KUBECTL, name="pause", version="1.34.3", go_set="pause")
    there = replace(where, downloads="http://127.0.0.1:1")
    programs.obtain(program, there, this_machine(), shown.report)
    assert programs.in_cache(program, where) == where.cache / "bin" / "pause-1.34.3"
    assert (where.cache / "bin" / "pause-1.34.3" / "pause").exists()


def test_what_is_not_there_yet_is_named(where: Place) -> None:
    with pytest.raises(Failed, match=r"pulumi \(3\.259\.0 or newer, below 4\).*make setup"):
        programs.ready(where, NOWHERE)
