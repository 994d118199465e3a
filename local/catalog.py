"""The command-line programs of the local environment: what each is called and where it comes from.

Values only; `programs` gets them.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from local import versions
from local.downloads import Artefact

Version = tuple[int, int, int]

_GITHUB = "https://github.com"


@dataclass(frozen=True, slots=True)
class Program:
    """One program: how to ask its version, which versions fit, and where it comes from."""

    name: str
    version: str
    ask: tuple[str, ...]
    """Arguments that make it print its version."""
    fits: Callable[[Version], bool]
    wanted: str
    """What `fits` accepts, in words."""
    artefact: Callable[[str, str], Artefact]
    """Its download, for an operating system and a processor as Go calls them."""
    go_set: str
    """The set of `airgap.golang` that has it."""
    companions: tuple[str, ...] = ()
    """Programs that come with it and must be found where it is found."""


def version_in(text: str) -> Version | None:
    """Find the first `<major>.<minor>.<patch>` in what a program says of itself."""
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def _kind(system: str, machine: str) -> Artefact:
    name = f"kind-{system}-{machine}"
    url = f"{_GITHUB}/kubernetes-sigs/kind/releases/download/v{versions.KIND}/{name}"
    pinned = versions.SHA256.get(f"kind-v{versions.KIND}-{system}-{machine}")
    return Artefact(url, f"{url}.sha256sum", pinned)


def _kubectl(system: str, machine: str) -> Artefact:
    url = f"https://dl.k8s.io/release/v{versions.KUBERNETES}/bin/{system}/{machine}/kubectl"
    pinned = versions.SHA256.get(f"kubectl-v{versions.KUBERNETES}-{system}-{machine}")
    return Artefact(url, f"{url}.sha256", pinned)


def _pulumi(system: str, machine: str) -> Artefact:
    release = f"{_GITHUB}/pulumi/pulumi/releases/download/v{versions.PULUMI}"
    machine = "x64" if machine == "amd64" else machine
    return Artefact(
        f"{release}/pulumi-v{versions.PULUMI}-{system}-{machine}.tar.gz",
        f"{release}/pulumi-{versions.PULUMI}-checksums.txt",
    )


_PULUMI_VERSION = version_in(versions.PULUMI) or (0, 0, 0)
_KIND_VERSION = version_in(versions.KIND) or (0, 0, 0)
_KUBERNETES_VERSION = version_in(versions.KUBERNETES) or (0, 0, 0)

PULUMI = Program(
    name="pulumi",
    version=versions.PULUMI,
    ask=("version",),
    fits=lambda found: _PULUMI_VERSION <= found < (4, 0, 0),
    wanted=f"{versions.PULUMI} or newer, below 4",
    artefact=_pulumi,
    go_set="pulumi",
    companions=("pulumi-language-python",),
)
KIND = Program(
    name="kind",
    version=versions.KIND,
    ask=("version", "-q"),
    fits=lambda found: _KIND_VERSION <= found < (1, 0, 0),
    wanted=f"{versions.KIND} or newer, below 1",
    artefact=_kind,
    go_set="kind",
)
KUBECTL = Program(
    name="kubectl",
    version=versions.KUBERNETES,
    ask=("version", "--client"),
    fits=lambda found: found[0] == 1 and abs(found[1] - _KUBERNETES_VERSION[1]) <= 1,
    wanted=f"within one minor of {versions.KUBERNETES}",
    artefact=_kubectl,
    go_set="kubernetes",
)
PROGRAMS = (PULUMI, KIND, KUBECTL)
