"""Getting the programs of the catalog.

Each comes from the first of these that has it: PATH (a version that fits), the cache, the
publisher's site (checksum checked), Go modules. A folder in the cache is complete or absent.
"""

import os
import platform
import shutil
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

from airgap import golang
from local.catalog import PROGRAMS, Program, version_in
from local.downloads import fetch
from local.errors import Failed, WrongChecksum
from local.files import publish, recorded, write_atomically
from local.place import Place
from local.process import ProgramFailed, capture
from local.report import Report
from local.system import System
from local.workshop import workshop

DOWNLOADED = "sha256:"
"""How the stamp of a downloaded program begins; `airgap.golang` stamps what it builds."""


@dataclass(frozen=True, slots=True)
class Tools:
    """Where the programs lie."""

    pulumi: Path
    kind: Path
    kubectl: Path

    @property
    def folders(self) -> list[Path]:
        """The folders to put on PATH, each once."""
        return list(dict.fromkeys(file.parent for file in (self.pulumi, self.kind, self.kubectl)))


def folder(program: Program, place: Place) -> Path:
    """Return a program's folder in the cache."""
    return place.cache / "bin" / f"{program.name}-{program.version}"


def on_path(program: Program, place: Place, path: str) -> Path | None:
    """Return the folder of a fitting version on PATH; the cache's own folders do not count."""
    own = f"{place.cache}{os.sep}"
    outside = os.pathsep.join(part for part in path.split(os.pathsep) if not part.startswith(own))
    found = shutil.which(program.name, path=outside)
    if found is None:
        return None
    if any(shutil.which(name, path=outside) is None for name in program.companions):
        return None
    environment = {
        **os.environ,
        "PULUMI_HOME": str(place.pulumi_home),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    try:
        said = capture([found, *program.ask], timeout=20, env=environment)
    except ProgramFailed:
        return None
    version = version_in(said.out)
    return Path(found).parent if version and program.fits(version) else None


def in_cache(program: Program, place: Place) -> Path | None:
    """Return a program's folder in the cache if it is there, complete and not outdated."""
    mine = folder(program, place)
    stamp = recorded(mine / golang.STAMP)
    if stamp is None:
        return None
    current = stamp.startswith(DOWNLOADED) or stamp == golang.key(program.go_set)
    return mine if current else None


def ready(place: Place, path: str) -> Tools:
    """Return where the programs are, without getting any; stop when one is missing."""
    files = {}
    for program in PROGRAMS:
        found = on_path(program, place, path) or in_cache(program, place)
        if found is None:
            raise Failed(f"{program.name} ({program.wanted}) is not there yet: run `make setup`")
        files[program.name] = found / program.name
    return Tools(**files)


def obtain(program: Program, place: Place, system: System, report: Report) -> str:
    """Get one program; return in a few words where it came from."""
    if found := on_path(program, place, system.path):
        return f"on PATH: {found}"
    if in_cache(program, place):
        return f"{program.version}, in the cache"
    with workshop(f"program-{program.name}", place, report) as work:
        if in_cache(program, place):
            return f"{program.version}, in the cache"
        out = work / "out"
        out.mkdir()
        how = f"{program.version}, downloaded"
        try:
            _download(program, place, work, out)
        except WrongChecksum:
            raise
        except Failed as error:
            report.say(str(error))
            how = f"{program.version}, built from Go modules"
            made = golang.built(program.go_set, place, system, report)
            if made == folder(program, place):
                return how
            for name in (program.name, golang.STAMP):
                shutil.copy2(made / name, out / name)
        publish(out, folder(program, place))
    return how


def _download(program: Program, place: Place, work: Path, out: Path) -> None:
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    artefact = program.artefact(sys.platform, machine)
    download = work / artefact.url.rsplit("/", 1)[1]
    checksum = fetch(artefact, download, place.downloads)
    if download.name.endswith(".tar.gz"):
        _unpack(program, download, out)
    else:
        download.rename(out / program.name)
        (out / program.name).chmod(0o755)
    for name in (program.name, *program.companions):
        if not (out / name).is_file():
            raise Failed(f"{artefact.url} holds no {name}")
    write_atomically(out / golang.STAMP, DOWNLOADED + checksum)


def _unpack(program: Program, archive: Path, out: Path) -> None:
    """Take the program and what Python programs need; hosts of other languages stay behind."""
    with tarfile.open(archive) as members:
        for member in members:
            name = Path(member.name).name
            content = members.extractfile(member)
            if content is None or (name != program.name and "python" not in name):
                continue
            with (out / name).open("wb") as sink:
                shutil.copyfileobj(content, sink)
            (out / name).chmod(0o755)
