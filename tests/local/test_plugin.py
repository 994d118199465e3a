"""The Kubernetes plugin: the official one from a stand-in for its site, else our own."""

import io
import os
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from local import plugin, programs, versions
from local.environment import prepare
from local.place import Place, place
from local.programs import Tools
from tests.local.standins import Shown, Site

CONTENT = b"#!/bin/sh\necho official\n"


@pytest.fixture(scope="module")
def tools() -> Tools:
    """Return the real programs: pulumi installs."""
    return programs.ready(place(os.environ), os.environ["PATH"])


@pytest.fixture
def project(where: Place, tmp_path: Path) -> Place:
    """Return a project whose provider is small."""
    root = tmp_path / "project"
    provider = root / "airgap" / "provider"
    provider.mkdir(parents=True)
    program = provider / "pulumi-resource-kubernetes"
    program.write_text("#!/bin/sh\necho ours\n")
    program.chmod(0o755)
    there = replace(where, root=root, downloads="http://127.0.0.1:1")
    prepare(there)
    return there


def installed(there: Place) -> str:
    folder = there.pulumi_home / "plugins" / f"resource-kubernetes-v{versions.PLUGIN}"
    return (folder / "pulumi-resource-kubernetes").read_text()


def publish(site: Site) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        member = tarfile.TarInfo("pulumi-resource-kubernetes")
        member.size, member.mode = len(CONTENT), 0o755
        archive.addfile(member, io.BytesIO(CONTENT))
    for system in ("linux", "darwin"):
        for machine in ("amd64", "arm64"):
            name = f"pulumi-resource-kubernetes-v{versions.PLUGIN}-{system}-{machine}.tar.gz"
            site.put(f"get.pulumi.com/releases/plugins/{name}", packed.getvalue())


def test_the_official_plugin_is_installed_once(
    project: Place, tools: Tools, shown: Shown, site: Site
) -> None:
    publish(site)
    there = replace(project, downloads=site.url)
    assert plugin.ensure(there, tools, shown.report) == "4.34.2, official, installed"
    assert installed(there) == CONTENT.decode()
    assert plugin.ensure(project, tools, shown.report) == "4.34.2, official"


def test_without_its_site_ours_is_installed_and_follows_its_sources(
    project: Place, tools: Tools, shown: Shown
) -> None:
    said = "4.34.2, airgap/provider"
    assert plugin.ensure(project, tools, shown.report) == f"{said}, installed"
    assert "http://127.0.0.1:1/get.pulumi.com/releases/plugins does not answer" in shown.text
    assert "echo ours" in installed(project)
    assert plugin.ensure(project, tools, shown.report) == said
    program = project.root / "airgap" / "provider" / "pulumi-resource-kubernetes"
    program.write_text("#!/bin/sh\necho changed\n")
    assert plugin.ensure(project, tools, shown.report) == f"{said}, installed"
    assert "echo changed" in installed(project)


def test_a_site_without_the_plugin_is_no_end(
    project: Place, tools: Tools, shown: Shown, site: Site
) -> None:
    there = replace(project, downloads=site.url)
    assert plugin.ensure(there, tools, shown.report) == "4.34.2, airgap/provider, installed"
    assert "failed with exit code" in shown.text


def test_a_plugin_that_was_removed_by_hand_comes_back(
    project: Place, tools: Tools, shown: Shown
) -> None:
    plugin.ensure(project, tools, shown.report)
    for folder in (project.pulumi_home / "plugins").iterdir():
        folder.rename(project.state / folder.name)
    plugin.ensure(project, tools, shown.report)
    assert "echo ours" in installed(project)
