"""The bill of an image: what its databases of packages say, and nothing else."""

import io
import itertools
import json
import tarfile
from pathlib import Path

import pytest

from local import docker, sbom
from local.errors import Failed
from local.place import Place
from tests.local.standins import Shown

STATUS = """\
Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.41-12+deb13u2
Description: GNU C Library
 Package: not-this-one
 .
 Version: 7

Package: login
Status: install ok installed
Architecture: all
Version: 1:4.16.0-2~rc1

Package: perl-base
Status: deinstall ok config-files
Architecture: amd64
Version: 5.40
"""
SYSTEM = 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nVERSION_ID="13"\nID=debian\n'
PYTHON = {
    "psycopg": "Name: psycopg\nVersion: 3.3\nLicense-Expression: LGPL-3.0-only\n\nName: fake\n",
    "old": "Name: Old_Name\nVersion: 1!2.0+local\nLicense: BSD License\n\ntext\n",
    "silent": "Name: silent\nVersion: 0\n",
}
FILES = {
    "var/lib/dpkg/status": STATUS,
    "usr/lib/os-release": SYSTEM,
    "opt/METADATA": "Name: elsewhere\nVersion: 1\n",
    "etc/motd": "hello",
    **{f"opt/libraries/{name}-1.dist-info/METADATA": text for name, text in PYTHON.items()},
}


def image(path: Path, files: dict[str, str], prefix: str = "") -> Path:
    with tarfile.open(path, "w") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(prefix + name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return path


def test_packages_and_distributions_are_listed(tmp_path: Path) -> None:
    found = sbom.read(image(tmp_path / "image.tar", FILES))
    assert [(one["type"], one["name"], one["version"]) for one in found] == [
        ("library", "libc6", "2.41-12+deb13u2"),
        ("library", "login", "1:4.16.0-2~rc1"),
        ("library", "Old_Name", "1!2.0+local"),
        ("library", "psycopg", "3.3"),
        ("library", "silent", "0"),
        ("operating-system", "debian", "13"),
    ]
    assert [one["purl"] for one in found[:-1]] == [
        "pkg:deb/debian/libc6@2.41-12%2Bdeb13u2?arch=amd64",
        "pkg:deb/debian/login@1%3A4.16.0-2~rc1?arch=all",
        "pkg:pypi/old-name@1%212.0%2Blocal",
        "pkg:pypi/psycopg@3.3",
        "pkg:pypi/silent@0",
    ]
    assert [one.get("licenses") for one in found[2:5]] == [
        [{"license": {"name": "BSD License"}}],
        [{"expression": "LGPL-3.0-only"}],
        None,
    ]


def test_the_order_of_files_changes_nothing(tmp_path: Path) -> None:
    orders = itertools.islice(itertools.permutations(FILES), 0, None, 701)
    found = {
        json.dumps(sbom.read(image(tmp_path / "x.tar", {name: FILES[name] for name in one}, "./")))
        for one in orders
    }
    assert len(found) == 1


def test_references_are_unique() -> None:
    bill = sbom.document("example.com:5000/cellwright/app:0.1.0", [])
    component = bill["metadata"]["component"]
    assert (component["name"], component["version"]) == (
        "example.com:5000/cellwright/app",
        "0.1.0",
    )


@pytest.mark.parametrize(
    "files",
    [{}, {"etc/motd": "hello"}, {"var/lib/dpkg/status": ""}, {"usr/lib/os-release": SYSTEM}],
)
def test_an_image_that_tells_nothing_is_refused(files: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(Failed, match="expected the packages of Debian in /var/lib/dpkg/status"):
        sbom.read(image(tmp_path / "image.tar", files))


def test_a_bill_is_written_as_a_whole(
    where: Place, shown: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker, "image_id", lambda _: "sha256:0")
    monkeypatch.setattr(docker, "export", lambda _, archive: image(archive, FILES))
    path = tmp_path / "sbom/app.cdx.json"
    assert sbom.write("cellwright/app:1", path, where, shown.report) == "6 components"
    bill = json.loads(path.read_text("utf-8"))
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert len(bill["components"]) == 6


def test_an_image_that_is_not_there_is_said(
    where: Place, shown: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker, "image_id", lambda _: None)
    with pytest.raises(Failed, match="no image cellwright/app:1: run `make cluster` first"):
        sbom.write("cellwright/app:1", tmp_path / "x", where, shown.report)
