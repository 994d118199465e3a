"""Programs that only the system's package manager brings.

Root on Debian (or a system with apt-get): they are installed. Anyone else is told their names;
nothing here asks for a password.
"""

import importlib.util
import os
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from local.errors import Failed
from local.place import Place
from local.process import logged
from local.report import Report

PACKAGES = {
    "python3-venv": "python3-venv",
    "docker": "docker.io",
    "dockerd": "docker.io",
    "iptables": "iptables",
    "debootstrap": "debootstrap",
    "docker-registry": "docker-registry",
    "go": "golang-go",
}
"""Debian's package of each program that a step may need."""

SYSTEM_FOLDERS = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/go/bin"
"""Often not on PATH (of ordinary users, of root after a plain `su`, after go.dev's installation of
Go); looked into all the same."""

APT_TIMEOUT_S = 1200.0


@dataclass(frozen=True, slots=True)
class System:
    """How this machine gets packages; a value, so that tests can be another machine."""

    root: bool
    apt: str | None
    path: str

    def find(self, program: str) -> str | None:
        """Return where a program lies, or None."""
        if program == "python3-venv":
            return program if importlib.util.find_spec("ensurepip") else None
        return shutil.which(program, path=f"{self.path}:{SYSTEM_FOLDERS}")

    def environment(self) -> dict[str, str]:
        """Return what a program of the administrator runs in: all that `find` finds is on PATH."""
        return {**os.environ, "PATH": f"{self.path}:{SYSTEM_FOLDERS}"}


def this_machine() -> System:
    """Look at the machine that this runs on."""
    return System(
        root=os.geteuid() == 0,
        apt=shutil.which("apt-get"),
        path=os.environ.get("PATH", os.defpath),
    )


def need(programs: Iterable[str], system: System, place: Place, report: Report) -> str:
    """Make sure that programs are there, or stop with the names of all that are missing."""
    missing = [name for name in programs if system.find(name) is None]
    if not missing:
        return "present"
    packages = sorted({PACKAGES[name] for name in missing})
    if not (system.root and system.apt):
        raise Failed(
            f"missing: {', '.join(missing)}. Install them (on Debian, as root: apt-get install "
            f"{' '.join(packages)}) and run this again"
        )
    report.say("installing " + " ".join(packages))
    environment = {**system.environment(), "DEBIAN_FRONTEND": "noninteractive"}
    commands = (
        # An installation that was interrupted must be finished before a new one may start.
        ["dpkg", "--configure", "-a"],
        [system.apt, "update"],
        [system.apt, "install", "-y", *packages],
    )
    for number, argv in enumerate(commands):
        log = place.cache / "logs" / f"apt-{number}.log"
        logged(argv, log, timeout=APT_TIMEOUT_S, env=environment, cwd=Path("/"))
    still = [name for name in missing if system.find(name) is None]
    if still:
        raise Failed(f"{', '.join(still)} not found after installing {' '.join(packages)}")
    return "installed " + " ".join(packages)


def base_python() -> Path:
    """Return the Python below any virtual environment: one that is made anew cannot run itself."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    own = Path(sys.base_prefix) / "bin" / name
    return own if own.exists() else Path(sys.executable)
