"""Versions that stand in more than one place are the same everywhere."""

import re
import tomllib

import pytest

from airgap import golang
from local import versions
from local.catalog import KIND, KUBECTL, PROGRAMS, PULUMI, Program, Version, version_in
from tests.local.standins import ROOT

MODULES = {
    "kind": "sigs.k8s.io/kind",
    "pulumi": "github.com/pulumi/pulumi/pkg/v3",
    "kubernetes": "k8s.io/kubernetes",
    "etcd": "go.etcd.io/etcd/server/v3",
    "coredns": "github.com/coredns/coredns",
    "local-path-provisioner": "github.com/rancher/local-path-provisioner",
}


@pytest.mark.parametrize(("name", "module"), MODULES.items())
def test_go_modules_have_the_version_of_their_set(name: str, module: str) -> None:
    text = (golang.GO / name / "go.mod").read_text()
    assert re.findall(rf"^\t{re.escape(module)} v(\S+)", text, re.MULTILINE) == [
        golang.SETS[name].version
    ]


def test_every_set_but_our_own_is_compared() -> None:
    assert set(golang.SETS) - set(MODULES) == {"pause"}


def test_staging_modules_of_kubernetes_have_its_minor_and_patch() -> None:
    text = (golang.GO / "kubernetes" / "go.mod").read_text()
    replaced = re.findall(r"^replace (k8s\.io/\S+) => \1 v(\S+)$", text, re.MULTILINE)
    assert len(replaced) > 25
    assert {version for _, version in replaced} == {"0" + versions.KUBERNETES[1:]}


def test_the_plugin_is_that_of_the_python_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert f"pulumi-kubernetes=={versions.PLUGIN}" in project["dependencies"]


def test_programs_are_looked_up_as_they_are_built() -> None:
    assert {p.name: p.version for p in PROGRAMS} == {
        p.name: golang.SETS[p.go_set].version for p in PROGRAMS
    }


@pytest.mark.parametrize(
    ("program", "version", "fits"),
    [
        (PULUMI, (3, 259, 0), True),
        (PULUMI, (3, 300, 1), True),
        (PULUMI, (3, 258, 9), False),
        (PULUMI, (4, 0, 0), False),
        (KIND, (0, 30, 0), True),
        (KIND, (0, 31, 0), True),
        (KIND, (0, 29, 9), False),
        (KIND, (1, 0, 0), False),
        (KUBECTL, (1, 33, 0), True),
        (KUBECTL, (1, 35, 9), True),
        (KUBECTL, (1, 32, 4), False),
        (KUBECTL, (1, 36, 0), False),
    ],
)
def test_versions_that_fit(program: Program, version: Version, *, fits: bool) -> None:
    assert program.fits(version) is fits


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("v3.259.0\n", (3, 259, 0)),
        ("0.30.0", (0, 30, 0)),
        ("Client Version: v1.34.3-dispatcher\nKustomize Version: v5.5.0\n", (1, 34, 3)),
        ("what?", None),
    ],
)
def test_versions_are_read_from_what_programs_say(text: str, version: Version | None) -> None:
    assert version_in(text) == version
