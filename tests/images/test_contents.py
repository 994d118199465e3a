"""What the images hold: what is needed to run, its licences, and a list of it."""

import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local import docker, sbom
from tests.docs.blocks import ROOT
from tests.postgres.containers import APP_IMAGE, PLACEMENT_IMAGE, POSTGRES_IMAGE
from tests.router.pods import IMAGE as ROUTER_IMAGE

pytestmark = pytest.mark.docker

PROGRAMS = re.compile(r"(?:usr/)?(?:local/)?s?bin/([^/]+)")
INSTALLERS = {"apt", "apt-get", "dpkg", "dpkg-deb", "perl", "pip", "pip3", "easy_install"}
PRIVILEGES = {"chsh", "gpasswd", "login", "mount", "newgrp", "passwd", "su", "sudo", "umount"}
SHELLS = {"ash", "bash", "busybox", "dash", "rbash", "sh"}
HAS_SHELL = {POSTGRES_IMAGE}
"""initdb and the entrypoint need one."""


@dataclass(frozen=True)
class Image:
    tag: str
    files: dict[str, tarfile.TarInfo]
    components: list[dict[str, Any]]

    @property
    def programs(self) -> set[str]:
        return {found[1] for name in self.files if (found := PROGRAMS.fullmatch(name))}

    @property
    def packages(self) -> set[str]:
        return {one["name"] for one in self.components if ":deb/" in one.get("purl", "")}


@pytest.fixture(scope="module", params=[APP_IMAGE, PLACEMENT_IMAGE, POSTGRES_IMAGE, ROUTER_IMAGE])
def image(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Image]:
    archive: Path = tmp_path_factory.mktemp("image") / "image.tar"
    docker.export(request.param, archive)
    with tarfile.open(archive) as files:
        found = {one.name.removeprefix("./"): one for one in files}
    yield Image(request.param, found, sbom.read(archive))
    archive.unlink()


def test_nothing_runs_with_the_rights_of_another_user(image: Image) -> None:
    assert [name for name, one in image.files.items() if one.mode & 0o6000] == []
    extra = {name: one.pax_headers for name, one in image.files.items()}
    capable = [name for name, keys in extra.items() if any("capability" in key for key in keys)]
    assert capable == []


def test_no_installer_and_no_way_to_another_user(image: Image) -> None:
    assert len(image.programs) > 5
    assert image.programs & (INSTALLERS | PRIVILEGES) == set()
    modules = [
        name for name in image.files if re.search(r"/(pip|setuptools|ensurepip/_bund)", name)
    ]
    assert modules == []


def test_no_shell_where_nothing_needs_one(image: Image) -> None:
    found = image.programs & SHELLS
    assert bool(found) == (image.tag in HAS_SHELL), found


def test_licences_of_all_packages_are_in_it(image: Image) -> None:
    """The folder of a package may be a link to that of another one of the same source."""
    folder = "usr/share/doc"
    for package in image.packages:
        one = image.files[f"{folder}/{package}"]
        other = Path(one.linkname).name if one.issym() else package
        assert f"{folder}/{other}/copyright" in image.files, package
    assert "usr/share/common-licenses/GPL-3" in image.files


def test_what_it_is_for_is_in_its_bill(image: Image) -> None:
    needed = {
        APP_IMAGE: {"python3.13-minimal", "libc6"},
        PLACEMENT_IMAGE: {"python3.13-minimal", "libc6"},
        POSTGRES_IMAGE: {"postgresql-17", "postgresql-client-17", "bash", "libc6"},
        ROUTER_IMAGE: {"haproxy", "python3.13-minimal", "libc6"},
    }[image.tag]
    assert needed <= image.packages
    assert image.packages & {"apt", "dpkg", "perl-base", "passwd", "login", "mount"} == set()
    references = [one["bom-ref"] for one in image.components]
    assert len(references) == len(set(references))


def test_the_notice_names_the_licence_of_each_python_distribution(image: Image) -> None:
    notice = (ROOT / "NOTICE").read_text("utf-8")
    told = dict(re.findall(r"^  ([a-z0-9-]+) {2,}(\S.*)$", notice, re.MULTILINE))
    listed = [one for one in image.components if ":pypi/" in one.get("purl", "")]
    folder = {APP_IMAGE: "app", PLACEMENT_IMAGE: "placement"}.get(image.tag)
    assert bool(listed) == (folder is not None)
    for one in listed:
        (licence,) = one["licenses"]
        expected = licence.get("expression") or licence["license"]["name"]
        assert told[one["name"].lower().replace("_", "-")] == expected
    if listed:
        pinned = (ROOT / f"images/{folder}/requirements.txt").read_text("utf-8")
        names = re.findall(r"^([a-z0-9-]+)(?:\[\S+\])?==", pinned, re.MULTILINE)
        assert {one["name"].lower().replace("_", "-") for one in listed} == set(names)
        assert set(told) >= set(names)
