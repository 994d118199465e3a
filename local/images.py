"""The images of the local cluster: the base, the node, and the project's own.

Base and node are pulled, else made by `airgap`. The project's own are built from
`images/<name>/`, again only when something that they are made from has changed.
"""

import platform
import re
import shutil
import tomllib
from pathlib import Path

from airgap import base_image, node_image
from local import docker, versions
from local.errors import Failed
from local.files import IGNORED, digest
from local.place import Place
from local.process import ProgramFailed, logged
from local.report import Report
from local.system import System
from local.workshop import workshop

PYTHON = "3.13"
"""Of the base image; wheels are chosen for it on the host."""
GLIBC = ("39", "36", "35", "34", "31", "28", "27", "26", "24", "17", "12", "5")
"""Minors of glibc 2 for which wheels are published and that the base image can load."""
WHEELS_TIMEOUT_S = 600.0
BORROWED = {"placement": {"agent": "router/agent"}}
"""What images take from another's folder below `images/`, by its name in their build context."""
_DIGEST = re.compile("sha256:[0-9a-f]{64}")


def base(place: Place, system: System, report: Report) -> str:
    """Get the base image."""
    tag = versions.BASE_IMAGE
    pinned = place.base_digest
    if pinned and not _DIGEST.fullmatch(pinned):
        expected = "expected sha256: and 64 hexadecimal digits, as the registry tells it"
        raise Failed(f"CELLWRIGHT_BASE_DIGEST is {pinned!r}; {expected}")
    if docker.image_id(tag):
        return "present"
    if _pulled(tag, pinned or None, place, report):
        return "pulled"
    base_image.build(tag, place, system, report)
    return "made from Debian's packages"


def node(place: Place, system: System, report: Report) -> str:
    """Get the image of the cluster's node; one that was made here follows its sources."""
    tag = versions.NODE_IMAGE
    made_from = docker.inputs_of(tag)
    if docker.image_id(tag) and made_from in {None, node_image.inputs()}:
        return "present"
    if made_from is None and _pulled(tag, versions.NODE_DIGEST, place, report):
        return "pulled"
    node_image.build(tag, place, system, report)
    docker.prune()
    return "made from Go modules and Debian's packages"


def own(place: Place) -> dict[str, str]:
    """Return the project's own images: folder below `images/` -> tag."""
    project = tomllib.loads((place.root / "pyproject.toml").read_text())["project"]
    folders = sorted(file.parent.name for file in place.root.glob("images/*/Dockerfile"))
    return {name: f"cellwright/{name}:{project['version']}" for name in folders}


def build(name: str, tag: str, place: Place, report: Report) -> str:
    """Build one of the project's own images unless it is there, from the present sources."""
    wanted = _inputs(name, place)
    if docker.inputs_of(tag) == wanted:
        return "present"
    with workshop(f"image-{name}", place, report) as work:
        if docker.inputs_of(tag) == wanted:
            return "present"
        report.say(f"building {tag}")
        context = work / "context"
        ignored = shutil.ignore_patterns(*IGNORED)
        shutil.copytree(place.root / "images" / name, context, ignore=ignored)
        for called, source in BORROWED.get(name, {}).items():
            shutil.copytree(place.root / "images" / source, context / called, ignore=ignored)
        requirements = context / "requirements.txt"
        if requirements.exists():
            _download_wheels(requirements, context / "wheels", place, place.logs / f"{name}-wheels")
        docker.build(context, tag, wanted, place.logs / f"image-{name}.log")
        docker.prune()
    return "built"


def _inputs(name: str, place: Place) -> str:
    """Return the digest of the folders that it is made from, and of the base image."""
    folders = [place.root / "images" / one for one in (name, *BORROWED.get(name, {}).values())]
    return digest(folders, docker.image_id(versions.BASE_IMAGE) or "")


def _download_wheels(requirements: Path, wheels: Path, place: Place, log: Path) -> None:
    """Fetch the pinned wheels for the image's Python here: only the host may reach an index."""
    machine = {"arm64": "aarch64"}.get(platform.machine(), platform.machine())  # macOS's word
    argv: list[str | Path] = [place.venv / "bin" / "python", "-m", "pip", "download", "--no-input"]
    argv += ["--require-hashes", "--only-binary=:all:", "--python-version", PYTHON]
    argv += [f"--platform=manylinux_2_{minor}_{machine}" for minor in GLIBC]
    argv += [f"--platform=manylinux2014_{machine}", "--dest", wheels, "--requirement", requirements]
    logged(argv, log, timeout=WHEELS_TIMEOUT_S)


def _pulled(tag: str, pinned: str | None, place: Place, report: Report) -> bool:
    """Try to pull; say why not."""
    log = place.logs / f"pull-{tag.split(':', maxsplit=1)[0].replace('/', '-')}.log"
    try:
        docker.pull(tag, place.registry, pinned, log)
    except ProgramFailed as error:
        report.say(str(error).splitlines()[0])
        return False
    if docker.image_id(tag) is None:
        raise Failed(f"docker says that it pulled {tag}, but there is no such image")
    return True
