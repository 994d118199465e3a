"""A Debian base image, as small as the official slim one, made with debootstrap (needs root).

Documentation, manuals and translations are left out, now and when later layers install
packages; licences stay.
"""

import re
import shutil
from pathlib import Path

from local.errors import Failed
from local.place import Place
from local.process import capture, logged
from local.report import Report
from local.system import System, need
from local.workshop import workshop

DEBOOTSTRAP_TIMEOUT_S = 1200.0

UNWANTED = ("groff", "info", "linda", "lintian", "locale", "man")
"""Folders of /usr/share."""

DPKG = "".join(
    [
        "path-exclude /usr/share/doc/*\npath-include /usr/share/doc/*/copyright\n",
        *(f"path-exclude /usr/share/{name}/*\n" for name in UNWANTED),
        # A layer that is not finished is thrown away: no need to wait for the disk.
        "force-unsafe-io\n",
    ]
)
APT = """\
Acquire::Languages "none";
APT::Update::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
"""


def build(tag: str, place: Place, system: System, report: Report) -> None:
    """Make the image `debian:<suite>-slim` from Debian's packages."""
    found = re.fullmatch(r"debian:(\w+)-slim", tag)
    if not found:
        raise Failed(f"no way to make {tag}: expected an image called debian:<suite>-slim")
    if not system.root:
        raise Failed(f"{tag} cannot be pulled, and only root can make it (debootstrap)")
    need(["debootstrap"], system, place, report)
    report.say(f"making {tag} from Debian's packages (about 1 min)")
    unmount_below(place.cache / "tmp" / "base-image")
    with workshop("base-image", place, report) as work:
        root = work / "root"
        argv = ["debootstrap", "--variant=minbase", found[1], str(root)]
        try:
            log = place.logs / "debootstrap.log"
            logged(argv, log, timeout=DEBOOTSTRAP_TIMEOUT_S, env=system.environment())
        finally:
            unmount_below(root)
        _slim(root)
        archive = work / "base.tar"
        tar = ["tar", "--numeric-owner", "-C", str(root), "-cf", str(archive), "."]
        capture(tar, timeout=300)
        load = ["docker", "import", "--change", 'CMD ["bash"]', str(archive), tag]
        capture(load, timeout=300)


def _slim(root: Path) -> None:
    for name in UNWANTED:
        _empty(root / "usr/share" / name)
    for name in ("var/cache/apt", "var/lib/apt/lists", "var/log", "tmp"):
        _empty(root / name)
    for file in (root / "usr/share/doc").rglob("*"):
        if not file.is_dir() and file.name != "copyright":
            file.unlink()
    (root / "etc/dpkg/dpkg.cfg.d/slim").write_text(DPKG)
    (root / "etc/apt/apt.conf.d/slim").write_text(APT)
    # Nothing is started when a package is installed in a container.
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)


def _empty(folder: Path) -> None:
    for entry in folder.iterdir() if folder.is_dir() else ():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def unmount_below(folder: Path) -> None:
    """Undo what a killed debootstrap left mounted (its root's /proc)."""
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for mount in sorted(mounts, reverse=True):
        if mount.startswith(f"{folder}/"):
            capture(["umount", "--lazy", mount], timeout=30)
