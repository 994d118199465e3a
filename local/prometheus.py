"""Prometheus and promtool, which the tests of `monitoring/` run.

From PATH, else from Debian's packages, unpacked into the cache and not installed: that would leave
a service running on the developer's machine. They need no root, and nothing but libc.
"""

import shutil
from pathlib import Path

from local.errors import Failed
from local.files import publish
from local.place import Place
from local.process import ProgramFailed, capture, logged
from local.report import Report
from local.system import APT_TIMEOUT_S, System
from local.workshop import workshop

PROGRAMS = ("prometheus", "promtool")
"""Each is called like the package that has it, or comes with the one before."""


def find(place: Place, system: System) -> dict[str, Path]:
    """Return where the programs lie, as far as they are there."""
    cached = place.cache / "debian" / "prometheus" / "usr" / "bin"
    places = f"{system.path}:{cached}"
    found = {name: shutil.which(name, path=places) for name in PROGRAMS}
    return {name: Path(file) for name, file in found.items() if file}


def obtain(place: Place, system: System, report: Report) -> str:
    """Make sure that the programs are there, or stop with their names."""
    if len(find(place, system)) == len(PROGRAMS):
        return "present"
    if not system.apt:
        raise Failed(f"missing: {', '.join(PROGRAMS)}. Put them on PATH and run this again")
    with workshop("debian-prometheus", place, report) as work:
        if len(find(place, system)) < len(PROGRAMS):  # another run may just have done it
            _unpack(work, place, system.apt, root=system.root)
    missing = [name for name in PROGRAMS if name not in find(place, system)]
    if missing:
        raise Failed(f"Debian's packages {', '.join(PROGRAMS)} hold no {' and no '.join(missing)}")
    return "unpacked from Debian's packages"


def _unpack(work: Path, place: Place, apt: str, *, root: bool) -> None:
    out = work / "out"
    for name in PROGRAMS:
        if (out / "usr" / "bin" / name).exists():
            continue  # promtool has a package of its own since Debian 13
        folder = work / name
        folder.mkdir()
        _download(name, folder, place, apt, root=root)
        (file,) = folder.glob("*.deb")
        capture(["dpkg-deb", "--extract", str(file), str(out)], timeout=120)
    publish(out, place.cache / "debian" / "prometheus")


def _download(package: str, folder: Path, place: Place, apt: str, *, root: bool) -> None:
    # Not as apt's own user, who may not write into this folder.
    argv = [apt, "-o", "APT::Sandbox::User=root", "download", package]
    logs = place.cache / "logs"
    try:
        logged(argv, logs / f"{package}.log", timeout=APT_TIMEOUT_S, cwd=folder)
    except ProgramFailed:
        if not root:
            raise
        # The lists of packages are old, or there are none yet.
        logged([apt, "update"], logs / f"{package}-update.log", timeout=APT_TIMEOUT_S)
        logged(argv, logs / f"{package}.log", timeout=APT_TIMEOUT_S, cwd=folder)
